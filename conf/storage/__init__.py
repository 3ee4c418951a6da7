# SPDX-License-Identifier: LGPL-2.1-or-later
"""The XML formats of storage pools and volumes."""

from __future__ import annotations

from conf.binding import FormatOptions, ParseOptions, format_document, parse_document
from conf.binding.reading import read
from conf.storage.pool import Pool
from conf.storage.volume import Volume

__all__ = ["Pool", "Volume", "format_pool", "format_volume", "parse_pool", "parse_volume"]


def parse_pool(xml: str | bytes) -> Pool:
    """A storage pool from untrusted XML.

    Raises:
        ConfError: with libvirt's code and text.
    """
    return read(Pool, parse_document(xml, "pool", what="storage_pool_definition"), ParseOptions())


def format_pool(pool: Pool) -> str:
    """A pool's XML as libvirt 9.0.0 writes it."""
    return format_document(pool, "pool", FormatOptions())


def parse_volume(xml: str | bytes, pool_type: str, *, sized: bool = True) -> Volume:
    """A volume from untrusted XML.

    Args:
        pool_type: what its pool is, which says which formats there are.
        sized: it must say its capacity, unless it has a backing store to take that from.

    Raises:
        ConfError: with libvirt's code and text.
    """
    volume = read(Volume, parse_document(xml, "volume", what="storage_volume_definition"), ParseOptions())
    volume.settle(pool_type, sized=sized)
    return volume


def format_volume(volume: Volume) -> str:
    """A volume's XML as libvirt 9.0.0 writes it."""
    return format_document(volume, "volume", FormatOptions())
