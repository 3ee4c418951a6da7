# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that come, go and change, now and in the stored definition."""

from __future__ import annotations

from typing import Any

from conf.domain import Domain, format_domain, parse_domain
from conf.domain.devices.disk import Disk
from conf.domain.devices.interface import Interface, InterfaceMac
from conf.domain.devices.single import parse_device
from drivers.common.devicelists import put, take
from drivers.common.drives import assign_disk
from drivers.common.mac import generate_mac
from drivers.common.part import IMPACT
from drivers.lxc import devices, prepare
from drivers.lxc.api.base import Part
from virtd.errors import Code, VirtError, check_flags
from virtd.refs import DomainRef


class DeviceApi(Part):
    """virDomainAttachDevice, virDomainDetachDevice, virDomainUpdateDevice."""

    async def domain_attach_device_flags(self, dom: DomainRef, xml: str, flags: int) -> None:
        """virDomainAttachDeviceFlags."""
        check_flags(flags, IMPACT, "lxcDomainAttachDeviceFlags")
        guest = self._guest(dom)
        async with self._changing(guest, flags) as (live, stored):
            device = _completed(parse_device(xml))
            if stored is not None:
                devices.attach_stored(stored, device.model_copy(deep=True))
                _settle(stored)
            if live is not None:
                devices.check_live(live, device)
                await self._context.runtime.attach_device(guest, device)
                put(live.devices, device)

    async def domain_detach_device_flags(self, dom: DomainRef, xml: str, flags: int) -> None:
        """virDomainDetachDeviceFlags."""
        check_flags(flags, IMPACT, "lxcDomainDetachDeviceFlags")
        guest = self._guest(dom)
        async with self._changing(guest, flags) as (live, stored):
            wanted = parse_device(xml, to_find=True)
            if stored is not None:
                devices.detach_stored(stored, wanted)
                _settle(stored)
            if live is not None:
                found = devices.find_live(live, wanted)
                await self._context.runtime.detach_device(guest, found)
                take(live.devices, found)

    async def domain_update_device_flags(self, dom: DomainRef, xml: str, flags: int) -> None:
        """virDomainUpdateDeviceFlags: of stored definitions only."""
        check_flags(flags, IMPACT, "lxcDomainUpdateDeviceFlags")
        async with self._changing(self._guest(dom), flags) as (live, stored):
            device = parse_device(xml)
            if live is not None:
                raise VirtError(Code.OPERATION_UNSUPPORTED, "Unable to modify live devices")
            assert stored is not None
            devices.update_stored(stored, device)
            _settle(stored)


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


def _settle(changed: Domain) -> None:
    """Complete and check a changed definition; its devices come in the order of one that was read anew."""
    changed.devices = parse_domain(format_domain(changed, secure=True)).devices
    prepare.settle(changed)
