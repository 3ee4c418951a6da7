# SPDX-License-Identifier: LGPL-2.1-or-later
"""-blockdev properties of what an image lies on: a file, a device, a connection."""

from __future__ import annotations

import grp
import pwd
import re
from collections.abc import Callable
from typing import Any

from conf.domain.devices.network_source import Host
from conf.domain.devices.storage_source import DEFAULT_PORTS
from drivers.common.images.layers import Layer
from virtd.errors import Code, VirtError, invalid_arg

Properties = dict[str, Any]

GLUSTER_DEBUG_LEVEL = 4
#: The object through which QEMU asks the helper that the daemon itself runs.
MANAGED_PR_HELPER = "pr-helper0"


def storage_driver(layer: Layer) -> Properties:
    """The driver and its own properties, in libvirt's order.

    Raises:
        VirtError: the XML says something that QEMU has no word for.
    """
    makers, kind = (BY_PROTOCOL, layer.source.protocol) if layer.type == "network" else (BY_TYPE, layer.type)
    maker = makers.get(kind or "")
    if maker is None and kind == "vhostuser":
        raise VirtError(Code.INTERNAL_ERROR, "unable to create blockdev props for vhostuser disk type")
    if maker is None:
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"'{kind}' protocol is not supported with this QEMU binary")
    return maker(layer)


def pr_manager(layer: Layer) -> str | None:
    """The object that handles persistent reservations of this device, None when there are none."""
    reservations = layer.source.reservations
    if reservations is None:
        return None
    return MANAGED_PR_HELPER if reservations.managed else f"pr-helper-{layer.storage_node}"


def tls_credentials(layer: Layer) -> str:
    """The object with the keys for an encrypted connection."""
    return f"obj{layer.storage_node}_tls0"


def cookie_secret(layer: Layer) -> str:
    """The object with the cookies of an HTTP connection."""
    return f"{layer.storage_node}-httpcookie-secret0"


def auth_secret(layer: Layer) -> str:
    """The object with the password for the server."""
    return f"{layer.storage_node}-auth-secret0"


def _given(**properties: object) -> Properties:
    return {name.replace("_", "-"): value for name, value in properties.items() if value is not None}


def _local(driver: str) -> Callable[[Layer], Properties]:
    return lambda layer: _given(driver=driver, filename=layer.path, aio=layer.io, pr_manager=pr_manager(layer))


def _vvfat(layer: Layer) -> Properties:
    # A guest that writes would change the host's folder under everybody's feet.
    return {"driver": "vvfat", "dir": layer.path, "floppy": layer.disk.device == "floppy", "rw": False}


def _nvme(layer: Layer) -> Properties:
    address = layer.source.address
    assert address is not None
    device = f"{address.domain or 0:04x}:{address.bus or 0:02x}:{address.slot or 0:02x}.{address.function or 0:x}"
    return {"driver": "nvme", "device": device, "namespace": layer.source.namespace}


def _server(layer: Layer, host: Host) -> Properties:
    """A server as QEMU's SocketAddress; ports are text there."""
    if host.transport == "unix":
        return {"type": "unix", "path": host.socket}
    if host.transport == "rdma":
        raise VirtError(Code.INTERNAL_ERROR, "transport protocol 'rdma' is not yet supported")
    return {"type": "inet", "host": host.name, "port": _port(layer, host)}


def _port(layer: Layer, host: Host) -> str | None:
    port = host.port or DEFAULT_PORTS.get(layer.source.protocol or "")
    return str(port) if port else None


def _only_host(layer: Layer) -> Host:
    if len(layer.source.hosts) != 1:
        raise VirtError(Code.INTERNAL_ERROR, f"{layer.source.protocol} protocol accepts only one host")
    return layer.source.hosts[0]


def _authority(layer: Layer) -> str:
    """Host and port as they stand in a URL."""
    host = _only_host(layer)
    name = host.name or ""
    return f"{f'[{name}]' if ':' in name else name}:{_port(layer, host)}"


def _nbd(layer: Layer) -> Properties:
    source = layer.source
    return _given(
        driver="nbd",
        server=_server(layer, _only_host(layer)),
        export=source.name,
        tls_creds=tls_credentials(layer) if source.tls else None,
        tls_hostname=source.tls_hostname,
    )


