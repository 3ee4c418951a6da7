# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the source of an image leaves open: ports of servers and who encrypts."""

from __future__ import annotations

from collections.abc import Iterator

from conf.domain.devices.disk import Disk
from conf.domain.devices.encryption import Encryption
from conf.domain.devices.storage_source import StorageSource

#: The port of a server that names none, by protocol; the others have no usual one.
_PORTS = {
    "http": 80,
    "https": 443,
    "ftp": 21,
    "ftps": 990,
    "tftp": 69,
    "ssh": 22,
    "nbd": 10809,
    "sheepdog": 7000,
    "gluster": 24007,
    "iscsi": 3260,
    "vxhs": 9999,
}


def complete_sources(disk: Disk) -> None:
    """Fill in all sources of a disk, its backing images included."""
    _choose_engine(disk.encryption)
    for source in _sources(disk):
        _give_ports(source)
        _choose_engine(source.encryption)


def _sources(disk: Disk) -> Iterator[StorageSource]:
    if disk.source is not None:
        yield disk.source
    below = disk.backing_store
    while below is not None:
        if below.source is not None:
            yield below.source
        below = below.backing_store


def _give_ports(source: StorageSource) -> None:
    port = _PORTS.get(source.protocol or "")
    for host in source.hosts:
        if host.transport in (None, "tcp") and not host.port and port:
            host.port = port


def _choose_engine(encryption: Encryption | None) -> None:
    """QEMU itself unless another library was named."""
    if encryption is not None and encryption.format in ("luks", "luks2") and encryption.engine is None:
        encryption.engine = "qemu"
