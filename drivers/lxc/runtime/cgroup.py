# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a container's control group limits and counts; versions 1 and 2 look alike.

Single numbers are a table: where each stands in either version.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from drivers.lxc.runtime import deviceprogram
from drivers.lxc.runtime.groupfolders import PAYLOAD, POLL_SECONDS, SETTLE_SECONDS, Group, Hierarchies
from virtd.errors import Code, From, VirtError

__all__ = ["DEVICE_LIMITS", "UNLIMITED", "Cgroup", "DeviceRule", "Hierarchies"]

_KIB = 1024
#: What a size is when there is no limit, in KiB.  Version 1 rounds it down to pages.
UNLIMITED = 2**53 - 1
_NEARLY_UNLIMITED = UNLIMITED - 64


class Setting(NamedTuple):
    """Where a number stands.

    Attributes:
        controller, file: in version 1.
        unified: the file of version 2.
        word: which of the words in that file; the others of `cpu.max` stay, before the weight stands "default".
        scale: the file's units in one of ours.
    """

    controller: str
    file: str
    unified: str
    word: int = 0
    scale: int = 1


#: Sizes are in KiB (`UNLIMITED` is no limit), quotas below 0 are no limit, periods and quotas in microseconds, weights without a unit.
SETTINGS = {
    "memory": Setting("memory", "memory.limit_in_bytes", "memory.max", scale=_KIB),
    "soft_limit": Setting("memory", "memory.soft_limit_in_bytes", "memory.high", scale=_KIB),
    "swap_hard_limit": Setting("memory", "memory.memsw.limit_in_bytes", "memory.swap.max", scale=_KIB),
    "shares": Setting("cpu", "cpu.shares", "cpu.weight"),
    "period": Setting("cpu", "cpu.cfs_period_us", "cpu.max", word=1),
    "quota": Setting("cpu", "cpu.cfs_quota_us", "cpu.max"),
    "weight": Setting("blkio", "blkio.weight", "io.weight", word=1),
}

#: Names of files where weights are the BFQ scheduler's.
_BFQ_NAMES = {
    "blkio.weight": "blkio.bfq.weight",
    "blkio.weight_device": "blkio.bfq.weight_device",
    "io.weight": "io.bfq.weight",
}

#: Limits of a single block device: name → (file of version 1, key in io.max).
DEVICE_LIMITS = {
    "weight": ("blkio.weight_device", ""),
    "read_iops_sec": ("blkio.throttle.read_iops_device", "riops"),
    "write_iops_sec": ("blkio.throttle.write_iops_device", "wiops"),
    "read_bytes_sec": ("blkio.throttle.read_bps_device", "rbps"),
    "write_bytes_sec": ("blkio.throttle.write_bps_device", "wbps"),
}


class DeviceRule(NamedTuple):
    """Devices that the container may use: `kind` "b" or "c"; None is any number; `access` of "rwm"."""

    kind: str
    major: int | None
    minor: int | None
    access: str = "rwm"

    def __str__(self) -> str:
        numbers = ("*" if number is None else str(number) for number in (self.major, self.minor))
        return f"{self.kind} {':'.join(numbers)} {self.access}"


@contextmanager
def _telling() -> Iterator[None]:
    """The kernel's refusals in libvirt's form."""
    try:
        yield
    except OSError as error:
        text = f"Unable to access '{error.filename}': {error.strerror}"
        raise VirtError(Code.SYSTEM_ERROR, text, source=From.CGROUP, ints=(error.errno or 0, -1)) from error


def _present(file: Path) -> Path:
    """The file, or what it is called where the kernel leaves weights to the BFQ scheduler."""
    bfq = file.with_name(_BFQ_NAMES.get(file.name, file.name))
    return bfq if not file.exists() and bfq.exists() else file


def _read(file: Path) -> str:
    with _telling():
        return file.read_text().strip()


def _write(file: Path, text: str) -> None:
    """The kernel's refusal comes with the file's end and then names no file."""
    with _telling():
        try:
            file.write_text(text)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(file)) from None


