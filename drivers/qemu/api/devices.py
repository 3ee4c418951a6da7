# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that come, go and change, now and in the stored definition."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from conf.domain import Domain, format_domain, parse_domain
from conf.domain.devices.graphics import Graphics
from conf.domain.devices.interface import Interface
from conf.domain.devices.single import parse_device
from drivers.common import devicechanges as stored
from drivers.common import devicematching as matching
from drivers.common.part import IMPACT, definitions
from drivers.qemu import prepare
from drivers.qemu.api.base import Part
from drivers.qemu.guest import Guest
from drivers.qemu.hotplug import plugging, updates
from drivers.qemu.validate.devices.display import check_graphics
from drivers.qemu.validate.question import Question
from virtd.enums import DomainDeviceModifyFlags
from virtd.errors import check_flags
from virtd.refs import DomainRef


class DeviceApi(Part):
    """virDomainAttachDevice, virDomainDetachDevice, virDomainUpdateDevice, virDomainDetachDeviceAlias."""

    async def domain_attach_device_flags(self, dom: DomainRef, xml: str, flags: int) -> None:
        """virDomainAttachDeviceFlags."""
        guest = self._guest(dom)
        async with guest.job("modify"):
            live, kept = definitions(guest, flags)
            check_flags(flags, IMPACT, "qemuDomainAttachDeviceLiveAndConfig")
            device = parse_device(xml)
            for_store = device if live is None or kept is None else parse_device(xml)
            changed = None
            if kept is not None:
                changed = await self._changed(guest, kept, lambda new: stored.attach(new, for_store))
                _share_mac(for_store, device)
            if live is not None:
                await plugging.attach(guest, device)
            await _keep(guest, live, changed)

    async def domain_detach_device_flags(self, dom: DomainRef, xml: str, flags: int) -> None:
        """virDomainDetachDeviceFlags."""
        guest = self._guest(dom)
        async with guest.job("modify"):
            live, kept = definitions(guest, flags)
            check_flags(flags, IMPACT, "qemuDomainDetachDeviceLiveAndConfig")
            wanted = parse_device(xml, to_find=True)
            changed = None
            if kept is not None:
                changed = await self._changed(guest, kept, lambda new: stored.detach(new, wanted))
            if live is not None:
                plugging.check_kind(wanted, "detach")
                await plugging.detach(guest, matching.find(live, wanted, live=True))
            await _keep(guest, live, changed)

    async def domain_detach_device_alias(self, dom: DomainRef, alias: str, flags: int) -> None:
        """virDomainDetachDeviceAlias."""
        guest = self._guest(dom)
        async with guest.job("modify"):
            live, kept = definitions(guest, flags)
            check_flags(flags, IMPACT, "qemuDomainDetachDeviceAliasLiveAndConfig")
            changed = None
            if kept is not None:
                changed = await self._changed(
                    guest, kept, lambda new: stored.remove(new, matching.by_alias(new, alias))
                )
            if live is not None:
                await plugging.detach(guest, matching.by_alias(live, alias))
            await _keep(guest, live, changed)

    async def domain_update_device_flags(self, dom: DomainRef, xml: str, flags: int) -> None:
        """virDomainUpdateDeviceFlags."""
        check_flags(flags, IMPACT | DomainDeviceModifyFlags.FORCE, "qemuDomainUpdateDeviceFlags")
        guest = self._guest(dom)
        async with guest.job("modify"):
            live, kept = definitions(guest, flags)
            device = parse_device(xml)
            for_store = device if live is None or kept is None else parse_device(xml)
            changed = None
            if isinstance(device, Graphics):
                emulator = await self._context.capabilities.get(guest.definition.devices.emulator or "")
                check_graphics(device, Question(guest.definition, emulator, self._context.site))
            if kept is not None:
                changed = await self._changed(guest, kept, lambda new: stored.update(new, for_store))
            if live is not None:
                await updates.update(guest, device, force=bool(flags & DomainDeviceModifyFlags.FORCE))
            await _keep(guest, live, changed)

    async def _changed(self, guest: Guest, kept: Domain, change: Callable[[Domain], None]) -> Domain:
        """A changed and completed copy of the stored definition, in the order of a definition that was read anew."""
        new = parse_domain(format_domain(kept, secure=True))
        change(new)
        await prepare.complete(guest.context, new)
        return new


def _share_mac(first: Any, second: Any) -> None:
    """A card that is added in both places is the same card."""
    if isinstance(first, Interface) and isinstance(second, Interface) and second.mac is None:
        second.mac = copy.deepcopy(first.mac)


async def _keep(guest: Guest, live: Domain | None, changed: Domain | None) -> None:
    """Make the changes last: the stored definition in one step, the running one as it is by now."""
    if changed is not None:
        guest.set_persistent(changed)
    await guest.save(live, changed)