def _curl(layer: Layer) -> Properties:
    source, auth = layer.source, layer.auth
    path = "/" + (source.name or "").removeprefix("/") + (f"?{source.query}" if source.query else "")
    return _given(
        driver=source.protocol,
        url=f"{source.protocol}://{_authority(layer)}{path}",
        username=auth.username if auth else None,
        password_secret=auth_secret(layer) if auth else None,
        sslverify=source.ssl.verify if source.ssl else None,
        cookie_secret=cookie_secret(layer) if source.cookies else None,
        timeout=source.timeout.seconds if source.timeout else None,
        readahead=source.readahead.size if source.readahead else None,
    )


def _iscsi(layer: Layer) -> Properties:
    source, auth = layer.source, layer.auth
    target, slash, lun = (source.name or "").partition("/")
    if slash and not lun.isdecimal():
        raise VirtError(Code.INTERNAL_ERROR, f"cannot parse target for lunStr '{target}'")
    return _given(
        driver="iscsi",
        portal=_authority(layer),
        target=target,
        lun=int(lun or 0),
        transport="tcp",
        user=auth.username if auth else None,
        password_secret=auth_secret(layer) if auth else None,
        initiator_name=source.initiator.iqn.name if source.initiator and source.initiator.iqn else None,
    )


def _gluster(layer: Layer) -> Properties:
    volume, separator, path = (layer.source.name or "").lstrip("/").partition("/")
    if not separator:
        raise VirtError(Code.XML_ERROR, f"missing volume name or file name in gluster source path '{volume}'")
    servers = [_server(layer, host) for host in layer.source.hosts]
    return {"driver": "gluster", "volume": volume, "path": path, "server": servers, "debug": GLUSTER_DEBUG_LEVEL}


def _rbd(layer: Layer) -> Properties:
    source, auth = layer.source, layer.auth
    pool, _, image = (source.name or "").partition("/")
    return _given(
        driver="rbd",
        pool=pool,
        image=image,
        snapshot=source.snapshot.name if source.snapshot else None,
        conf=source.config.file if source.config else None,
        server=[_given(host=host.name, port=_port(layer, host) or "0") for host in source.hosts] or None,
        user=auth.username if auth else None,
        auth_client_required=["cephx", "none"] if auth else None,
        key_secret=auth_secret(layer) if auth else None,
    )


def _ssh(layer: Layer) -> Properties:
    host = _only_host(layer)
    return {"driver": "ssh", "path": layer.source.name, "server": {"host": host.name, "port": _port(layer, host)}}


def _sheepdog(layer: Layer) -> Properties:
    return {"driver": "sheepdog", "server": _server(layer, _only_host(layer)), "vdi": layer.source.name}


def _nfs(layer: Layer) -> Properties:
    identity = layer.source.identity
    return _given(
        driver="nfs",
        server={"host": _only_host(layer).name, "type": "inet"},
        path=layer.source.name,
        user=_user_id(identity.user) if identity and identity.user else None,
        group=_group_id(identity.group) if identity and identity.group else None,
    )


_NUMBER = re.compile(r"\+?([0-9]+)", re.ASCII)


def _user_id(name: str) -> int:
    """The number of an account, or the number that the XML says."""
    try:
        return int(number[1]) if (number := _NUMBER.fullmatch(name)) else pwd.getpwnam(name).pw_uid
    except KeyError:
        raise invalid_arg(f"Failed to parse user '{name}'") from None


def _group_id(name: str) -> int:
    try:
        return int(number[1]) if (number := _NUMBER.fullmatch(name)) else grp.getgrnam(name).gr_gid
    except KeyError:
        raise invalid_arg(f"Failed to parse group '{name}'") from None


BY_TYPE: dict[str, Callable[[Layer], Properties]] = {
    "file": _local("file"),
    "block": _local("host_device"),
    "dir": _vvfat,
    "nvme": _nvme,
}
BY_PROTOCOL: dict[str, Callable[[Layer], Properties]] = {
    "nbd": _nbd,
    "http": _curl,
    "https": _curl,
    "ftp": _curl,
    "ftps": _curl,
    "tftp": _curl,
    "iscsi": _iscsi,
    "gluster": _gluster,
    "rbd": _rbd,
    "ssh": _ssh,
    "sheepdog": _sheepdog,
    "nfs": _nfs,
}
