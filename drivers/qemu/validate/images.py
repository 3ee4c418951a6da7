# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images that QEMU cannot open: formats, encryption, network protocols; each layer of a disk is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from conf.domain.devices.disk import Disk
from conf.domain.devices.encryption import Encryption
from conf.domain.devices.storage_source import MetadataCache, StorageSource
from drivers.qemu.validate.complaints import unsupported

#: Formats that QEMU has no driver for, or no longer.
_REFUSED = {
    "aio": "'aio' storage format is not supported",
    "cow": "'cow' storage format is not supported",
    "dir": "'directory' storage format is not directly supported by QEMU, use 'dir' disk type instead",
    "iso": "storage format 'iso' is not directly supported by QEMU, use 'raw' instead",
}
_NO_SOURCE = StorageSource()


class Layer(NamedTuple):
    """An image of a chain.  `kind` is the storage type, `format` that of its content."""

    kind: str | None
    format: str | None
    source: StorageSource
    encryption: Encryption | None
    metadata_cache: MetadataCache | None
    readonly: bool


def layers(disk: Disk) -> Iterator[Layer]:
    """The images of a disk that the XML names, the top one first."""
    source = disk.source or _NO_SOURCE
    driver = disk.driver
    yield Layer(
        disk.type,
        driver.type if driver else None,
        source,
        disk.encryption or source.encryption,
        driver.metadata_cache if driver else None,
        disk.readonly,
    )
    below = disk.backing_store
    while below is not None and below.source is not None:
        form, source = below.format, below.source
        cache = form.metadata_cache if form else None
        yield Layer(below.type, form.type if form else None, source, source.encryption, cache, True)
        below = below.backing_store


def validate_image(layer: Layer) -> None:
    """One layer.

    Raises:
        VirtError: QEMU cannot open such an image.
    """
    _validate_format(layer)
    if layer.encryption is not None:
        _validate_encryption(layer, layer.encryption)
    if layer.metadata_cache is not None and layer.format != "qcow2":
        raise unsupported("metadata cache max size control is supported only with qcow2 images")
    if layer.source.protocol is not None:
        _validate_network(layer.source)


def _validate_format(layer: Layer) -> None:
    kind, form = layer.kind, layer.format
    if form in _REFUSED:
        raise unsupported(_REFUSED[form])
    if form == "fat" and kind not in ("dir", "volume"):
        raise unsupported("storage format 'fat' is supported only with 'dir' storage type")
    if kind == "dir":
        if form != "fat":
            raise unsupported("storage type 'dir' requires use of storage format 'fat'")
        if not layer.readonly:
            raise unsupported("virtual FAT storage can't be accessed in read-write mode")


def _validate_encryption(layer: Layer, encryption: Encryption) -> None:
    if encryption.format in ("default", "qcow"):
        raise unsupported("old qcow/qcow2 encryption is not supported")
    if encryption.engine == "librbd":
        # stock lets every network pass
        if layer.kind != "network":
            raise unsupported("librbd encryption is supported only with RBD backed disks")
        return
    if encryption.format == "luks2":
        raise unsupported("luks2 is currently not supported by the qemu encryption engine")
    if layer.format not in ("raw", "qcow2", None):
        raise unsupported("encryption is supported only with 'raw' and 'qcow2' image format")


def _validate_network(source: StorageSource) -> None:
    if source.protocol == "tftp":
        raise unsupported("'tftp' protocol is not supported with this QEMU binary")
    if source.protocol == "nfs":
        _validate_nfs(source)
    if source.tls_hostname is not None and source.protocol != "nbd":
        raise unsupported("'tlsHostname' field is supported only with NBD disks")


def _validate_nfs(source: StorageSource) -> None:
    if len(source.hosts) != 1:
        raise unsupported("'nfs' protocol requires the usage of exactly one host")
    host = source.hosts[0]
    if host.transport not in (None, "tcp"):
        raise unsupported("'nfs' host must use TCP protocol")
    if host.port:
        raise unsupported("port cannot be specified in 'nfs' protocol host")
