# SPDX-License-Identifier: LGPL-2.1-or-later
"""Firmware images and what is asked of them."""

from __future__ import annotations

from conf.domain import Domain
from drivers.qemu import machines
from drivers.qemu.validate.complaints import contradiction, unsupported

#: Where variables may be kept.
_NVRAM_TYPES = (None, "file", "block", "network")


def validate_firmware(domain: Domain) -> None:
    """`<loader>` suits the machine and its features.

    Raises:
        VirtError: it does not.
    """
    _validate_acpi(domain)
    if domain.os.loader is not None and domain.os.loader.secure and domain.os.firmware is None:
        _validate_secure(domain)
    nvram = domain.os.nvram
    if nvram is not None and nvram.type not in _NVRAM_TYPES:
        raise unsupported(f"unsupported nvram disk type '{nvram.type}'")
    if domain.os.bios and domain.os.bios.useserial:
        if not machines.is_x86(domain):
            raise unsupported("BIOS serial console only supported on x86 architectures")
        if not domain.devices.serials:
            raise contradiction("need at least one serial port to use BIOS serial output")


def _validate_acpi(domain: Domain) -> None:
    """On a PC UEFI needs ACPI, on 64-bit ARM ACPI needs UEFI."""
    acpi = domain.features is not None and domain.features.acpi
    loader = domain.os.loader
    uefi = domain.os.firmware == "efi" or (loader is not None and loader.type == "pflash")
    if uefi and not acpi and machines.is_x86(domain):
        raise unsupported("UEFI requires ACPI on this architecture")
    if acpi and not uefi and domain.os.arch == "aarch64":
        raise unsupported("ACPI requires UEFI on this architecture")


def _validate_secure(domain: Domain) -> None:
    """What firmware named by its path needs for secure boot."""
    if domain.os.arch != "x86_64":
        raise unsupported(f"Secure boot is only supported for x86_64 architecture but domain uses {domain.os.arch}")
    if not machines.is_q35(domain):
        raise unsupported("Secure boot is supported with q35 machine types only")
    smm = domain.features.smm if domain.features else None
    if smm is None or not smm.state:
        raise unsupported("Secure boot requires SMM feature enabled")
