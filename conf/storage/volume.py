# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<volume>`: a disk image, a partition, a folder in a pool."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from lxml.etree import _Element

from conf.binding import LLONG_MAX, FormatOptions, Model, ParseOptions, Scale, attr, child, child_text, irregular
from conf.domain.devices.encryption import Encryption
from conf.errors import ConfigUnsupportedError, XMLError
from conf.storage.kinds import KINDS, PoolType
from conf.storage.permissions import Permissions

_BYTES = Scale("bytes", limit=LLONG_MAX)
#: A size that the document does not give.
UNSAID = -1
#: Features of qcow2 in the order of writing.
FEATURES = ("lazy_refcounts", "extended_l2")


class Timestamps(NamedTuple):
    """When a file was read, written, changed and born: nanoseconds since 1970, 0 unknown."""

    atime: int
    mtime: int
    ctime: int
    btime: int = 0


def _size(name: str) -> Any:
    return child_text(name, default=UNSAID, scale=_BYTES, error=(XMLError, "malformed capacity element"))


def _format_times(times: Timestamps, _options: FormatOptions) -> list[str]:
    def line(name: str, nanoseconds: int) -> str:
        seconds, rest = divmod(nanoseconds, 1_000_000_000)
        return f"  <{name}>{seconds}{f'.{rest:09d}' if rest else ''}</{name}>"

    return ["<timestamps>", *(line(name, time) for name, time in times._asdict().items()), "</timestamps>"]


def _timestamps() -> Any:
    return irregular("timestamps", parse=lambda _element, _options: None, format=_format_times)


def _parse_features(element: _Element, _options: ParseOptions) -> tuple[str, ...]:
    names = [str(sub.tag) for sub in element if isinstance(sub.tag, str)]
    for name in names:
        if name not in FEATURES:
            raise ConfigUnsupportedError(f"unsupported feature {name}")
    return tuple(feature for feature in FEATURES if feature in names)


def _format_features(features: Sequence[str], _options: FormatOptions) -> list[str]:
    if not features:
        return ["<features/>"]
    return ["<features>", *(f"  <{name}/>" for name in FEATURES if name in features), "</features>"]


class VolumeEncryption(Encryption):
    """`<encryption>` of a volume."""

    @property
    def has_end_tag(self) -> bool:
        return True


class BackingStore(Model):
    """`<backingStore>`: what an image is an overlay of."""

    path: str | None = child_text()
    format: str | None = attr("type", at="format", empty_is_unset=True)
    permissions: Permissions | None = child()
    timestamps: Timestamps | None = _timestamps()


class VolumeTarget(Model):
    """`<target>`: the volume as the host has it; `nocow` is a wish and never shown."""

    path: str | None = child_text()
    format: str | None = attr("type", at="format", empty_is_unset=True)
    permissions: Permissions | None = child()
    timestamps: Timestamps | None = _timestamps()
    encryption: VolumeEncryption | None = child()
    compat: str | None = child_text()
    cluster_size: int | None = child_text("clusterSize", scale=Scale("B"), omit=0)
    features: tuple[str, ...] | None = irregular("features", parse=_parse_features, format=_format_features)
    nocow: bool = irregular("nocow", parse=lambda _e, _o: True, format=lambda _v, _o: [], default=False)

    @property
    def has_end_tag(self) -> bool:
        return True

    def check(self, options: ParseOptions) -> None:
        if self.compat is not None and not re.fullmatch(r"[0-9]{1,9}\.[0-9]{1,9}", self.compat):
            raise XMLError("forbidden characters in 'compat' attribute")
        if self.features is not None and self.compat is None:
            self.compat = "1.1"


class Volume(Model):
    """`<volume>`; sizes in bytes."""

    type: Literal["file", "block", "dir", "network", "netdir", "ploop"] = attr(
        default="file", error=(ConfigUnsupportedError, "unknown volume type '%s'")
    )
    name: str = child_text(required=(XMLError, "missing volume name element"))
    key: str | None = child_text()
    capacity: int = _size("capacity")
    allocation: int = _size("allocation")
    physical: int | None = irregular(
        "physical",
        parse=lambda _element, _options: None,
        format=lambda value, _options: [f"<physical unit='bytes'>{value}</physical>"] if value else [],
    )
    target: VolumeTarget = child(keep_empty=True)
    backing_store: BackingStore | None = child("backingStore")

    def settle(self, pool_type: str, *, sized: bool) -> None:
        """Complete what was read by the rules for volumes of such a pool.

        Raises:
            ConfError: a format that they cannot have, or no size.
        """
        self.target = self.target or VolumeTarget()
        if self.backing_store is not None and not self.backing_store.path:
            self.backing_store = None
        if self.capacity == UNSAID and sized and self.backing_store is None:
            raise XMLError("missing capacity element")
        self.capacity = max(self.capacity, 0)
        self.allocation = self.capacity if self.allocation == UNSAID else self.allocation
        self._settle_formats(KINDS[_pool_type(pool_type)].volume_formats)

    def _settle_formats(self, formats: Sequence[str]) -> None:
        for part in (self.target, self.backing_store):
            if part is None:
                continue
            if formats and part.format is not None and part.format not in formats:
                raise ConfigUnsupportedError(f"unknown volume format type {part.format}")
            part.format = (part.format or formats[0]) if formats else None


def _pool_type(name: str) -> PoolType:
    return next(type_ for type_ in KINDS if type_ == name)
