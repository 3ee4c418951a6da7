# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that come, go and change, in the stored definition, in what runs, or in both.

A device that leaves a running guest does so with the guest's consent, which takes a moment of the host's time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from conf.domain import Domain
from conf.domain.devices.disk import Disk
from conf.domain.devices.interface import Interface
from conf.domain.devices.single import device_tag, parse_device
from drivers.common.devicechanges import attach, remove, update
from drivers.common.devicematching import by_alias, find
from drivers.common.part import IMPACT, definitions
from drivers.test.base import DomainPart
from drivers.test.defaults import complete, complete_interfaces
from drivers.test.guest import TestGuest
from virtd.enums import DomainDeviceModifyFlags, DomainEventID
from virtd.errors import VirtError, check_flags
from virtd.refs import DomainRef

log = logging.getLogger(__name__)

#: Finds the device that a client means in a definition, which may be that of a running guest.
Choose = Callable[[Domain, bool], Any]
#: Seconds of the host's time until a guest has let go of a device.
UNPLUG_SECONDS = 0.1


class DeviceApi(DomainPart):
    """virDomainAttachDevice…, virDomainDetachDevice…, virDomainUpdateDeviceFlags."""

    def domain_attach_device_flags(self, dom: DomainRef, xml: str, flags: int) -> None:
        """virDomainAttachDeviceFlags."""
        check_flags(flags, IMPACT, "testDomainAttachDeviceFlags")
        guest, device = self._guest(dom), parse_device(xml)
        if isinstance(device, Interface):
            complete_interfaces([device], guest.definition)

        def add(found: Domain) -> None:
            attach(found, device.model_copy(deep=True))

        if self._change(guest, flags, add):
            guest.emit(DomainEventID.DEVICE_ADDED, _name(device))

    def domain_detach_device_flags(self, dom: DomainRef, xml: str, flags: int) -> None:
        """virDomainDetachDeviceFlags."""
        check_flags(flags, IMPACT, "testDomainDetachDeviceFlags")
        wanted = parse_device(xml, to_find=True)
        self._detach(self._guest(dom), flags, lambda found, live: find(found, wanted, live=live))

    def domain_detach_device_alias(self, dom: DomainRef, alias: str, flags: int) -> None:
        """virDomainDetachDeviceAlias."""
        check_flags(flags, IMPACT, "testDomainDetachDeviceAlias")
        self._detach(self._guest(dom), flags, lambda found, _live: by_alias(found, alias))

    def _detach(self, guest: TestGuest, flags: int, choose: Choose) -> None:
        live, stored = definitions(guest, flags)
        if live is not None:
            _refuse_busy(guest, choose(live, True))
        if stored is not None:
            remove(stored, choose(stored, False))
        if live is not None:
            run = guest.id
            self.world.clock.later(UNPLUG_SECONDS, lambda: _leave(guest, run, choose))

    def domain_update_device_flags(self, dom: DomainRef, xml: str, flags: int) -> None:
        """virDomainUpdateDeviceFlags."""
        check_flags(flags, IMPACT | DomainDeviceModifyFlags.FORCE, "testDomainUpdateDeviceFlags")
        device = parse_device(xml)
        _refuse_busy(self._guest(dom), device)

        def change(found: Domain) -> None:
            update(found, device.model_copy(deep=True))

        self._change(self._guest(dom), flags, change)

    def _change(self, guest: TestGuest, flags: int, change: Callable[[Domain], None]) -> bool:
        """Change copies of the definitions that `flags` mean, then exchange them; returns whether one of them runs.

        Raises:
            VirtError: nothing was changed.
        """
        changed = [found and found.model_copy(deep=True) for found in definitions(guest, flags)]
        for new in changed:
            if new is not None:
                change(new)
                complete(new)
        live, stored = changed
        guest.live, guest.persistent = live or guest.live, stored or guest.persistent
        return live is not None


def _leave(guest: TestGuest, run: int, choose: Choose) -> None:
    """The guest has let go of a device, if this is still the same run and it still has it."""
    if guest.live is None or guest.id != run:
        return
    try:
        device = choose(guest.live, True)
        _refuse_busy(guest, device)
    except VirtError as error:
        log.info("guest %s keeps a device: %s", guest.name, error)
        return
    remove(guest.live, device)
    guest.emit(DomainEventID.DEVICE_REMOVED, _name(device))


def _refuse_busy(guest: TestGuest, device: Any) -> None:
    """Raise OPERATION_UNSUPPORTED for a disk with a job."""
    if isinstance(device, Disk):
        guest.refuse_busy(device.target.dev)


def _name(device: Any) -> str:
    """What events call a device: running ones have no aliases here unless somebody gave them one."""
    target = getattr(device, "target", None)
    return device.alias or getattr(target, "dev", None) or device_tag(device)
