# SPDX-License-Identifier: LGPL-2.1-or-later
"""Typed parameters that are elements of a definition: limits of memory, of disks, of interfaces …

Whoever runs guests has to make them hold; what they are called and where they are kept is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from conf.bitmap import format_bitmap, parse_bitmap
from conf.domain import Domain
from conf.domain.devices.interface import Interface
from conf.domain.memory import UNLIMITED, BlkioDevice, Blkiotune, MemoryTune, NumaMode, Numatune, NumatuneMemory
from conf.domain.power import Perf, PerfEvent, PerfName
from conf.netdev.bandwidth import Bandwidth, BandwidthRates
from virtd.enums import TypedParameterType as T
from virtd.errors import Code, From, VirtError, invalid_arg
from virtd.params import TypedParam, Value, validate_params


@dataclass(frozen=True)
class Settings:
    """Some parameters of a definition (or of one of its devices).

    Attributes:
        types: parameter → its type, in the API's order.
        read: their present values.
        write: changes what is given.  Raises VirtError before anything was changed.
    """

    types: dict[str, int]
    read: Callable[[Any], Mapping[str, Value]]
    write: Callable[[Any, Mapping[str, Value]], None]

    def told(self, of: object) -> list[TypedParam]:
        """All of them with their values."""
        values = self.read(of)
        return [TypedParam(name, type_, values[name]) for name, type_ in self.types.items()]

    def given(self, params: list[TypedParam]) -> dict[str, Value]:
        """A client's parameters by name.  Raises VirtError for unknown ones and wrong types."""
        return validate_params(params, self.types)


# Memory ------------------------------------------------------------------------------------------

_MEMORY = ("hard_limit", "soft_limit", "swap_hard_limit")


def _read_memory(domain: Domain) -> dict[str, Value]:
    tune = domain.memtune or MemoryTune()
    return {name: UNLIMITED if (limit := getattr(tune, name)) is None else limit for name in _MEMORY}


def _write_memory(domain: Domain, given: Mapping[str, Value]) -> None:
    limits = {**_read_memory(domain), **given}
    if int(limits["hard_limit"]) > int(limits["swap_hard_limit"]):
        text = "memory hard_limit tunable value must be lower than or equal to swap_hard_limit"
        raise invalid_arg(text)
    domain.memtune = domain.memtune or MemoryTune()
    for name, value in given.items():
        setattr(domain.memtune, name, None if int(value) >= UNLIMITED else int(value))


#: virDomain…MemoryParameters, in KiB.
MEMORY = Settings(dict.fromkeys(_MEMORY, T.ULLONG), _read_memory, _write_memory)


# The host's NUMA nodes ---------------------------------------------------------------------------

_MODES: tuple[NumaMode, ...] = get_args(NumaMode)


def _read_numa(domain: Domain) -> dict[str, Value]:
    memory = domain.numatune.memory if domain.numatune else None
    mode, nodeset = (memory.mode, memory.nodeset) if memory else ("strict", None)
    return {"numa_mode": _MODES.index(mode), "numa_nodeset": nodeset or ""}


def _write_numa(domain: Domain, given: Mapping[str, Value]) -> None:
    mode, nodeset = given.get("numa_mode"), given.get("numa_nodeset")
    if mode is not None and not 0 <= int(mode) < len(_MODES):
        raise invalid_arg(f"unsupported numatune mode: '{mode}'")
    if nodeset is not None:
        try:
            nodeset = format_bitmap(parse_bitmap(str(nodeset)))
        except ValueError:
            raise VirtError(Code.INVALID_ARG, f"Failed to parse bitmap '{nodeset}'", source=From.NONE) from None
    tune = domain.numatune = domain.numatune or Numatune()
    memory = tune.memory = tune.memory or NumatuneMemory()
    if mode is not None:
        memory.mode = _MODES[int(mode)]
    if nodeset is not None:
        memory.nodeset, memory.placement = str(nodeset), "static"


#: virDomain…NumaParameters.
NUMA = Settings({"numa_mode": T.INT, "numa_nodeset": T.STRING}, _read_numa, _write_numa)


# The host's block devices ------------------------------------------------------------------------

