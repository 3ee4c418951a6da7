# SPDX-License-Identifier: LGPL-2.1-or-later
"""How the guest's memory is limited, backed and spread over the host's nodes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from conf.binding import (
    MEMORY,
    Model,
    ParseOptions,
    Scalar,
    Uint,
    attr,
    child,
    child_text,
    children,
    flag,
    number,
    text,
)
from conf.binding.scalars import BadValueError, SignedUint, SignedUlong
from conf.bitmap import Bitmap
from conf.errors import ConfigUnsupportedError, XMLError, XMLFormError

#: More than this many KiB is "no limit", and not written.
UNLIMITED = 2**53 - 1


class MaxMemory(Model):
    """`<maxMemory>`: how far memory modules can let the guest grow (KiB)."""

    slots: Uint | None = attr(error=(XMLError, "Failed to parse memory slot count"))
    size: int | None = text(scale=MEMORY)


def _limit(xml: str, *, omit: int | None = None) -> Any:
    text = f"Invalid value '%s' for element or attribute './memtune/{xml}[1]'"
    return child_text(scale=MEMORY, omit=omit, error=(XMLFormError, text))


class MemoryTune(Model):
    """`<memtune>`: the host's limits (KiB)."""

    hard_limit: int | None = _limit("hard_limit")
    soft_limit: int | None = _limit("soft_limit")
    min_guarantee: int | None = _limit("min_guarantee", omit=0)
    swap_hard_limit: int | None = _limit("swap_hard_limit")

    def check(self, options: ParseOptions) -> None:
        for name in ("hard_limit", "soft_limit", "swap_hard_limit"):
            limit = getattr(self, name)
            if limit is not None and limit >= UNLIMITED:
                setattr(self, name, None)


class HugePage(Model):
    """`<page>`: the size (KiB) of huge pages, and the guest's nodes that get them."""

    size: int = attr(scale=MEMORY, required=True)
    nodeset: Bitmap | None = attr()


class HugePages(Model):
    """`<hugepages>`; without pages, the host's default size for all."""

    pages: list[HugePage] = children("page")


class MemorySource(Model):
    """`<source>` of `<memoryBacking>`."""

    type: Literal["file", "anonymous", "memfd"] | None = attr(
        error=(ConfigUnsupportedError, "unknown memoryBacking/source/type '%s'")
    )


class MemoryAccess(Model):
    """`<access>`: whether other processes see the guest's memory."""

    mode: Literal["shared", "private"] | None = attr(
        error=(ConfigUnsupportedError, "unknown memoryBacking/access/mode '%s'")
    )


class MemoryAllocation(Model):
    """`<allocation>`: when pages are allocated, and by how many threads."""

    mode: Literal["immediate", "ondemand"] | None = attr(
        error=(ConfigUnsupportedError, "unknown memoryBacking/allocation/mode '%s'")
    )
    threads: Uint | None = attr(omit=0)


class MemoryBacking(Model):
    """`<memoryBacking>`."""

    hugepages: HugePages | None = child(keep_empty=True)
    nosharepages: bool = flag()
    locked: bool = flag()
    source: MemorySource | None = child()
    access: MemoryAccess | None = child()
    allocation: MemoryAllocation | None = child()
    discard: bool = flag()


NumaMode = Literal["strict", "preferred", "interleave", "restrictive"]


class NumatuneMemory(Model):
    """`<memory>` of `<numatune>`: the host's nodes for all of the guest."""

    mode: NumaMode = attr(default="strict", error=(ConfigUnsupportedError, "Unsupported NUMA memory tuning mode '%s'"))
    nodeset: Bitmap | None = attr()
    placement: Literal["static", "auto"] | None = attr(
        omit="static", error=(ConfigUnsupportedError, "Unsupported NUMA memory placement mode '%s'")
    )


class MemNode(Model):
    """`<memnode>`: the host's nodes for one node of the guest."""

    cellid: Uint = attr(required=True)
    mode: NumaMode = attr(default="strict")
    nodeset: Bitmap = attr(required=(XMLError, "Missing required nodeset attribute in memnode element"))


class Numatune(Model):
    """`<numatune>`."""

    memory: NumatuneMemory | None = child()
    memnodes: list[MemNode] = children("memnode")


def _rate(name: str) -> Any:
    return child_text(omit=0, error=(ConfigUnsupportedError, f"could not parse {name} %s"))


class BlkioDevice(Model):
    """`<device>`: limits for one of the host's block devices."""

    path: str = child_text(required=(ConfigUnsupportedError, "missing per-device path"))
    weight: SignedUint | None = _rate("weight")
    read_iops_sec: SignedUint | None = _rate("read iops sec")
    write_iops_sec: SignedUint | None = _rate("write iops sec")
    read_bytes_sec: SignedUlong | None = _rate("read bytes sec")
    write_bytes_sec: SignedUlong | None = _rate("write bytes sec")

    @property
    def limits(self) -> tuple[int | None, ...]:
        """Everything that is limited."""
        rates = (self.read_iops_sec, self.write_iops_sec, self.read_bytes_sec, self.write_bytes_sec)
        return (self.weight, *rates)


def _read_weight(text: str) -> int:
    """What is no number is no weight."""
    try:
        return int(_UINT.parse(text))
    except BadValueError:
        return 0


_UINT = number()
_WEIGHT = Scalar(_read_weight, str)


class Blkiotune(Model):
    """`<blkiotune>`."""

    weight: Annotated[int, _WEIGHT] | None = child_text(omit=0)
    devices: list[BlkioDevice] = children("device")

    def check(self, options: ParseOptions) -> None:
        paths = [device.path for device in self.devices]
        for i, path in enumerate(paths):
            if path in paths[:i]:
                raise ConfigUnsupportedError(f"duplicate blkio device path '{path}'")
        self.devices = [device for device in self.devices if any(device.limits)]
