# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of `<controller>`."""

from __future__ import annotations

from conf.domain.devices.controller import VIRTIO_SCSI, Controller
from conf.domain.domain import Domain
from conf.errors import ConfigUnsupportedError, XMLError

_HIGHEST_TARGET_INDEX = 30
#: Field of a PCI controller's `<target>` → its name in XML, the least and the most that it may be.
_RANGES = {
    "chassis_nr": ("chassisNr", 1, 255),
    "chassis": ("chassis", 0, 255),
    "port": ("port", 0, 255),
    "bus_nr": ("busNr", 1, 254),
}


def check_controller(controller: Controller, _domain: Domain) -> None:
    """Raise ConfError for what no hypervisor could do."""
    if controller.driver is not None and controller.driver.iothread and controller.model not in VIRTIO_SCSI:
        raise XMLError("'iothread' attribute only supported for virtio scsi controllers")
    if controller.type != "pci":
        return
    if controller.model in ("pci-root", "pcie-root") and controller.address is not None:
        raise ConfigUnsupportedError("pci-root and pcie-root controllers should not have an address")
    target = controller.target
    if target is None:
        return
    for name, (attribute, low, high) in _RANGES.items():
        value = getattr(target, name)
        if value is not None and not low <= value <= high:
            raise ConfigUnsupportedError(f"PCI controller {attribute} '{value}' out of range - must be {low}-{high}")
    if controller.index == 0 and target.node is not None:
        raise ConfigUnsupportedError("The PCI controller with index=0 can't be associated with a NUMA node")
    if target.index is not None:
        if target.index > _HIGHEST_TARGET_INDEX:
            raise ConfigUnsupportedError(
                f"PCI controller target index '{target.index}' out of range - must be 0-{_HIGHEST_TARGET_INDEX}"
            )
        if (target.index == 0) != (controller.index == 0):
            raise ConfigUnsupportedError("Only the PCI controller with index 0 can have target index 0, and vice versa")


def check_controllers(domain: Domain) -> None:
    """Raise ConfError for controllers that cannot be together."""
    seen: set[tuple[str, int]] = set()
    for controller in domain.devices.controllers:
        if controller.index is None or controller.type == "usb":
            # A USB 2.0 controller and its companions share a number.
            continue
        key = (controller.type, controller.index)
        if key in seen:
            raise XMLError(f"Multiple '{controller.type}' controllers with index '{controller.index}'")
        seen.add(key)