class Cgroup(Group):
    """A container's group.

    Methods raise VirtError: OPERATION_INVALID, the host has no such controller; SYSTEM_ERROR, the kernel refuses.
    All are short dealings with the kernel but `freeze`, which waits and belongs into a thread.
    """

    # -- single numbers

    def get(self, name: str) -> int:
        """A setting of `SETTINGS`."""
        setting = SETTINGS[name]
        words = _read(self._file(setting)).split()
        word = words[min(setting.word, len(words) - 1)] if self.unified is not None else words[0]
        if setting.scale == _KIB:
            size = UNLIMITED if word in ("max", "-1") else int(word) // _KIB
            return UNLIMITED if size >= _NEARLY_UNLIMITED else size
        return -1 if word == "max" else int(word)

    def set(self, name: str, value: int) -> None:
        """Change one."""
        setting = SETTINGS[name]
        endless = value >= _NEARLY_UNLIMITED if setting.scale == _KIB else value < 0
        text = ("-1" if self.unified is None else "max") if endless else str(value * setting.scale)
        if self.unified is not None and setting.word:  # what stands before it stays
            text = f"{_read(self._file(setting)).split()[0]} {text}"
        _write(self._file(setting), text)

    def _file(self, setting: Setting) -> Path:
        return _present(self.folder(setting.controller) / (setting.file if self.unified is None else setting.unified))

    # -- memory

    def memory_usage(self) -> int:
        """KiB in use."""
        name = "memory.usage_in_bytes" if self.unified is None else "memory.current"
        return int(_read(self.folder("memory") / name)) // _KIB

    def swap_usage(self) -> int:
        """KiB that are swapped out; 0 where the kernel does not count."""
        name = "memory.memsw.usage_in_bytes" if self.unified is None else "memory.swap.current"
        file = self.folder("memory") / name
        if not file.exists():
            return 0
        both = int(_read(file)) // _KIB
        return both if self.unified is not None else max(0, both - self.memory_usage())

    # -- processors

    def cpu_time(self) -> int:
        """Nanoseconds of processor time that the container has used."""
        if self.unified is not None:
            return _pairs(self.unified / "cpu.stat")["usage_usec"] * 1000
        return int(_read(self.folder("cpuacct") / "cpuacct.usage"))

    def cpu_time_split(self) -> tuple[int, int]:
        """Nanoseconds in user and in system mode."""
        if self.unified is not None:
            stat = _pairs(self.unified / "cpu.stat")
            return stat["user_usec"] * 1000, stat["system_usec"] * 1000
        stat, tick = _pairs(self.folder("cpuacct") / "cpuacct.stat"), 1_000_000_000 // os.sysconf("SC_CLK_TCK")
        return stat["user"] * tick, stat["system"] * tick

    def cpu_times(self) -> list[int]:
        """Nanoseconds on each of the host's processors.

        Raises:
            VirtError: OPERATION_UNSUPPORTED, version 2 does not tell.
        """
        if self.unified is not None:
            text = "operation 'virCgroupGetCpuacctPercpuUsage' is not supported by cgroup v2"
            raise VirtError(Code.OPERATION_UNSUPPORTED, text, source=From.CGROUP)
        return [int(word) for word in _read(self.folder("cpuacct") / "cpuacct.usage_percpu").split()]

    def set_cpus(self, cpus: str | None, nodes: str | None) -> None:
        """Bind to processors and memory nodes (lists as `0-3,5`); what is None stays."""
        for name, places in (("cpuset.cpus", cpus), ("cpuset.mems", nodes)):
            if places is not None:
                _write(self.folder("cpuset") / name, places)

    # -- block devices

    def set_device_limit(self, name: str, device: str, value: int) -> None:
        """Limit a block device of the host's, by path; names are those of `DEVICE_LIMITS`, 0 is no limit."""
        file, key = DEVICE_LIMITS[name]
        number = _device_number(device)
        folder = self.folder("blkio")
        if self.unified is None:
            _write(_present(folder / file), f"{number} {value}")
        elif key:
            _write(folder / "io.max", f"{number} {key}={value or 'max'}")
        else:
            _write(_present(folder / "io.weight"), f"{number} {value or 'default'}")

    def block_stats(self, device: str | None) -> tuple[int, int, int, int]:
        """Requests and bytes read, requests and bytes written: of one of the host's block devices, or of all."""
        only = _device_number(device) if device is not None else None
        folder = self.folder("blkio")
        if self.unified is not None:
            return _unified_counters(_read(folder / "io.stat"), only)
        requests = _counters(_read(folder / "blkio.throttle.io_serviced"), only)
        sizes = _counters(_read(folder / "blkio.throttle.io_service_bytes"), only)
        return requests["Read"], sizes["Read"], requests["Write"], sizes["Write"]

    # -- freezer

    def freeze(self) -> None:
        """Stop all processes; returns when they stand.  Blocks.

        Raises:
            VirtError: OPERATION_FAILED, they do not; they go on then.
        """
        self._set_frozen("FROZEN", "1")
        deadline = time.monotonic() + SETTLE_SECONDS
        while not self.is_frozen():
            if time.monotonic() > deadline:
                self.thaw()
                raise VirtError(Code.OPERATION_FAILED, "Suspend operation failed")
            time.sleep(POLL_SECONDS)

    def thaw(self) -> None:
        """Let them go on."""
        self._set_frozen("THAWED", "0")

    def is_frozen(self) -> bool:
        if self.unified is not None:
            return _pairs(self.unified / PAYLOAD / "cgroup.events").get("frozen") == 1
        return _read(self.folder("freezer") / "freezer.state") == "FROZEN"

    def _set_frozen(self, word: str, number: str) -> None:
        if self.unified is not None:
            _write(self.unified / PAYLOAD / "cgroup.freeze", number)
        else:
            _write(self.folder("freezer") / "freezer.state", word)

    # -- devices

    def restrict_devices(self, rules: list[DeviceRule]) -> None:
        """Allow exactly these devices."""
        if self.unified is not None:
            with _telling():
                deviceprogram.attach(self.unified, rules)
            return
        _write(self.folder("devices") / "devices.deny", "a")
        for rule in rules:
            _write(self.folder("devices") / "devices.allow", str(rule))

    def allow_device(self, rules: list[DeviceRule], rule: DeviceRule) -> None:
        """Allow one more than `rules`."""
        self._change_device("devices.allow", [*rules, rule], rule)

    def deny_device(self, rules: list[DeviceRule], rule: DeviceRule) -> None:
        """Allow one less: `rules` are those that stay."""
        self._change_device("devices.deny", rules, rule)

    def _change_device(self, file: str, rules: list[DeviceRule], rule: DeviceRule) -> None:
        if self.unified is not None:
            with _telling():
                deviceprogram.attach(self.unified, rules)
        else:
            _write(self.folder("devices") / file, str(rule))


