# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<vcpu>`, `<vcpus>`, I/O threads and `<cputune>`: the guest's processors on those of the host."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from conf.binding import (
    Model,
    Natural,
    ParseOptions,
    Positive,
    Scale,
    Uint,
    Ulong,
    YesNo,
    attr,
    child,
    child_text,
    children,
    number,
    on,
    text,
)
from conf.bitmap import Bitmap
from conf.errors import ConfigUnsupportedError, InternalError, XMLError

#: Field of `<cputune>` → the least and the most that it may be (microseconds but for the shares).
RANGES = {"shares": (2, 262_144), "period": (1000, 1_000_000), "quota": (1000, 17_592_186_044_415)}
_Quota = Annotated[int, number(-(2**63), 2**63 - 1)]


#: vCPUs or I/O threads of a guest.  Far beyond what any hypervisor has; keeps lists of them affordable.
MOST_THREADS = 65536
_NO_COUNT = (XMLError, "maximum vcpus count must be an integer")


class Vcpu(Model):
    """`<vcpu>`: how many, how many at start (`current`), and on which CPUs of the host."""

    placement: Literal["static", "auto"] = attr(default="static")
    cpuset: Bitmap | None = attr(when=on("placement", "static"))
    current: Uint | None = attr()
    count: Uint = text(required=_NO_COUNT, error=_NO_COUNT)

    def check(self, options: ParseOptions) -> None:
        if self.count > MOST_THREADS:
            raise ConfigUnsupportedError(f"maximum vCPU count must not be greater than {MOST_THREADS}")
        if self.current is not None and self.current > self.count:
            raise ConfigUnsupportedError("maximum vCPU count must not be less than current vCPU count")
        if self.current == self.count:
            self.current = None


class VcpuEntry(Model):
    """`<vcpu>` of `<vcpus>`: one of them."""

    id: Uint = attr(required=True)
    enabled: YesNo = attr(required=True)
    hotpluggable: YesNo | None = attr()
    order: Positive | None = attr()


class DefaultIOThread(Model):
    """`<defaultiothread>`: the pool of QEMU's main loop."""

    thread_pool_min: Natural | None = attr()
    thread_pool_max: Natural | None = attr()


class IOThreadID(DefaultIOThread):
    """`<iothread>`."""

    id: Positive = attr(required=True)


class VcpuPin(Model):
    """`<vcpupin>`."""

    vcpu: Uint = attr(required=True)
    cpuset: Bitmap = attr(required=(InternalError, "missing cpuset for vcpupin"))


class EmulatorPin(Model):
    """`<emulatorpin>`."""

    cpuset: Bitmap = attr(required=(InternalError, "missing cpuset for emulatorpin"))


class IOThreadPin(Model):
    """`<iothreadpin>`."""

    iothread: Positive = attr(required=True)
    cpuset: Bitmap = attr(required=(InternalError, "missing cpuset for iothreadpin"))


Scheduler = Literal["batch", "idle", "fifo", "rr"]
_Priority = Annotated[int, number(-(2**31), 2**31 - 1)]


class VcpuSched(Model):
    """`<vcpusched>`."""

    vcpus: Bitmap = attr(required=(XMLError, "Missing attribute 'vcpus' in element 'vcpusched'"))
    scheduler: Scheduler = attr(required=True)
    priority: _Priority | None = attr(when=on("scheduler", "fifo", "rr"), required=True)


class IOThreadSched(Model):
    """`<iothreadsched>`."""

    iothreads: Bitmap = attr(required=(XMLError, "Missing attribute 'iothreads' in element 'iothreadsched'"))
    scheduler: Scheduler = attr(required=True)
    priority: _Priority | None = attr(when=on("scheduler", "fifo", "rr"), required=True)


class EmulatorSched(Model):
    """`<emulatorsched>`."""

    scheduler: Scheduler = attr(required=True)
    priority: _Priority | None = attr(when=on("scheduler", "fifo", "rr"), required=True)


class CacheAllocation(Model):
    """`<cache>`: a share of the host's cache (bytes)."""

    id: Uint = attr(required=True)
    level: Uint = attr(required=True)
    type: Literal["both", "code", "data"] = attr(required=True)
    size: int = attr(scale=Scale("B", "KiB", pretty=True), required=True)


class CacheMonitor(Model):
    """`<monitor>` of `<cachetune>`."""

    level: Uint = attr(required=True)
    vcpus: Bitmap = attr(required=True)


class CacheTune(Model):
    """`<cachetune>`."""

    vcpus: Bitmap = attr(required=(XMLError, "Missing cachetune attribute 'vcpus'"))
    id: str | None = attr(live=True)
    caches: list[CacheAllocation] = children("cache")
    monitors: list[CacheMonitor] = children("monitor")


class MemoryBandwidthNode(Model):
    """`<node>`: a share of memory bandwidth in percent."""

    id: Uint = attr(required=True)
    bandwidth: Uint = attr(required=True)


class MemoryMonitor(Model):
    """`<monitor>` of `<memorytune>`."""

    vcpus: Bitmap = attr(required=True)


class MemoryBandwidthTune(Model):
    """`<memorytune>`."""

    vcpus: Bitmap = attr(required=(XMLError, "Missing memorytune attribute 'vcpus'"))
    id: str | None = attr(live=True)
    nodes: list[MemoryBandwidthNode] = children("node")
    monitors: list[MemoryMonitor] = children("monitor")


def _limit(name: str) -> Any:
    return child_text(omit=0, error=(XMLError, f"can't parse cputune {name} value"))


class CPUTune(Model):
    """`<cputune>`; periods and quotas in microseconds."""

    shares: Ulong | None = child_text(error=(XMLError, "can't parse cputune shares value"))
    period: Ulong | None = _limit("period")
    quota: _Quota | None = _limit("quota")
    global_period: Ulong | None = _limit("global_period")
    global_quota: _Quota | None = _limit("global_quota")
    emulator_period: Ulong | None = _limit("emulator_period")
    emulator_quota: _Quota | None = _limit("emulator_quota")
    iothread_period: Ulong | None = _limit("iothread_period")
    iothread_quota: _Quota | None = _limit("iothread_quota")
    vcpupins: list[VcpuPin] = children("vcpupin")
    emulatorpin: EmulatorPin | None = child(only=(XMLError, "only one emulatorpin is supported"))
    iothreadpins: list[IOThreadPin] = children("iothreadpin")
    emulatorsched: EmulatorSched | None = child()
    vcpuscheds: list[VcpuSched] = children("vcpusched")
    iothreadscheds: list[IOThreadSched] = children("iothreadsched")
    cachetunes: list[CacheTune] = children("cachetune")
    memorytunes: list[MemoryBandwidthTune] = children("memorytune")

    def check(self, options: ParseOptions) -> None:
        for kind, (low, high) in RANGES.items():
            for name in (kind, f"global_{kind}", f"emulator_{kind}", f"iothread_{kind}"):
                value = getattr(self, name, None)
                if value is not None and value > 0 and not low <= value <= high:
                    raise ConfigUnsupportedError(f"Value of cputune '{name}' must be in range [{low}, {high}]")
