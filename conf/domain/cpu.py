# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<cpu>`: the guest's processor model, features, topology and NUMA nodes."""

from __future__ import annotations

from typing import Annotated, Literal

from conf.binding import (
    Model,
    OnOff,
    ParseOptions,
    Positive,
    Scale,
    Uint,
    YesNo,
    attr,
    child,
    child_text,
    children,
    number,
    text,
)
from conf.bitmap import Bitmap
from conf.errors import XMLError


class CPUModel(Model):
    """`<model>`; `vendor_id` is the CPUID vendor shown to the guest."""

    fallback: Literal["allow", "forbid"] | None = attr()
    vendor_id: str | None = attr()
    name: str | None = text()

    def check(self, options: ParseOptions) -> None:
        if self.vendor_id is not None and len(self.vendor_id.encode()) != 12:
            raise XMLError("vendor_id must be exactly 12 characters long")


class CPUTopology(Model):
    """`<topology>`."""

    sockets: Positive = attr(required=True)
    dies: Positive = attr(default=1)
    cores: Positive = attr(required=True)
    threads: Positive = attr(required=True)


class CPUCache(Model):
    """`<cache>`: how the cache looks from within the guest."""

    level: Annotated[int, number(1, 3)] | None = attr()
    mode: Literal["emulate", "passthrough", "disable"] = attr(required=True)


class CPUMaxPhysAddr(Model):
    """`<maxphysaddr>`: bits of physical addresses."""

    mode: Literal["emulate", "passthrough"] = attr(required=True)
    bits: Uint | None = attr()


class CPUFeature(Model):
    """`<feature>`."""

    policy: Literal["force", "require", "optional", "disable", "forbid"] = attr(default="require")
    name: str = attr(required=(XMLError, "Missing CPU feature name"), empty_is_unset=True)


class NumaSibling(Model):
    """`<sibling>`: the distance to another node."""

    id: Uint = attr(required=True)
    value: Annotated[int, number(10, 255)] = attr(required=True)


class CacheSize(Model):
    """`<size>` and `<line>` of a node's cache."""

    value: Uint = attr(required=True)
    unit: str = attr(required=True)


class NumaCache(Model):
    """`<cache>`: memory-side cache of a node."""

    level: Uint = attr(required=True)
    associativity: Literal["none", "direct", "full"] = attr(required=True)
    policy: Literal["none", "writeback", "writethrough"] = attr(required=True)
    size: int = attr("value", at="size", scale=Scale("KiB"))
    line: int = attr("value", at="line", scale=Scale("B"))


class NumaCell(Model):
    """`<cell>`: a node of the guest; memory in KiB."""

    id: Uint | None = attr()
    cpus: Bitmap | None = attr()
    memory: int = attr(scale=Scale("KiB"), required=True)
    mem_access: Literal["shared", "private"] | None = attr("memAccess")
    discard: YesNo | None = attr()
    distances: list[NumaSibling] = children("sibling", within="distances")
    caches: list[NumaCache] = children("cache")


class NumaLatency(Model):
    """`<latency>` in nanoseconds."""

    initiator: Uint = attr(required=True)
    target: Uint = attr(required=True)
    cache: Uint | None = attr(omit=0)
    type: Literal["access", "read", "write"] = attr(required=True)
    value: Uint = attr(required=True)


class NumaBandwidth(Model):
    """`<bandwidth>` in KiB a second."""

    initiator: Uint = attr(required=True)
    target: Uint = attr(required=True)
    cache: Uint | None = attr(omit=0)
    type: Literal["access", "read", "write"] = attr(required=True)
    value: int = attr(scale=Scale("KiB"), required=True)


class NumaInterconnects(Model):
    """`<interconnects>`."""

    latencies: list[NumaLatency] = children("latency")
    bandwidths: list[NumaBandwidth] = children("bandwidth")


class CPUNuma(Model):
    """`<numa>`."""

    cells: list[NumaCell] = children("cell")
    interconnects: NumaInterconnects | None = child()


class CPU(Model):
    """`<cpu>`."""

    mode: Literal["custom", "host-model", "host-passthrough", "maximum"] | None = attr()
    match: Literal["minimum", "exact", "strict"] | None = attr()
    check_: Literal["none", "partial", "full"] | None = attr("check")
    migratable: OnOff | None = attr()
    model: CPUModel | None = child()
    vendor: str | None = child_text()
    topology: CPUTopology | None = child()
    cache: CPUCache | None = child()
    maxphysaddr: CPUMaxPhysAddr | None = child()
    features: list[CPUFeature] = children("feature")
    numa: CPUNuma | None = child()
