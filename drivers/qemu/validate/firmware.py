# SPDX-License-Identifier: LGPL-2.1-or-later
"""Firmware images and what is asked of them."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.os import OS
from drivers.qemu import machines
from drivers.qemu.validate.complaints import contradiction, plain, unsupported


def validate_firmware(domain: Domain) -> None:
    """`<loader>`, `<nvram>`, `<firmware>` and ACPI agree with each other.

    Raises:
        VirtError: what does not.
    """
    if domain.os.firmware is not None:
        _validate_automatic(domain.os)
    else:
        _validate_manual(domain.os)
    _validate_acpi(domain)
    _validate_secure(domain)
    if domain.os.bios and domain.os.bios.useserial and not domain.devices.serials:
        raise contradiction("need at least one serial port to use BIOS serial output")


def _validate_automatic(os_: OS) -> None:
    """Whoever lets us choose must not choose parts of it."""
    features = {f.name: f.enabled for f in (os_.firmware_features.features if os_.firmware_features else [])}
    if features.get("enrolled-keys") and features.get("secure-boot") is False:
        raise plain(
            "firmware feature 'enrolled-keys' cannot be enabled when firmware feature 'secure-boot' is disabled"
        )
    automatic = "cannot be specified when firmware autoselection is enabled"
    if os_.loader is not None:
        if os_.loader.readonly is not None:
            raise plain(f"loader attribute 'readonly' {automatic}")
        if os_.loader.type is not None or os_.loader.path is not None:
            raise plain(f"loader attribute 'type' {automatic}")
        if os_.loader.secure is False:
            raise plain(f"loader attribute 'secure' {automatic}")
    if os_.nvram is not None and os_.nvram.template is not None:
        raise plain(f"nvram attribute 'template' {automatic}")
    if os_.firmware != "efi":
        if os_.loader is not None and os_.loader.stateless is False:
            raise plain("Only EFI firmware permits NVRAM")
        if os_.nvram is not None:
            raise plain(f"firmware type '{os_.firmware}' does not support nvram")


def _validate_manual(os_: OS) -> None:
    loader, nvram = os_.loader, os_.nvram
    if os_.firmware_features is not None:
        raise plain("cannot use feature-based firmware autoselection when firmware autoselection is disabled")
    if loader is None or loader.path is None:
        if loader is not None or nvram is not None:
            raise plain("no loader path specified and firmware auto selection disabled")
        return
    if loader.stateless:
        if nvram is not None and nvram.template is not None:
            raise plain("NVRAM template is not permitted when loader is stateless")
        if nvram is not None:
            raise plain("NVRAM is not permitted when loader is stateless")
    elif loader.type != "pflash" and (loader.stateless is False or nvram is not None):
        raise plain("Only pflash loader type permits NVRAM")


def _validate_acpi(domain: Domain) -> None:
    """On a PC UEFI needs ACPI, on 64-bit ARM ACPI needs UEFI."""
    acpi = domain.features is not None and domain.features.acpi
    loader = domain.os.loader
    uefi = domain.os.firmware == "efi" or (loader is not None and loader.type == "pflash")
    if machines.is_x86(domain) and uefi and not acpi:
        raise unsupported("UEFI requires ACPI on this architecture")
    if acpi and not uefi and domain.os.arch == "aarch64":
        raise unsupported("ACPI requires UEFI on this architecture")


def _validate_secure(domain: Domain) -> None:
    loader = domain.os.loader
    if loader is None or loader.path is None or not loader.secure:
        return
    if domain.os.arch != "x86_64":
        raise unsupported(f"Secure boot is only supported for x86_64 architecture but domain uses {domain.os.arch}")
    if not machines.is_q35(domain):
        raise unsupported("Secure boot is supported with q35 machine types only")
    smm = domain.features.smm if domain.features else None
    if smm is None or not smm.state:
        raise unsupported("Secure boot requires SMM feature enabled")
