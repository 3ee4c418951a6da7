# SPDX-License-Identifier: LGPL-2.1-or-later
"""The addresses of one guest, for devices that come and go after it was defined.

A set is built from a definition, running or not, in a moment: there is nothing to keep between two
changes but the definition itself.
"""

from __future__ import annotations

from functools import cached_property

from conf.domain import Domain
from conf.domain.devices.address import CCWAddress, PCIAddress, USBAddress, VirtioSerialAddress
from conf.domain.devices.chardev import Channel, Console
from conf.domain.devices.disk import Disk
from conf.domain.devices.hub import Hub
from conf.domain.devices.info import DeviceInfo
from conf.domain.devices.memory import Memory
from drivers.common.drives import DRIVE_BUSES, assign_disk, is_scsi, place_of
from drivers.qemu import machines
from drivers.qemu.addresses.ccw_devnos import CcwAddress, CcwAddressSet
from drivers.qemu.addresses.pci_assign import build_placement
from drivers.qemu.addresses.pci_buses import Connect
from drivers.qemu.addresses.pci_fixed import chipset_of, place_chipset_devices
from drivers.qemu.addresses.pci_guest import PciDevice, PciGuest, wants_pci
from drivers.qemu.addresses.pci_placement import PciPlacement, address_of
from drivers.qemu.addresses.slots import MODULES, assign_memory_slot
from drivers.qemu.addresses.usb_assign import build_usb, is_usb, lacks_port, plug
from drivers.qemu.addresses.usb_ports import UsbAddressSet, parse_port
from drivers.qemu.addresses.virtio_serial import assign_port, build_virtio_serial
from drivers.qemu.addresses.virtio_serial_ports import VirtioSerialPorts
from drivers.qemu.addresses.virtio_transport import assign_channel, build_ccw, is_virtio
from drivers.qemu.facts import EmulatorFacts
from virtd.errors import Code, VirtError


class AddressSet:
    """Which addresses are taken, and finding one for a device that is not on the guest's lists yet."""

    def __init__(self, domain: Domain, emulator: EmulatorFacts) -> None:
        self._domain = domain
        self._emulator = emulator

    def assign_device(self, device: DeviceInfo, *, live: bool = False) -> None:
        """Give a device an address if it lacks one, and take the one it has.  `live`: the guest runs.

        A virtio-serial channel that finds all ports taken gets a controller added to the definition.

        Raises:
            VirtError: its address cannot be or is taken, or there is no room.
        """
        if isinstance(device, Disk) and device.target.bus in DRIVE_BUSES:
            self._assign_drive(device)
        elif isinstance(device, Memory) and device.model in MODULES:
            assign_memory_slot(self._domain, device)
        elif isinstance(device, Channel | Console) and device.target and device.target.type == "virtio":
            self._assign_virtio_serial(device)
        elif is_usb(device):
            self._assign_usb(device)
        elif machines.is_s390_ccw(self._domain) and is_virtio(device):
            self._assign_ccw(device)
        elif (described := self._pci.guest.describe(device)).flags or isinstance(device.address, PCIAddress):
            self._assign_pci(described, live)

    def release(self, device: DeviceInfo) -> None:
        """The device is gone: its address is free again."""
        match device.address:
            case PCIAddress():
                address = address_of(device)
                if address is not None:
                    self._pci.addresses.release(address)
            case USBAddress(bus=bus, port=str(port)):
                self._usb.release(bus, parse_port(port))
            case VirtioSerialAddress(controller=controller, port=port):
                self._virtio_serial.release(controller, port)
            case CCWAddress(cssid=int(cssid), ssid=int(ssid), devno=int(devno)):
                self._ccw.release(CcwAddress(cssid, ssid, devno))

    # each part is built when the first device asks for it

    @cached_property
    def _pci(self) -> PciPlacement:
        guest = PciGuest(self._domain, self._emulator)
        placement = build_placement(guest)
        place_chipset_devices(placement, chipset_of(guest))
        return placement

    @cached_property
    def _usb(self) -> UsbAddressSet:
        return build_usb(self._domain)

    @cached_property
    def _virtio_serial(self) -> VirtioSerialPorts:
        return build_virtio_serial(self._domain)

    @cached_property
    def _ccw(self) -> CcwAddressSet:
        return build_ccw(self._domain)

    def _assign_drive(self, disk: Disk) -> None:
        devices = self._domain.devices
        if disk.address is None:
            hostdevs = {place for h in devices.hostdevs if is_scsi(h) and (place := place_of(h)) is not None}
            assign_disk(disk, hostdevs)
        place = place_of(disk)
        for other in devices.disks:
            if other is not disk and other.target.bus == disk.target.bus and place_of(other) == place:
                assert place is not None
                raise VirtError(
                    Code.CONFIG_UNSUPPORTED,
                    f"Found duplicate drive address for disk with target name '{disk.target.dev}' "
                    f"controller='{place[0]}' bus='{place[1]}' target='{place[2]}' unit='{place[3]}'",
                )

    def _assign_virtio_serial(self, device: Channel | Console) -> None:
        address = device.address
        if isinstance(address, VirtioSerialAddress) and address.port:
            self._virtio_serial.reserve(address.controller, address.port)
        else:
            assign_port(self._domain, self._virtio_serial, device)

    def _assign_usb(self, device: DeviceInfo) -> None:
        if lacks_port(device):
            plug(self._usb, device)
            return
        address = device.address
        if isinstance(address, USBAddress) and address.port is not None:
            port = parse_port(address.port)
            self._usb.reserve(address.bus, port)
            if isinstance(device, Hub):
                self._usb.add_hub(address.bus, port)

    def _assign_ccw(self, device: DeviceInfo) -> None:
        address = device.address
        if isinstance(address, CCWAddress) and address.devno is not None:
            self._ccw.reserve(CcwAddress(address.cssid or 0, address.ssid or 0, address.devno))
        else:
            assign_channel(self._ccw, device)

    def _assign_pci(self, described: PciDevice, live: bool) -> None:
        extra = Connect.HOTPLUGGABLE if live else 0
        if wants_pci(described.device):
            self._pci.place_next(described, extra=extra)
        else:
            self._pci.reserve_given(described)