#: Parameter → field of `BlkioDevice`; its values are "path,number,path,number …".
_BLKIO = {
    "device_weight": "weight",
    "device_read_iops_sec": "read_iops_sec",
    "device_write_iops_sec": "write_iops_sec",
    "device_read_bytes_sec": "read_bytes_sec",
    "device_write_bytes_sec": "write_bytes_sec",
}


def _read_blkio(domain: Domain) -> dict[str, Value]:
    tune = domain.blkiotune or Blkiotune()
    values: dict[str, Value] = {"weight": tune.weight or 0}
    for name, field in _BLKIO.items():
        entries = [(device.path, getattr(device, field)) for device in tune.devices]
        values[name] = ",".join(f"{path},{value}" for path, value in entries if value)
    return values


def _parse_blkio(name: str, text: str) -> dict[str, int]:
    parts = text.split(",") if text else []
    pairs = dict(zip(parts[::2], parts[1::2], strict=False))
    if len(parts) % 2 or not all(path and number.isdecimal() for path, number in pairs.items()):
        text = f"unable to parse blkio device '{name}' '{text}'"
        raise VirtError(Code.INVALID_ARG, text, source=From.DOMAIN)
    return {path: int(number) for path, number in pairs.items()}


def _write_blkio(domain: Domain, given: Mapping[str, Value]) -> None:
    parsed = {name: _parse_blkio(name, str(value)) for name, value in given.items() if name in _BLKIO}
    tune = domain.blkiotune = domain.blkiotune or Blkiotune()
    if "weight" in given:
        tune.weight = int(given["weight"]) or None
    devices = {device.path: device for device in tune.devices}
    for name, limits in parsed.items():
        for path, limit in limits.items():
            device = devices.setdefault(path, BlkioDevice(path=path))
            setattr(device, _BLKIO[name], limit or None)
    tune.devices = [device for device in devices.values() if any(device.limits)]


#: virDomain…BlkioParameters.
BLKIO = Settings({"weight": T.UINT} | dict.fromkeys(_BLKIO, T.STRING), _read_blkio, _write_blkio)


# Interfaces --------------------------------------------------------------------------------------

_RATES = {
    f"{way}.{field}": (way, field)
    for way, fields in (("inbound", ("average", "peak", "burst", "floor")), ("outbound", ("average", "peak", "burst")))
    for field in fields
}


def _read_bandwidth(interface: Interface) -> dict[str, Value]:
    bandwidth = interface.bandwidth or Bandwidth()
    rates = {name: getattr(bandwidth, way) for name, (way, _) in _RATES.items()}
    return {name: getattr(rates[name], field, None) or 0 for name, (_, field) in _RATES.items()}


def _write_bandwidth(interface: Interface, given: Mapping[str, Value]) -> None:
    """A way that is given anew forgets its other rates; an average (or floor) of 0 ends its limits."""
    bandwidth = interface.bandwidth or Bandwidth()
    for way in ("inbound", "outbound"):
        rates = {field: int(given[name]) for name, (where, field) in _RATES.items() if where == way and name in given}
        if rates:
            limited = rates.get("average") or rates.get("floor")
            setattr(bandwidth, way, BandwidthRates(**rates) if limited else None)
    interface.bandwidth = bandwidth if bandwidth.inbound or bandwidth.outbound else None


#: virDomain…InterfaceParameters, in KiB a second (burst in KiB).
BANDWIDTH = Settings(dict.fromkeys(_RATES, T.UINT), _read_bandwidth, _write_bandwidth)


# Counters of the host's CPUs ---------------------------------------------------------------------

_EVENTS: tuple[PerfName, ...] = get_args(PerfName)


def _read_perf(domain: Domain) -> dict[str, Value]:
    enabled = {event.name: event.enabled for event in domain.perf.events} if domain.perf else {}
    return {name: int(bool(enabled.get(name))) for name in _EVENTS}


def _write_perf(domain: Domain, given: Mapping[str, Value]) -> None:
    events = {event.name: event for event in domain.perf.events} if domain.perf else {}
    for name in _EVENTS:
        if name in given:
            events[name] = PerfEvent(name=name, enabled=bool(given[name]))
    domain.perf = Perf(events=[events[name] for name in _EVENTS if name in events])


#: virDomain…PerfEvents.
PERF = Settings(dict.fromkeys(_EVENTS, T.BOOLEAN), _read_perf, _write_perf)
