# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits of a disk's bytes and requests a second (`<iotune>`): the parameters of virDomain…BlockIoTune."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conf.domain.devices.disk import Disk, IOTune
from virtd.enums import TypedParameterType as T
from virtd.errors import Code, VirtError, invalid_arg
from virtd.params import TypedParam, Value

#: The fields in the order in which the API tells them.
FIELDS = tuple(IOTune.model_fields)
PARAMETERS = {name: T.STRING if name == "group_name" else T.ULLONG for name in FIELDS}

MAX_VALUE = 1_000_000_000_000_000

#: Three fields are set together: who sets one of them unsets the others.
FAMILIES = ("bytes_sec", "iops_sec", "bytes_sec_max", "iops_sec_max")
WAYS = ("total", "read", "write")


def merged(old: IOTune | None, given: Mapping[str, Value]) -> IOTune:
    """The limits after a change.

    Raises:
        VirtError: what is given contradicts itself.
    """
    for value in given.values():
        if isinstance(value, int) and value > MAX_VALUE:
            text = f"block I/O throttle limit value must be no more than {MAX_VALUE}"
            raise VirtError(Code.ARGUMENT_UNSUPPORTED, text)
    values: dict[str, Any] = {name: getattr(old, name) for name in FIELDS} if old else dict.fromkeys(FIELDS)
    for family in FAMILIES:
        names = [f"{way}_{family}" for way in WAYS]
        if given.get(names[0]) and (given.get(names[1]) or given.get(names[2])):
            raise invalid_arg(f"total and read/write of {family} cannot be set at the same time")
        if any(name in given for name in names):
            values.update(dict.fromkeys(names))
    values.update({name: value or None for name, value in given.items()})
    limits = IOTune(**values)
    if "group_name" in given and not is_limited(limits):
        text = "creating a new group/updating existing with all tune parameters zero is not supported"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)
    return limits


def is_limited(limits: IOTune | None) -> bool:
    """Whether there is any limit."""
    return limits is not None and any(getattr(limits, name) for name in FIELDS if name != "group_name")


def check_bursts(limits: IOTune) -> None:
    """A burst below the steady limit makes no sense.

    Raises:
        VirtError: CONFIG_UNSUPPORTED.
    """
    for name in FIELDS:
        burst = f"{name}_max"
        if burst in FIELDS and getattr(limits, burst) and getattr(limits, burst) < (getattr(limits, name) or 0):
            raise VirtError(Code.CONFIG_UNSUPPORTED, f"value '{burst}' cannot be smaller than '{name}'")


def stored(disk: Disk) -> dict[str, Value]:
    """The limits that a definition has, by the API's names."""
    return {name: getattr(disk.iotune, name, None) or 0 for name in FIELDS}


def parameters(values: Mapping[str, Value]) -> list[TypedParam]:
    """Limits as a client is told them."""
    return [
        TypedParam(name, T.STRING, str(value or "")) if name == "group_name" else TypedParam(name, T.ULLONG, int(value))
        for name, value in values.items()
    ]
