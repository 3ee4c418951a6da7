# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where a copy goes: the `<disk>` that virDomainBlockCopy takes, of which only a few elements count."""

from __future__ import annotations

import os
import stat
from typing import cast

from conf.binding import Model, ParseOptions, attr, child, parse_document
from conf.binding.reading import read
from conf.domain.devices.storage_source import Format, Mirror, StorageFormat, StorageSource, StorageType
from conf.errors import ConfigUnsupportedError
from virtd.errors import Code, From, VirtError
from virtd.host.images import read_header


class DestinationDriver(Model):
    """`<driver>`: of all its attributes the format counts."""

    type: StorageFormat | None = attr(error=(ConfigUnsupportedError, "unknown driver format value '%s'"))


class Destination(Model):
    """`<disk>` as a place for a copy."""

    type: StorageType = attr(default="file")
    driver: DestinationDriver | None = child()
    source: StorageSource | None = child()

    def check(self, options: ParseOptions) -> None:
        if self.source is None or self.source.is_empty:
            raise MissingSourceError


class MissingSourceError(Exception):
    """Translated by `parse`: conf has no error without a detail."""


def parse(xml: str) -> Mirror:
    """A copy's description from a client's XML; the format may still be missing.

    Raises:
        ConfError, VirtError: it describes no place.
    """
    try:
        found = read(Destination, parse_document(xml, "disk", what="disk_definition"), ParseOptions())
    except MissingSourceError:
        raise missing_source() from None
    return describe(found.type, found.source, found.driver.type if found.driver else None)


def missing_source() -> VirtError:
    """The stock answer to a description without an image."""
    return VirtError(Code.NO_SOURCE, source=From.DOMAIN)


def describe(type_: StorageType, source: StorageSource | None, format_: StorageFormat | None) -> Mirror:
    """A mirror at its beginning."""
    return Mirror(
        type=type_, job="copy", source=source, format=Format(type=format_) if format_ else None, legacy_format=format_
    )


def validate(mirror: Mirror, disk: str, *, reuse: bool) -> bool:
    """Look at what lies where the copy is to go; returns whether it is used as it is.  Blocks.

    Raises:
        VirtError: it is missing and should not, or the other way round.
    """
    source = mirror.source
    assert source is not None
    path = source.file or source.dev
    if path is None:
        return reuse
    try:
        found = os.stat(path)
    except FileNotFoundError as error:
        if reuse or mirror.type == "block":
            text = f"missing destination file for disk {disk}: {path}: {error.strerror}"
            raise VirtError(Code.SYSTEM_ERROR, text) from None
        return False
    except OSError as error:
        raise VirtError(Code.SYSTEM_ERROR, f"unable to stat for disk {disk}: {path}: {error.strerror}") from error
    is_device = stat.S_ISBLK(found.st_mode)
    if mirror.type == "block" and not is_device:
        text = f"blockdev flag requested for disk {disk}, but file '{path}' is not a block device"
        raise VirtError(Code.INVALID_ARG, text)
    if not reuse and not is_device and found.st_size:
        text = f"external destination file for disk {disk} already exists and is not a block device: {path}"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)
    return reuse or is_device


def format_of_existing(mirror: Mirror) -> StorageFormat:
    """The format of an image that is there; blocks."""
    source = mirror.source
    path = source.local_path if source else None
    try:
        return cast("StorageFormat", read_header(path).format) if path else "raw"
    except OSError as error:
        raise VirtError(Code.SYSTEM_ERROR, f"Cannot access storage file '{path}': {error.strerror}") from error
