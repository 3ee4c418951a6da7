# SPDX-License-Identifier: LGPL-2.1-or-later
"""The form of a definition that daemons of long ago understand: `VIR_DOMAIN_XML_MIGRATABLE`.

They add what every machine has themselves and stumble over elements they do not know, so what goes
without saying is left out.
"""

from __future__ import annotations

from copy import copy

from conf.domain import Domain
from conf.domain.cpu import CPU, CPUFeature
from conf.domain.devices.audio import Audio
from conf.domain.devices.chardev import Channel, Console, Serial, SerialTarget
from conf.domain.devices.controller import Controller
from conf.domain.devices.disk import Disk
from conf.domain.devices.order import ordered_controllers, ordered_disks
from drivers.qemu import machines
from drivers.qemu.addresses.zpci import number_added_bridges
from drivers.qemu.defaults.implicit import default_audio
from drivers.qemu.defaults.system import has_generated_path

#: Serial ports whose kind follows from the machine and was not written then.
_UNWRITTEN_SERIALS = ("system-serial", "spapr-vio-serial")


def migratable_form(domain: Domain) -> Domain:
    """A copy to be formatted; it shares with `domain` what is the same in both."""
    result = copy(domain)
    devices = result.devices = copy(domain.devices)
    devices.disks = [_with_format(disk) for disk in ordered_disks(devices.disks)]
    controllers = ordered_controllers(devices.controllers)
    kept = (c for c in controllers if not _goes_without_saying(c, controllers, domain))
    devices.controllers = [_without_name(controller) for controller in kept]
    devices.inputs = [i for i in devices.inputs if (i.type, i.bus) != ("keyboard", "ps2")]
    devices.consoles = [_renumbered(console, number) for number, console in enumerate(devices.consoles)]
    devices.channels = [_without_generated_path(channel) for channel in devices.channels]
    devices.serials = [_old_serial(serial) for serial in devices.serials]
    if [p.model for p in devices.panics] in (["pseries"], ["s390"]):
        devices.panics = []
    result.seclabels = [label for label in domain.seclabels if not (label.type == "dynamic" and label.imagelabel)]
    if _is_default_audio(domain, devices.audios):
        devices.audios = []
    if machines.is_s390(domain):
        number_added_bridges(result)
    result.cpu = _with_lost_feature(domain.cpu) if domain.cpu is not None else None
    return result


def _with_lost_feature(cpu: CPU) -> CPU:
    """Icelake-Server had a feature at first that no host ever gave; daemons of then have to be told so."""
    lost = CPUFeature(policy="disable", name="pconfig")
    if cpu.mode != "custom" or cpu.model is None or cpu.model.name != "Icelake-Server":
        return cpu
    result = copy(cpu)
    result.features = [lost if f.name == lost.name else f for f in cpu.features]
    if lost not in result.features:
        result.features.append(lost)
    return result


def _goes_without_saying(controller: Controller, controllers: list[Controller], domain: Domain) -> bool:
    """Whether it is the only one of its type and the one every such machine has."""
    if controller.alias is not None or controller.pcihole64 is not None:
        return False
    if controller.index != 0 or sum(c.type == controller.type for c in controllers) > 1:
        return False
    if controller.type == "usb":
        return machines.is_i440fx(domain) and controller.model in ("piix3-uhci", None)
    return controller.type == "pci" and controller.model == "pci-root"


def _with_format(disk: Disk) -> Disk:
    """An empty drive has no format while the guest runs; a definition that is read gets one."""
    if disk.driver is None or disk.driver.type is not None or not disk.is_empty:
        return disk
    result = copy(disk)
    result.driver = copy(disk.driver)
    result.driver.type = "raw"
    return result


def _without_name(controller: Controller) -> Controller:
    """A pSeries host bridge is the only kind of root there."""
    if controller.pci_model is None or controller.pci_model.name != "spapr-pci-host-bridge":
        return controller
    result = copy(controller)
    result.pci_model = None
    return result


def _renumbered(console: Console, number: int) -> Console:
    if console.target is None or console.target.port == number:
        return console
    result = copy(console)
    result.target = copy(console.target)
    result.target.port = number
    return result


def _without_generated_path(channel: Channel) -> Channel:
    if not has_generated_path(channel):
        return channel
    result = copy(channel)
    result.sources = []
    return result


def _old_serial(serial: Serial) -> Serial:
    if serial.target is None or serial.target.type not in _UNWRITTEN_SERIALS:
        return serial
    result = copy(serial)
    result.target = SerialTarget(port=serial.target.port)
    return result


def _is_default_audio(domain: Domain, audios: list[Audio]) -> bool:
    backend = default_audio(domain)
    return backend is not None and audios == [Audio(id=1, type=backend)]
