# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the source of an image leaves open: who decrypts."""

from __future__ import annotations

from conf.domain.devices.disk import Disk
from conf.domain.devices.encryption import Encryption
from conf.domain.devices.storage_source import BackingStore


def complete_sources(disk: Disk) -> None:
    """Fill in all sources of a disk, its backing images included."""
    _choose_engine(disk.encryption)
    layer: Disk | BackingStore | None = disk
    while layer is not None:
        if layer.source is not None:
            _choose_engine(layer.source.encryption)
        layer = layer.backing_store


def _choose_engine(encryption: Encryption | None) -> None:
    """QEMU itself unless another library was named."""
    if encryption is not None and encryption.format in ("luks", "luks2") and encryption.engine is None:
        encryption.engine = "qemu"
