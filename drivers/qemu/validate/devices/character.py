# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of character devices and of what speaks through one."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.address import CCIDAddress
from conf.domain.devices.chardev import Channel, Console, Parallel, Serial
from conf.domain.devices.chardev_source import CharacterBackend
from conf.domain.devices.redirdev import Redirdev
from conf.domain.devices.rng import RNG
from conf.domain.devices.smartcard import Smartcard
from drivers.qemu import machines
from drivers.qemu.validate.complaints import unsupported
from drivers.qemu.validate.controllers import has_usb
from drivers.qemu.validate.question import Question
from virtd.errors import invalid_arg

#: A serial port's model → the target type it is one of.
_TYPE_OF_MODEL = {
    "isa-serial": "isa-serial",
    "usb-serial": "usb-serial",
    "pci-serial": "pci-serial",
    "spapr-vty": "spapr-vio-serial",
    "pl011": "system-serial",
    "16550a": "system-serial",
    "sclpconsole": "sclp-serial",
    "sclplmconsole": "sclp-serial",
    "isa-debugcon": "isa-debug",
}
#: Target type → the type of its address; the others have none.
_ADDRESS_OF_TYPE = {
    "isa-serial": "isa",
    "isa-debug": "isa",
    "usb-serial": "usb",
    "pci-serial": "pci",
    "spapr-vio-serial": "spapr-vio",
}
_SPICE_TYPES = ("spicevmc", "spiceport")


def _check_source(device: CharacterBackend, question: Question) -> None:
    """The host's end."""
    if device.type in _SPICE_TYPES and not has_spice(question.domain):
        raise unsupported(f"chardev '{device.type}' not supported without spice graphics")
    for source in device.sources:
        if source.reconnect and source.reconnect.enabled and source.reconnect.timeout == 0:
            raise invalid_arg("chardev reconnect source timeout cannot be '0'")


def has_spice(domain: Domain) -> bool:
    """Whether the guest has a SPICE server."""
    return any(graphics.type == "spice" for graphics in domain.devices.graphics)


def check_serial(serial: Serial, question: Question) -> None:
    """Raise VirtError for a serial port that the machine does not have."""
    _check_source(serial, question)
    target = serial.target
    if target is None or target.type is None:
        return
    if target.type == "isa-debug" and not machines.is_x86(question.domain):
        raise unsupported("isa-debug serial type only valid on x86 architecture")
    model = target.model.name if target.model else None
    if model is not None and _TYPE_OF_MODEL[model] != target.type:
        raise unsupported(f"Target model '{model}' requires target type '{_TYPE_OF_MODEL[model]}'")
    _check_serial_address(serial, target.type)
    if not _suits_machine(target.type, model, question.domain):
        raise unsupported(
            f"Serial device with target type '{target.type}' and target model '{model or 'none'}' "
            "not compatible with guest architecture or machine type"
        )


def _check_serial_address(serial: Serial, kind: str) -> None:
    wanted = _ADDRESS_OF_TYPE.get(kind)
    if serial.address is None or serial.address.type == wanted:
        return
    if wanted is None:
        raise unsupported(f"Target type '{kind}' cannot have an associated address")
    raise unsupported(f"Target type '{kind}' requires address type '{wanted}'")


def _suits_machine(kind: str, model: str | None, domain: Domain) -> bool:
    if kind in ("isa-serial", "isa-debug"):
        return machines.is_x86(domain) or domain.os.arch == "alpha"
    if kind == "spapr-vio-serial":
        return machines.is_pseries(domain)
    if kind == "sclp-serial":
        return machines.is_s390(domain)
    if model == "pl011":
        return machines.is_arm_virt(domain)
    if model == "16550a":
        return machines.is_riscv_virt(domain)
    return True


def check_parallel(parallel: Parallel, question: Question) -> None:
    """Raise VirtError where there are no parallel ports."""
    _check_source(parallel, question)
    if machines.is_s390(question.domain) or machines.is_pseries(question.domain):
        raise unsupported("parallel ports are not supported")


def check_console(console: Console, question: Question) -> None:
    """Raise VirtError for a console that QEMU does not have."""
    if console.is_serial:
        return
    _check_source(console, question)
    kind = console.target.type if console.target else None
    if kind in ("xen", "uml", "lxc", "openvz"):
        raise unsupported(f"unsupported console target type {kind}")
    flag = {"sclp": "s390-sclp", "sclplm": "sclplmconsole"}.get(kind or "")
    if flag is not None and not question.emulator.has(flag):
        raise unsupported(f"{kind}console is not supported in this QEMU binary")


def check_channel(channel: Channel, question: Question) -> None:
    """Raise VirtError for a channel without an end on the host."""
    _check_source(channel, question)


def check_redirdev(redirdev: Redirdev, question: Question) -> None:
    """Raise VirtError for a redirected device without an end on the host."""
    _check_source(redirdev, question)


def check_rng(rng: RNG, question: Question) -> None:
    """Raise VirtError for a source of random numbers behind a character device that cannot be."""
    _check_source(rng.backend, question)


def check_smartcard(smartcard: Smartcard, question: Question) -> None:
    """Raise VirtError for a card reader in a place that QEMU does not have."""
    _check_source(smartcard, question)
    address = smartcard.address
    if isinstance(address, CCIDAddress) and (address.controller or address.slot):
        raise unsupported("this QEMU binary lacks multiple smartcard support")


def check_readers(domain: Domain) -> None:
    """Raise VirtError for readers, which are USB devices in QEMU, without a USB."""
    if not has_usb(domain):
        raise unsupported("USB is disabled for this domain, but USB devices are present in the domain XML")


def check_smartcards(domain: Domain) -> None:
    """Raise VirtError for more than one card reader."""
    if len(domain.devices.smartcards) > 1:
        raise unsupported("this QEMU binary lacks multiple smartcard support")
