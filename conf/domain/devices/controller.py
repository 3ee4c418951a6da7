# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<controller>`: what other devices are plugged into."""

from __future__ import annotations

from typing import Annotated, Literal

from conf.binding import (
    Complaint,
    Model,
    Natural,
    OnOff,
    ParseOptions,
    Scale,
    Uint,
    attr,
    child,
    child_text,
    natural,
    on,
)
from conf.domain.devices.info import DeviceInfo, alias_field
from conf.domain.devices.virtio import VirtioOptions
from conf.errors import ConfigUnsupportedError, XMLDetailError, XMLError

ControllerType = Literal["ide", "fdc", "scsi", "sata", "virtio-serial", "ccid", "usb", "pci", "xenbus", "isa"]

_VIRTIO = ("virtio", "virtio-transitional", "virtio-non-transitional")
#: Type → models it may have; a type that is missing takes no model.
MODELS: dict[str, tuple[str, ...]] = {
    "ide": ("piix3", "piix4", "ich6"),
    "scsi": (
        "auto",
        "buslogic",
        "lsilogic",
        "lsisas1068",
        "vmpvscsi",
        "ibmvscsi",
        "virtio-scsi",
        "lsisas1078",
        "virtio-transitional",
        "virtio-non-transitional",
        "ncr53c90",
        "dc390",
        "am53c974",
    ),
    "virtio-serial": _VIRTIO,
    "usb": (
        "piix3-uhci",
        "piix4-uhci",
        "ehci",
        "ich9-ehci1",
        "ich9-uhci1",
        "ich9-uhci2",
        "ich9-uhci3",
        "vt82c686b-uhci",
        "pci-ohci",
        "nec-xhci",
        "qusb1",
        "qusb2",
        "qemu-xhci",
        "none",
    ),
    "pci": (
        "pci-root",
        "pcie-root",
        "pci-bridge",
        "dmi-to-pci-bridge",
        "pcie-to-pci-bridge",
        "pcie-root-port",
        "pcie-switch-upstream-port",
        "pcie-switch-downstream-port",
        "pci-expander-bus",
        "pcie-expander-bus",
    ),
}

VIRTIO_SCSI = ("virtio-scsi", "virtio-transitional", "virtio-non-transitional")

PCIModelName = Literal[
    "pci-bridge",
    "i82801b11-bridge",
    "ioh3420",
    "x3130-upstream",
    "xio3130-downstream",
    "pxb",
    "pxb-pcie",
    "pcie-root-port",
    "spapr-pci-host-bridge",
    "pcie-pci-bridge",
]


class PCIControllerModel(Model):
    """`<model>`: the device that QEMU makes for the controller."""

    name: PCIModelName | None = attr()


class PCIControllerTarget(Model):
    """`<target>`: how the guest sees a PCI controller."""

    chassis_nr: Natural | None = attr("chassisNr")
    chassis: Natural | None = attr()
    port: Annotated[int, natural(base=0, form="#x")] | None = attr()
    bus_nr: Natural | None = attr("busNr")
    index: Natural | None = attr()
    hotplug: OnOff | None = attr()
    node: Uint | None = child_text(error=(XMLError, "invalid NUMA node in target"))


class ControllerDriver(VirtioOptions):
    """`<driver>`."""

    queues: Uint | None = attr(omit=0)
    cmd_per_lun: Uint | None = attr(omit=0)
    max_sectors: Uint | None = attr(omit=0)
    ioeventfd: OnOff | None = attr()
    iothread: Uint | None = attr(omit=0)


class USBMaster(Model):
    """`<master>`: a companion of an EHCI controller serves its ports from this one on."""

    startport: Uint = attr(default=0)


class _ControllerEnd(Model):
    """What stands behind the address."""

    pcihole64: int | None = child_text(scale=Scale("KiB"), when=on("type", "pci"))


def _only_one(element: str) -> Complaint:
    return (XMLError, f"Multiple <{element}> elements in controller definition not allowed")


class Controller(DeviceInfo, _ControllerEnd):
    """`<controller>`; `index` None takes the next free one."""

    type: ControllerType = attr(default="ide")
    index: Natural | None = attr()
    model: str | None = attr()
    ports: Natural | None = attr()
    vectors: Natural | None = attr(when=on("type", "virtio-serial"))
    max_grant_frames: Natural | None = attr("maxGrantFrames", when=on("type", "xenbus"))
    max_event_channels: Natural | None = attr("maxEventChannels", when=on("type", "xenbus"))
    pci_model: PCIControllerModel | None = child("model", when=on("type", "pci"), only=_only_one("model"))
    target: PCIControllerTarget | None = child(when=on("type", "pci"), only=_only_one("target"))
    driver: ControllerDriver | None = child()
    # Declared again for its place: <master> stands behind it.
    alias: str | None = alias_field()
    master: USBMaster | None = child()

    @property
    def is_companion(self) -> bool:
        """Whether it serves ports of a USB 2 controller for slower devices."""
        return self.master is not None or (self.model or "").startswith("ich9-uhci")

    def check(self, options: ParseOptions) -> None:
        if self.model is not None and self.model not in MODELS.get(self.type, ()):
            raise ConfigUnsupportedError(f"Unknown model type '{self.model}'")
        if self.model not in ("pci-root", "pcie-root"):
            self.pcihole64 = None
        if self.type not in ("virtio-serial", "usb"):
            self.ports = None
        if self.type == "usb" and self.model == "none":
            self.address = self.master = None


def check_usb_controllers(controllers: list[Controller]) -> None:
    """Refuse USB controllers beside one that says there are none, and companions without any master.

    Raises:
        XMLDetailError: so it is.
    """
    usb = [controller for controller in controllers if controller.type == "usb"]
    if len(usb) > 1 and any(controller.model == "none" for controller in usb):
        raise XMLDetailError("Can't add another USB controller: USB is disabled for this domain")
    if all(controller.is_companion for controller in usb) and any(controller.model != "none" for controller in usb):
        raise XMLDetailError("No master USB controller specified")
