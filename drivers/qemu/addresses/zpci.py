# SPDX-License-Identifier: LGPL-2.1-or-later
"""How S/390 numbers PCI devices: each has a user id (uid) and a function id (fid) besides its address."""

from __future__ import annotations

from collections.abc import Iterable

from conf.domain import Domain
from conf.domain.devices.address import ZPCI, PCIAddress
from conf.domain.devices.chardev import Serial
from conf.domain.devices.controller import Controller
from conf.domain.devices.disk import Disk
from conf.domain.devices.filesystem import Filesystem
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.info import DeviceInfo
from conf.domain.devices.input import Input
from conf.domain.devices.interface import Interface
from conf.domain.devices.sound import Sound
from conf.domain.devices.video import Video
from conf.domain.devices.watchdog import Watchdog
from drivers.qemu import machines
from drivers.qemu.addresses.pci_guest import pci_devices
from drivers.qemu.facts import EmulatorFacts
from virtd.errors import Code, VirtError

_LAST_UID = 0xFFFF
#: The kinds of devices that get their numbers first, in this order.
_FIRST = (Disk, Interface, Sound, Hostdev, Video, Controller, Input, Filesystem, Watchdog)


def assign_zpci(domain: Domain, emulator: EmulatorFacts, controllers: Iterable[Controller]) -> None:
    """Numbers for all PCI devices that lack them.  Serial ports have none.

    Args:
        controllers: those of the definition.  Bridges added on the way get their numbers the next time the
            definition is read, as stock has it.

    Raises:
        VirtError: a number in the XML cannot be or is used twice.
    """
    if machines.is_s390(domain) and emulator.has("zpci"):
        _number(domain, controllers)


def number_added_bridges(domain: Domain) -> None:
    """What reading a definition again does: its bridges get their numbers, if its devices have some.

    The domain is a copy that shares devices with the definition; bridges are copied before they are changed.
    """
    if not any(isinstance(d.address, PCIAddress) and d.address.zpci for d in pci_devices(domain)):
        return
    domain.devices.controllers = [
        controller.model_copy(deep=True) if _is_bridge(controller) else controller
        for controller in domain.devices.controllers
    ]
    _number(domain, domain.devices.controllers)


def _number(domain: Domain, controllers: Iterable[Controller]) -> None:
    known = {id(controller) for controller in controllers}
    devices = [d for d in pci_devices(domain) if not isinstance(d, Serial) and (not _is_bridge(d) or id(d) in known)]
    devices.sort(key=_rank)
    addresses = [device.address for device in devices if isinstance(device.address, PCIAddress)]
    uids = _Numbers("uid", first=1)
    fids = _Numbers("fid", first=0)
    for address in addresses:
        zpci = address.zpci
        if zpci is not None:
            _check_uid(zpci.uid)
            uids.reserve(zpci.uid)
            fids.reserve(zpci.fid)
    for address in sorted(addresses, key=lambda address: address.zpci is None):
        zpci = address.zpci = address.zpci or ZPCI()
        zpci.uid = uids.next() if zpci.uid is None else zpci.uid
        zpci.fid = fids.next() if zpci.fid is None else zpci.fid


def _rank(device: DeviceInfo) -> int:
    """The order in which libvirt goes through the devices of a guest; bridges last."""
    if _is_bridge(device):
        return len(_FIRST) + 1
    return next((rank for rank, kind in enumerate(_FIRST) if isinstance(device, kind)), len(_FIRST))


def _is_bridge(device: DeviceInfo) -> bool:
    return isinstance(device, Controller) and device.type == "pci"


def _check_uid(uid: int | None) -> None:
    if uid is not None and not 0 < uid <= _LAST_UID:
        raise VirtError(
            Code.XML_ERROR, f"Invalid PCI address uid='0x{uid:04x}', must be > 0x0000 and <= 0x{_LAST_UID:x}"
        )


class _Numbers:
    """One of the two series."""

    def __init__(self, name: str, first: int) -> None:
        self._name = name
        self._taken: set[int] = set()
        self._following = first

    def reserve(self, number: int | None) -> None:
        if number is None:
            return
        if number in self._taken:
            raise VirtError(Code.INTERNAL_ERROR, f"zPCI {self._name} {number} is already reserved")
        self._taken.add(number)

    def next(self) -> int:
        while self._following in self._taken:
            self._following += 1
        self._taken.add(self._following)
        return self._following
