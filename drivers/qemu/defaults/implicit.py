# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that a guest has although its XML does not say so: they come with the machine."""

from __future__ import annotations

from typing import Literal, NamedTuple

from conf.domain import Domain
from conf.domain.devices.all import Devices
from conf.domain.devices.audio import Audio
from conf.domain.devices.controller import Controller
from conf.domain.devices.input import Input
from conf.domain.devices.memballoon import Memballoon
from conf.domain.devices.panic import Panic
from conf.domain.devices.video import Video, VideoModel
from drivers.common.controllers import ICH9_USB, ensure_controller, find_controller
from drivers.qemu import machines
from drivers.qemu.facts import EmulatorFacts, first_offered
from virtd.errors import Code, VirtError

Root = Literal["pci-root", "pcie-root"]


class Implicit(NamedTuple):
    """What a machine has of itself.  `usb` is whether it has a USB controller, and its model if not the usual one."""

    root: Root | None = None
    usb: bool = True
    usb_model: str | None = None
    sata: bool = False
    memballoon: bool = True
    usb_inputs: bool = False
    panic: bool = False


#: Flag of the emulator → Q35 with that USB controller, the best first.
_Q35 = {
    flag: Implicit("pcie-root", usb_model=model, sata=True)
    for flag, model in (("qemu-xhci", "qemu-xhci"), ("nec-usb-xhci", "nec-xhci"), ("ich9-usb-ehci1", "ich9-ehci1"))
}


def implicit_devices(domain: Domain, emulator: EmulatorFacts) -> Implicit:
    """What the guest's machine has."""
    if machines.is_x86(domain):
        return _of_x86(domain, emulator)
    if machines.is_arm(domain):
        return _of_arm(domain, emulator)
    if machines.is_ppc64(domain):
        return Implicit("pci-root", usb_inputs=True, panic=machines.is_pseries(domain))
    if machines.is_s390(domain):
        return Implicit("pci-root" if emulator.has("zpci") else None, usb=False, panic=True)
    if machines.is_riscv(domain):
        virtual = machines.is_riscv_virt(domain) and emulator.has("gpex-pcihost")
        return Implicit("pcie-root" if virtual else None, usb=False)
    has_pci = domain.os.arch in ("alpha", "ppc", "ppcemb", "sh4", "sh4eb", "sparc64")
    return Implicit("pci-root" if has_pci else None, usb=has_pci)


def _of_x86(domain: Domain, emulator: EmulatorFacts) -> Implicit:
    if machines.is_q35(domain):
        return first_offered(_Q35, emulator) or Implicit("pcie-root", sata=True)
    if machines.is_i440fx(domain):
        return Implicit("pci-root")
    return Implicit(usb=domain.os.machine != "isapc")


def _of_arm(domain: Domain, emulator: EmulatorFacts) -> Implicit:
    root: Root | None = "pcie-root" if machines.is_arm_virt(domain) and emulator.has("gpex-pcihost") else None
    return Implicit(root, usb=False, memballoon=False)


def add_implicit_devices(domain: Domain, emulator: EmulatorFacts) -> None:
    """Add to the definition what its machine has.

    Raises:
        VirtError: XML_ERROR, the XML has another kind of PCI root than the machine.
    """
    devices = domain.devices
    implicit = implicit_devices(domain, emulator)
    if implicit.usb:
        _add_usb(domain, implicit.usb_model)
    if implicit.sata:
        ensure_controller(domain, "sata", 0)
    if implicit.root:
        _add_root(domain, implicit.root)
    if implicit.memballoon and devices.memballoon is None:
        devices.memballoon = Memballoon(model="virtio")
    if devices.memballoon is not None and devices.memballoon.model == "none":
        devices.memballoon.address = devices.memballoon.alias = None
    if implicit.usb_inputs and devices.graphics:
        add_inputs(devices, "usb", ("keyboard",) if "tablet" in _inputs_on(devices, "usb") else ("keyboard", "mouse"))
    if implicit.panic:
        _add_panic(domain)


def _add_usb(domain: Domain, model: str | None) -> None:
    ensure_controller(domain, "usb", 0, model)
    if model == ICH9_USB[0] and [c.model for c in domain.devices.controllers if c.type == "usb"] == [model]:
        domain.devices.controllers += [Controller(type="usb", index=0, model=name) for name in ICH9_USB[1:]]


def _add_root(domain: Domain, model: Root) -> None:
    root = find_controller(domain, "pci", 0)
    if root is None:
        domain.devices.controllers.append(Controller(type="pci", index=0, model=model))
    elif root.model != model:
        raise VirtError(
            Code.XML_ERROR,
            f"The PCI controller with index='0' must be model='{model}' for this machine type, "
            f"but model='{root.model or '(null)'}' was found instead",
        )


def add_inputs(devices: Devices, bus: Literal["ps2", "usb"], kinds: tuple[Literal["mouse", "keyboard"], ...]) -> None:
    """Add input devices of these kinds unless there are such on that bus."""
    present = _inputs_on(devices, bus)
    devices.inputs += [Input(type=kind, bus=bus) for kind in kinds if kind not in present]


def _inputs_on(devices: Devices, bus: str) -> set[str]:
    """The kinds of input devices on a bus."""
    return {device.type for device in devices.inputs if device.bus == bus}


def add_ps2(domain: Domain) -> None:
    """A PC has a PS/2 mouse and keyboard."""
    if machines.is_x86(domain):
        add_inputs(domain.devices, "ps2", ("mouse", "keyboard"))


def _add_panic(domain: Domain) -> None:
    """The platform's own notifier."""
    if not any(p.model in (None, "pseries", "s390") for p in domain.devices.panics):
        domain.devices.panics.append(Panic())


def add_video(domain: Domain) -> None:
    """A display needs an adapter."""
    if domain.devices.graphics and not domain.devices.videos:
        domain.devices.videos.append(Video(model=VideoModel()))


#: Where the sound of a display goes; the last display of these kinds decides.
_AUDIO_OF_DISPLAY: dict[str, Literal["none", "spice"] | None] = {"vnc": "none", "spice": "spice", "sdl": None}


def default_audio(domain: Domain) -> Literal["none", "spice"] | None:
    """Sound goes where the display goes, or nowhere; some displays leave that to QEMU (None)."""
    backend: Literal["none", "spice"] | None = None if domain.devices.graphics else "none"
    for graphics in domain.devices.graphics:
        if graphics.type in _AUDIO_OF_DISPLAY:
            backend = _AUDIO_OF_DISPLAY[graphics.type]
    return backend


def add_audio(domain: Domain) -> None:
    """Add the usual audio backend unless the XML has one."""
    backend = default_audio(domain)
    if backend and not domain.devices.audios:
        domain.devices.audios.append(Audio(id=1, type=backend))
