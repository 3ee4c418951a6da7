# SPDX-License-Identifier: LGPL-2.1-or-later
"""From what a client wrote to what is stored: everything the XML leaves open is decided, and then stays so."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.interface import InterfaceMac
from conf.domain.devices.kinds import all_devices
from drivers.common.chardevs import number_chardevs
from drivers.common.controllers import add_missing_controllers, number_controllers
from drivers.common.drives import assign_drives
from drivers.common.mac import generate_mac
from drivers.lxc.emulators import EMULATOR, choose_architecture
from virtd.errors import Code, From, VirtError


def complete(domain: Domain) -> None:
    """Complete a definition.  Doing it again changes nothing.

    Raises:
        VirtError: it cannot be completed, or is none of a container.
    """
    choose_architecture(domain)
    domain.keep_extensions("lxc")
    domain.devices.emulator = domain.devices.emulator or EMULATOR
    if not domain.os.init:
        raise VirtError(Code.XML_ERROR, "init binary must be specified", source=From.DOMAIN)
    _order_idmap(domain)
    _complete_devices(domain)


def _order_idmap(domain: Domain) -> None:
    """By the container's ids; its root has to be somebody on the host.

    Raises:
        VirtError: CONFIG_UNSUPPORTED: it is nobody.
    """
    idmap = domain.idmap
    for entries in (idmap.uids, idmap.gids) if idmap is not None else ():
        entries.sort(key=lambda entry: entry.start)
        if entries and entries[0].start != 0:
            text = "You must map the root user of container"
            raise VirtError(Code.CONFIG_UNSUPPORTED, text, source=From.DOMAIN)


def _complete_devices(domain: Domain) -> None:
    devices = domain.devices
    for device in all_devices(devices):
        if hasattr(device, "alias"):
            device.alias = None  # containers' devices cannot be named by their users
    number_controllers(domain)
    number_chardevs(domain)
    for console in devices.consoles:
        assert console.target is not None
        console.target.type = console.target.type or "lxc"
    for interface in devices.interfaces:
        mac = interface.mac = interface.mac or InterfaceMac()
        mac.address = mac.address or generate_mac()
    for disk in devices.disks:
        disk.guess_bus()
    assign_drives(domain)
    add_missing_controllers(domain)
