# SPDX-License-Identifier: LGPL-2.1-or-later
"""How an image names its backing file: a path, a URL, QEMU's old `protocol:` strings, or JSON."""

from __future__ import annotations

import json
import os
import re
from typing import Any, get_args
from urllib.parse import unquote, urlsplit

from conf.domain.devices.network_source import Host
from conf.domain.devices.storage_source import BackingStore, Format, Protocol, StorageFormat, StorageSource
from virtd.errors import Code, From, VirtError, invalid_arg

_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
#: Names that stand for whole strings of another kind are no longer than this.
_OLD_NBD = re.compile(
    r"nbd:(?:unix:(?P<socket>[^:]+)|(?P<host>\[[^]]+\]|[^:]+):(?P<port>\d+))(?::exportname=(?P<name>.*))?"
)


def backing_store(name: str, format_: str, parent: str) -> BackingStore:
    """The image called `name` in the header of the image at `parent`.

    Raises:
        VirtError: a name of a kind that libvirt refuses, too.
    """
    if not name.isprintable():
        raise _storage_error(f"the backing file name of '{parent}' has characters that no name may have")
    if name.startswith("json:"):
        return _from_json(name, format_)
    if _PREFIX.match(name):
        return _store("network", _from_url(name) if "://" in name else _from_old_name(name), format_)
    path = os.path.join(os.path.dirname(parent), name)
    return _store("file", StorageSource(file=path), format_)


def _storage_error(text: str) -> VirtError:
    return VirtError(Code.INTERNAL_ERROR, text, source=From.STORAGE)


def _store(type_: Any, source: StorageSource, format_: Any) -> BackingStore:
    if format_ not in get_args(StorageFormat):
        raise _storage_error(f"backing file has the unknown format '{format_}'")
    return BackingStore(type=type_, format=Format(type=format_), source=source)


def _protocol(text: str) -> Any:
    if text not in get_args(Protocol):
        raise _storage_error(f"invalid backing protocol '{text}'")
    return text


def _from_url(name: str) -> StorageSource:
    try:
        url = urlsplit(name)
        scheme, _, transport = url.scheme.partition("+")
        port = url.port
    except ValueError:
        raise _storage_error(f"failed to parse backing file location '{name}'") from None
    protocol = _protocol(scheme)
    if transport == "unix":
        socket = dict(part.partition("=")[::2] for part in url.query.split("&")).get("socket")
        host = Host(transport="unix", socket=unquote(socket or ""))
    else:
        host = Host(name=url.hostname, port=port, transport="rdma" if transport == "rdma" else None)
    path = unquote(url.path)
    source = StorageSource(protocol=protocol, name=path.removeprefix("/") or None, hosts=[host])
    if protocol in ("http", "https"):
        source.query = url.query or None
    return source


def _from_old_name(name: str) -> StorageSource:
    protocol = _protocol(name.partition(":")[0])
    if protocol == "nbd" and (found := _OLD_NBD.fullmatch(name)):
        if found["socket"]:
            host = Host(transport="unix", socket=found["socket"])
        else:
            host = Host(name=found["host"].strip("[]"), port=int(found["port"]))
        return StorageSource(protocol="nbd", name=found["name"], hosts=[host])
    if protocol == "rbd":
        return StorageSource(protocol="rbd", name=name.removeprefix("rbd:").partition(":")[0])
    raise _storage_error(f"failed to parse backing file location '{name}'")


def _from_json(name: str, format_: str) -> BackingStore:
    try:
        content = json.loads(name.removeprefix("json:"))
    except (ValueError, RecursionError):
        raise invalid_arg(f"JSON backing volume definition '{name}' is not valid JSON") from None
    driver = content.get("driver") if isinstance(content, dict) else None
    if isinstance(driver, str) and isinstance(content.get("file"), dict):  # a format above its storage
        return _store(*_from_driver(content["file"], name), driver)
    if isinstance(content, dict) and isinstance(content.get("file"), dict):
        content = content["file"]
    return _store(*_from_driver(content, name), format_)


def _from_driver(content: Any, name: str) -> tuple[str, StorageSource]:
    driver = content.get("driver") if isinstance(content, dict) else None
    if not isinstance(driver, str):
        text = f"JSON backing volume definition '{name}' lacks driver name"
        raise VirtError(Code.INVALID_ARG, text, source=From.STORAGE)
    if driver in ("file", "host_device", "host_cdrom") and isinstance(content.get("filename"), str):
        if driver == "file":
            return "file", StorageSource(file=content["filename"])
        return "block", StorageSource(dev=content["filename"])
    if driver in ("http", "https", "ftp", "ftps") and isinstance(content.get("url"), str):
        return "network", _from_url(content["url"])
    if driver == "nbd":
        return "network", _nbd_from_json(content)
    raise _storage_error(f"missing parser implementation for JSON backing volume driver '{driver}'")


def _nbd_from_json(content: dict[str, Any]) -> StorageSource:
    server = content.get("server")
    if not isinstance(server, dict):
        raise _storage_error("missing server in JSON backing volume definition")
    if server.get("type") == "unix":
        host = Host(transport="unix", socket=str(server.get("path", "")))
    else:
        port = str(server.get("port", ""))
        host = Host(name=str(server.get("host", "")), port=int(port) if port.isdecimal() else None)
    export = content.get("export")
    return StorageSource(protocol="nbd", name=str(export) if export is not None else None, hosts=[host])
