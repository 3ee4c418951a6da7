# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's end of a character device in the form of QMP's `chardev-add`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conf.domain.devices.chardev import Parallel
from conf.domain.devices.chardev_source import CharacterBackend, CharacterSource
from conf.domain.devices.redirdev import Redirdev
from virtd.errors import Code, VirtError

Props = dict[str, Any]


def chardev_backend(backend: CharacterBackend, *, credentials: str | None = None) -> Props:
    """The `backend` argument; `credentials` is the object of the certificates for an encrypted connection.

    Raises:
        VirtError: OPERATION_FAILED, this kind cannot be added to a running guest.
    """
    maker = _MAKERS.get(backend.type or "")
    if maker is None:
        raise VirtError(Code.OPERATION_FAILED, f"Hotplug unsupported for char device type '{backend.type}'")
    type_, data = maker(backend, backend.source or CharacterSource())
    if credentials is not None:
        data["tls-creds"] = credentials
    if backend.log is not None and backend.log.file:
        data["logfile"] = backend.log.file
        if backend.log.append is not None:
            data["logappend"] = backend.log.append
    return {"type": type_, "data": data}


def _plain(type_: str) -> Callable[[CharacterBackend, CharacterSource], tuple[str, Props]]:
    return lambda _backend, _source: (type_, {})


def _file(_backend: CharacterBackend, source: CharacterSource) -> tuple[str, Props]:
    return "file", {"out": source.path}


def _device(backend: CharacterBackend, source: CharacterSource) -> tuple[str, Props]:
    kind = "parallel" if isinstance(backend, Parallel) else "serial"
    return kind, {"device": source.path}


def _unix(_backend: CharacterBackend, source: CharacterSource) -> tuple[str, Props]:
    return "socket", {"addr": {"type": "unix", "data": {"path": source.path}}, **_ends(source)}


def _tcp(backend: CharacterBackend, source: CharacterSource) -> tuple[str, Props]:
    address = {"type": "inet", "data": {"host": source.host, "port": source.service}}
    telnet = backend.protocol is not None and backend.protocol.type == "telnet"
    return "socket", {"addr": address, **_ends(source), "telnet": telnet}


def _ends(source: CharacterSource) -> Props:
    """Who waits for whom."""
    ends: Props = {"server": True, "wait": False} if source.mode == "bind" else {"server": False}
    if source.reconnect is not None and source.reconnect.enabled:
        ends["reconnect"] = source.reconnect.timeout
    return ends


def _udp(backend: CharacterBackend, source: CharacterSource) -> tuple[str, Props]:
    data: Props = {"remote": {"type": "inet", "data": {"host": source.host or "", "port": source.service}}}
    own = backend.bind_source
    if own is not None:
        data["local"] = {"type": "inet", "data": {"host": own.host or "", "port": own.service or "0"}}
    return "udp", data


def _spicevmc(backend: CharacterBackend, _source: CharacterSource) -> tuple[str, Props]:
    return "spicevmc", {"type": "usbredir" if isinstance(backend, Redirdev) else "vdagent"}


def _spiceport(_backend: CharacterBackend, source: CharacterSource) -> tuple[str, Props]:
    return "spiceport", {"fqdn": source.channel}


_MAKERS: dict[str, Callable[[CharacterBackend, CharacterSource], tuple[str, Props]]] = {
    "null": _plain("null"),
    "vc": _plain("vc"),
    "pty": _plain("pty"),
    "file": _file,
    "dev": _device,
    "unix": _unix,
    "tcp": _tcp,
    "udp": _udp,
    "spicevmc": _spicevmc,
    "spiceport": _spiceport,
}
