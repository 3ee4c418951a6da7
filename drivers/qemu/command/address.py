# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where a device sits, as properties of `-device`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from conf.domain.devices.address import CCWAddress, DIMMAddress, ISAAddress, PCIAddress, SpaprVIOAddress, USBAddress
from conf.domain.devices.controller import Controller
from conf.domain.devices.info import DeviceInfo, is_user_alias
from conf.domain.extensions import QemuProperty
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Props, props
from virtd.errors import Code, VirtError


def controller(build: Build, type_: str, index: int) -> Controller | None:
    """The controller of this kind and number."""
    return next((c for c in build.domain.devices.controllers if c.type == type_ and (c.index or 0) == index), None)


def controller_alias(build: Build, type_: str, index: int) -> str:
    """The name of a controller.

    Raises:
        VirtError: INTERNAL_ERROR, there is none.
    """
    found = controller(build, type_, index)
    if found is None or found.alias is None:
        raise VirtError(Code.INTERNAL_ERROR, f"Could not find alias for controller '{type_}' with index {index}")
    return found.alias


def pci_bus(build: Build, address: PCIAddress) -> str:
    """The name of the bus a PCI address is on."""
    found = controller(build, "pci", address.bus)
    if found is None or found.alias is None:
        raise VirtError(Code.INTERNAL_ERROR, f"Could not find PCI controller with index '{address.bus}'")
    if address.bus == 0 and is_user_alias(found.alias):
        # The root comes with the machine, and is not called what the user calls it.
        return "pcie.0" if found.model == "pcie-root" else "pci.0"
    extra_root = found.model == "pci-root" and found.target is not None and (found.target.index or 0) > 0
    return f"{found.alias}.0" if extra_root else found.alias


def address_props(build: Build, device: DeviceInfo) -> Props:
    """The properties that put a device where its XML says."""
    match device.address:
        case PCIAddress() as pci:
            place = f"0x{pci.slot:x}" + (f".0x{pci.function:x}" if pci.function else "")
            return props(
                {
                    "bus": pci_bus(build, pci),
                    "multifunction": pci.multifunction,
                    "addr": place,
                    "acpi-index": device.acpi.index if device.acpi else None,
                }
            )
        case USBAddress() as usb:
            return props({"bus": f"{controller_alias(build, 'usb', usb.bus)}.0", "port": usb.port})
        case SpaprVIOAddress(reg=reg) if reg is not None:
            return {"reg": reg}
        case CCWAddress() as ccw:
            return {"devno": f"{ccw.cssid or 0:x}.{ccw.ssid or 0:x}.{ccw.devno or 0:04x}"}
        case ISAAddress() as isa:
            return props({"iobase": isa.iobase or 0, "irq": isa.irq or None})
        case DIMMAddress() as dimm:
            return props({"slot": dimm.slot, "addr": dimm.base})
        case _:
            return {}


def add_device(line: CommandLine, device: DeviceInfo, properties: Props, *, companion: bool = True) -> None:
    """-device, and before it (if `companion`) what an S/390 knows a PCI device by."""
    numbers = zpci_props(device) if companion else None
    if numbers is not None:
        line.add_json("-device", numbers)
    line.add_json("-device", override(line.overrides.get(device.alias or "", ()), properties))


def override(changes: Iterable[QemuProperty], properties: Props) -> Props:
    """The properties with a user's own changes (`<qemu:override>`)."""
    changed = dict(properties)
    for change in changes:
        if change.type == "remove":
            changed.pop(change.name, None)
        else:
            changed[change.name] = _OVERRIDE_VALUES[change.type](change.value or "")
    return changed


_OVERRIDE_VALUES: dict[str, Callable[[str], object]] = {
    "string": str,
    "signed": int,
    "unsigned": int,
    "bool": lambda text: text == "true",
}


def zpci_props(device: DeviceInfo) -> Props | None:
    """The device that gives a PCI device its S/390 numbers; it is plugged first."""
    address = device.address
    if not isinstance(address, PCIAddress) or address.zpci is None or address.zpci.uid is None:
        return None
    uid = address.zpci.uid
    return props({"driver": "zpci", "uid": uid, "fid": address.zpci.fid, "target": device.alias, "id": f"zpci{uid}"})
