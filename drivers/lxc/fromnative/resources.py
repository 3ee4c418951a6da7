# SPDX-License-Identifier: LGPL-2.1-or-later
"""`lxc.cgroup.…`: limits of memory, processors and block devices."""

from __future__ import annotations

from conf.binding.scalars import UINT_MAX
from conf.bitmap import format_bitmap, parse_bitmap
from conf.domain import Domain
from conf.domain.cputune import CPUTune
from conf.domain.memory import UNLIMITED, BlkioDevice, Blkiotune, MemoryTune, Numatune, NumatuneMemory
from drivers.lxc.fromnative.configfile import ConfigFile
from drivers.lxc.fromnative.numbers import integer, internal, size

_GROUP = "lxc.cgroup."
#: Field of `<memtune>` → the control group's file.
_MEMORY = {
    "hard_limit": "memory.limit_in_bytes",
    "soft_limit": "memory.soft_limit_in_bytes",
    "swap_hard_limit": "memory.memsw.limit_in_bytes",
}
#: Field of `<cputune>` → the control group's file, and the least that it may be.
_CPU = {
    "shares": ("cpu.shares", 0),
    "quota": ("cpu.cfs_quota_us", -(2**63)),
    "period": ("cpu.cfs_period_us", 0),
}
#: The control group's files of limits for single block devices → the field of `<device>`.
_DEVICES = {
    "blkio.device_weight": "weight",
    "blkio.throttle.read_bps_device": "read_bytes_sec",
    "blkio.throttle.write_bps_device": "write_bytes_sec",
    "blkio.throttle.read_iops_device": "read_iops_sec",
    "blkio.throttle.write_iops_device": "write_iops_sec",
}
_PAIR = 2


def translate(config: ConfigFile, domain: Domain) -> None:
    """Put the limits into the definition.

    Raises:
        VirtError, ConfError: one that cannot be understood.
    """
    _memory(config, domain)
    _processors(config, domain)
    _block_devices(config, domain)


def _memory(config: ConfigFile, domain: Domain) -> None:
    found = {field: config.first(_GROUP + file) for field, file in _MEMORY.items()}
    limits = {field: size(text) for field, text in found.items() if text is not None}
    if "hard_limit" in limits:
        domain.memory = domain.current_memory = limits["hard_limit"]
    limited = {field: limit for field, limit in limits.items() if limit < UNLIMITED}
    if limited:
        domain.memtune = MemoryTune(**limited)


def _processors(config: ConfigFile, domain: Domain) -> None:
    found = {field: (config.first(_GROUP + file), least) for field, (file, least) in _CPU.items()}
    numbers = {field: integer(text, least=least) for field, (text, least) in found.items() if text is not None}
    if numbers:
        domain.cputune = CPUTune(shares=numbers.get("shares"), quota=numbers.get("quota"), period=numbers.get("period"))
    cpus, nodes = config.first(_GROUP + "cpuset.cpus"), config.first(_GROUP + "cpuset.mems")
    if cpus is not None:
        domain.vcpu.cpuset = format_bitmap(parse_bitmap(cpus))
    if nodes is not None:
        nodeset = format_bitmap(parse_bitmap(nodes))
        domain.numatune = Numatune(memory=NumatuneMemory(mode="strict", nodeset=nodeset, placement="static"))


def _block_devices(config: ConfigFile, domain: Domain) -> None:
    weight = config.first(_GROUP + "blkio.weight")
    devices: dict[str, BlkioDevice] = {}
    for name, value in config.settings:
        field = _DEVICES.get(name.removeprefix(_GROUP))
        if field is not None:
            numbers, limit = _device_limit(name, value)
            device = devices.setdefault(numbers, BlkioDevice(path=f"/dev/block/{numbers}"))
            setattr(device, field, limit)
    if weight is not None or devices:
        number = integer(weight, most=UINT_MAX) if weight is not None else None
        domain.blkiotune = Blkiotune(weight=number, devices=list(devices.values()))


def _device_limit(name: str, value: str) -> tuple[str, int]:
    """The device's numbers and its limit from "8:0 500"."""
    words = value.split()
    if len(words) < _PAIR:
        raise internal(f"invalid {name} value: '{value}'")
    file = name.rpartition(".")[2]
    complaint = f"failed to parse {'device weight' if file == 'device_weight' else file}: '%s'"
    return words[0], integer(words[1], complaint, most=UINT_MAX)
