# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the source of an image leaves open: who decrypts."""

from __future__ import annotations

from collections.abc import Iterator

from conf.domain.devices.disk import Disk
from conf.domain.devices.encryption import Encryption
from conf.domain.devices.storage_source import StorageSource


def complete_sources(disk: Disk) -> None:
    """Fill in all sources of a disk, its backing images included."""
    _choose_engine(disk.encryption)
    for source in _sources(disk):
        _choose_engine(source.encryption)


def _sources(disk: Disk) -> Iterator[StorageSource]:
    if disk.source is not None:
        yield disk.source
    below = disk.backing_store
    while below is not None:
        if below.source is not None:
            yield below.source
        below = below.backing_store


def _choose_engine(encryption: Encryption | None) -> None:
    """QEMU itself unless another library was named."""
    if encryption is not None and encryption.format in ("luks", "luks2") and encryption.engine is None:
        encryption.engine = "qemu"