def device_number(path: str) -> tuple[int, int]:
    """Major and minor of one of the host's devices.

    Raises:
        VirtError: SYSTEM_ERROR, it is not there.
    """
    try:
        number = os.stat(path).st_rdev
    except OSError as error:
        text = f"Path '{path}' is not accessible: {error.strerror}"
        raise VirtError(Code.SYSTEM_ERROR, text, source=From.CGROUP, ints=(error.errno or 0, -1)) from error
    return os.major(number), os.minor(number)


def _device_number(path: str) -> str:
    return "{}:{}".format(*device_number(path))


def _pairs(file: Path) -> dict[str, int]:
    """A file of lines "name number"."""
    words = (line.split() for line in _read(file).splitlines())
    return {pair[0]: int(pair[1]) for pair in words if len(pair) == 2}


def _counters(text: str, only: str | None) -> dict[str, int]:
    """Sums by operation from lines "8:0 Read 4711"."""
    sums = {"Read": 0, "Write": 0}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and words[1] in sums and only in (None, words[0]):
            sums[words[1]] += int(words[2])
    return sums


def _unified_counters(text: str, only: str | None) -> tuple[int, int, int, int]:
    """Sums from lines "8:0 rbytes=… wbytes=… rios=… wios=…"."""
    sums = dict.fromkeys(("rios", "rbytes", "wios", "wbytes"), 0)
    for line in text.splitlines():
        device, *figures = line.split()
        for figure in figures if only in (None, device) else ():
            key, _, value = figure.partition("=")
            if key in sums:
                sums[key] += int(value)
    return sums["rios"], sums["rbytes"], sums["wios"], sums["wbytes"]
