# SPDX-License-Identifier: LGPL-2.1-or-later
"""A domain's share of the host's block devices."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.memory import BlkioDevice, Blkiotune
from drivers.common.part import IMPACT, definition
from drivers.lxc.api.base import Part
from drivers.lxc.guest import Guest
from virtd.enums import TypedParameterType as T
from virtd.errors import Code, From, VirtError, check_flags
from virtd.params import ParamList, TypedParam, validate_params
from virtd.refs import DomainRef

#: Parameter → the field of `<device>`, which is the control group's limit too; in libvirt's order.
_DEVICE_PARAMS = {
    "device_weight": "weight",
    "device_read_iops_sec": "read_iops_sec",
    "device_write_iops_sec": "write_iops_sec",
    "device_read_bytes_sec": "read_bytes_sec",
    "device_write_bytes_sec": "write_bytes_sec",
}
_TYPES: dict[str, int] = {"weight": T.UINT, **dict.fromkeys(_DEVICE_PARAMS, T.STRING)}
#: The largest number of each field.
_MOST = {"read_bytes_sec": 2**64 - 1, "write_bytes_sec": 2**64 - 1}

#: Field → path → limit.
Limits = dict[str, dict[str, int]]


class BlkioApi(Part):
    """virDomainGetBlkioParameters, virDomainSetBlkioParameters."""

    def domain_get_blkio_parameters(self, dom: DomainRef, flags: int) -> list[TypedParam]:
        """virDomainGetBlkioParameters: lists of a device's path and its limit, separated by commas."""
        check_flags(flags, IMPACT, "lxcDomainGetBlkioParameters")
        guest = self._guest(dom)
        found = definition(guest, flags)
        tune = found.blkiotune or Blkiotune()
        weight = tune.weight or 0
        if found is guest.live:
            weight = self._group(guest).get("weight")
        params = ParamList()
        params.add_uint("weight", weight)
        for name, field in _DEVICE_PARAMS.items():
            limited = [(device.path, value) for device in tune.devices if (value := getattr(device, field))]
            params.add_string(name, ",".join(f"{path},{value}" for path, value in limited))
        return params

    async def domain_set_blkio_parameters(self, dom: DomainRef, params: list[TypedParam], flags: int) -> None:
        """virDomainSetBlkioParameters; devices that are not named stay as they are, 0 takes a limit away."""
        check_flags(flags, IMPACT, "lxcDomainSetBlkioParameters")
        values = validate_params(params, _TYPES)
        limits = {field: _parse(name, str(values[name])) for name, field in _DEVICE_PARAMS.items() if name in values}
        weight = int(values["weight"]) if "weight" in values else None
        guest = self._guest(dom)
        async with self._changing(guest, flags) as (live, stored):
            if live is not None:
                self._apply(guest, weight, limits)
            for changed in (live, stored):
                if changed is not None:
                    _note(changed, weight, limits)

    def _apply(self, guest: Guest, weight: int | None, limits: Limits) -> None:
        group = self._group(guest)
        if weight is not None:
            group.set("weight", weight)
        for field, devices in limits.items():
            for path, value in devices.items():
                group.set_device_limit(field, path, value)


def _parse(name: str, text: str) -> dict[str, int]:
    """Path → limit from "/dev/sda,100,/dev/sdb,200"."""
    words = text.split(",") if text else []
    if len(words) % 2:
        raise _invalid(f"unable to parse blkio device '{name}' '{text}'")
    return {path: _number(name, path, value) for path, value in zip(words[::2], words[1::2], strict=True)}


def _number(name: str, path: str, text: str) -> int:
    most = _MOST.get(_DEVICE_PARAMS[name], 2**32 - 1)
    if not (text.isascii() and text.isdigit()) or int(text) > most:
        raise _invalid(f"invalid value '{text}' for parameter '{name}' of device '{path}'")
    return int(text)


def _invalid(text: str) -> VirtError:
    return VirtError(Code.INVALID_ARG, text, source=From.DOMAIN)


def _note(changed: Domain, weight: int | None, limits: Limits) -> None:
    """Put it into a definition."""
    tune = changed.blkiotune = changed.blkiotune or Blkiotune()
    if weight is not None:
        tune.weight = weight or None
    for field, devices in limits.items():
        for path, value in devices.items():
            setattr(_device(tune, path), field, value or None)
    tune.devices = [device for device in tune.devices if any(device.limits)]


def _device(tune: Blkiotune, path: str) -> BlkioDevice:
    """The element of a device, a new one if there is none."""
    for device in tune.devices:
        if device.path == path:
            return device
    tune.devices.append(BlkioDevice(path=path))
    return tune.devices[-1]
