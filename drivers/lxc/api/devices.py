# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that come, go and change, now and in the stored definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conf.domain import Domain, format_domain, parse_domain
from conf.domain.devices.disk import Disk
from conf.domain.devices.interface import Interface, InterfaceMac
from conf.domain.devices.single import parse_device
from drivers.common.devicelists import put, take
from drivers.common.drives import assign_disk
from drivers.common.mac import generate_mac
from drivers.common.part import IMPACT, definitions
from drivers.lxc import devices, prepare
from drivers.lxc.api.base import Part
from drivers.lxc.guest import Guest
from virtd.errors import Code, VirtError, check_flags
from virtd.refs import DomainRef


class DeviceApi(Part):
    """virDomainAttachDevice, virDomainDetachDevice, virDomainUpdateDevice."""

    async def domain_attach_device_flags(self, dom: DomainRef, xml: str, flags: int) -> None:
        """virDomainAttachDeviceFlags."""
        check_flags(flags, IMPACT, "lxcDomainAttachDeviceFlags")
        guest = self._guest(dom)
        async with guest.job("modify"):
            live, stored = definitions(guest, flags)
            device = _completed(parse_device(xml))
            changed = _changed(stored, lambda new: devices.attach_stored(new, device.model_copy(deep=True)))
            if live is not None:
                devices.check_live(live, device)
                await self._context.runtime.attach_device(guest, device)
                put(live.devices, device)
            await _keep(guest, live, changed)

    async def domain_detach_device_flags(self, dom: DomainRef, xml: str, flags: int) -> None:
        """virDomainDetachDeviceFlags."""
        check_flags(flags, IMPACT, "lxcDomainDetachDeviceFlags")
        guest = self._guest(dom)
        async with guest.job("modify"):
            live, stored = definitions(guest, flags)
            wanted = parse_device(xml)
            changed = _changed(stored, lambda new: devices.detach_stored(new, wanted))
            if live is not None:
                found = devices.find_live(live, wanted)
                await self._context.runtime.detach_device(guest, found)
                take(live.devices, found)
            await _keep(guest, live, changed)

    async def domain_update_device_flags(self, dom: DomainRef, xml: str, flags: int) -> None:
        """virDomainUpdateDeviceFlags: of stored definitions only."""
        check_flags(flags, IMPACT, "lxcDomainUpdateDeviceFlags")
        guest = self._guest(dom)
        async with guest.job("modify"):
            live, stored = definitions(guest, flags)
            device = parse_device(xml)
            if live is not None:
                raise VirtError(Code.OPERATION_UNSUPPORTED, "Unable to modify live devices")
            changed = _changed(stored, lambda new: devices.update_stored(new, device))
            await _keep(guest, None, changed)


def _completed(device: Any) -> Any:
    """What a device leaves open is the same in both definitions."""
    if isinstance(device, Interface):
        mac = device.mac = device.mac or InterfaceMac()
        mac.address = mac.address or generate_mac()
    if isinstance(device, Disk):
        device.guess_bus()
        if device.address is None:
            assign_disk(device, set())
    return device


def _changed(stored: Domain | None, change: Callable[[Domain], None]) -> Domain | None:
    """A changed and completed copy of the stored definition, in the order of one that was read anew."""
    if stored is None:
        return None
    new = parse_domain(format_domain(stored, secure=True))
    change(new)
    prepare.settle(new)
    return new


async def _keep(guest: Guest, live: Domain | None, changed: Domain | None) -> None:
    """Make the changes last: the stored definition in one step, the running one as it is by now."""
    if changed is not None:
        guest.set_persistent(changed)
    await guest.save(live, changed)
