# SPDX-License-Identifier: LGPL-2.1-or-later
"""The firmware's image and the file for its variables, where the XML leaves them open."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.features import SMM, Features
from conf.domain.os import NVRAM, Loader
from drivers.qemu.capabilities.firmware import Firmware
from drivers.qemu.facts import Site
from virtd.errors import Code, VirtError

_INTERFACES = {"efi": "uefi", "bios": "bios"}


def complete_firmware(domain: Domain, site: Site) -> None:
    """At definition: the kind of image, and a file for the variables of a flash image."""
    os_ = domain.os
    if os_.firmware is not None:
        if os_.nvram is not None and os_.nvram == NVRAM():
            os_.nvram = None
        return
    if os_.loader is None or os_.loader.path is None:
        return
    os_.loader.type = os_.loader.type or "rom"
    if os_.loader.type == "pflash" and os_.loader.readonly and not os_.loader.stateless:
        _name_variables(domain, site)


def _name_variables(domain: Domain, site: Site) -> None:
    nvram = domain.os.nvram = domain.os.nvram or NVRAM()
    if nvram.path is None and nvram.source is None:
        nvram.path = default_variables(domain, site.nvram_dir)


def default_variables(domain: Domain, folder: str) -> str:
    """Path of the file for a guest's variables where the definition names none."""
    return f"{folder}/{domain.name}_VARS.fd"


def select_firmware(domain: Domain, firmwares: list[Firmware], site: Site) -> None:
    """At start: the first installed image that is what `<os firmware=…>` asks for, as loader and NVRAM of the guest.

    Raises:
        VirtError: OPERATION_FAILED, there is none; OPERATION_INVALID, it needs what the guest must not have.
    """
    os_ = domain.os
    if os_.firmware is None:
        return
    found = next((firmware for firmware in firmwares if _suits(domain, firmware)), None)
    if found is None:
        raise VirtError(Code.OPERATION_FAILED, f"Unable to find any firmware to satisfy '{os_.firmware}'")
    stateless = os_.loader.stateless if os_.loader else None
    os_.firmware = None
    if found.secure:
        _require_smm(domain)
    if found.device == "memory":
        os_.loader = Loader(type="rom", path=found.executable, stateless=stateless)
        return
    os_.loader = Loader(
        readonly=True, type="pflash", path=found.executable, stateless=stateless, secure=found.secure or None
    )
    if not stateless and found.mode == "split":
        _name_variables(domain, site)
        assert os_.nvram is not None
        os_.nvram.template = os_.nvram.template or found.nvram_template


def _suits(domain: Domain, firmware: Firmware) -> bool:
    os_ = domain.os
    if _INTERFACES[os_.firmware or ""] not in firmware.interfaces:
        return False
    if not firmware.fits(os_.arch or "", os_.machine or "") or firmware.device == "kernel":
        return False
    if firmware.format not in (None, "raw"):
        return False
    return _has_features(domain, firmware) and _suits_sleep(domain, firmware)


def _has_features(domain: Domain, firmware: Firmware) -> bool:
    """What the XML asks of the image."""
    wanted = {f.name: f.enabled for f in (domain.os.firmware_features.features if domain.os.firmware_features else [])}
    if any((name in firmware.features) != enabled for name, enabled in wanted.items()):
        return False
    loader = domain.os.loader
    if loader is not None and loader.secure and "secure-boot" not in firmware.features:
        return False
    stateless = loader is not None and loader.stateless
    return not (stateless and firmware.device == "flash" and firmware.mode == "split")


def _suits_sleep(domain: Domain, firmware: Firmware) -> bool:
    """A guest that is to sleep needs a firmware that wakes it up."""
    pm = domain.pm
    to_mem = pm is not None and pm.suspend_to_mem is not None and pm.suspend_to_mem.enabled
    to_disk = pm is not None and pm.suspend_to_disk is not None and pm.suspend_to_disk.enabled
    return not (to_mem and "acpi-s3" not in firmware.features) and not (to_disk and "acpi-s4" not in firmware.features)


def _require_smm(domain: Domain) -> None:
    """Only system management mode keeps a secure firmware's variables from the guest."""
    features = domain.features = domain.features or Features()
    if features.smm is not None and not features.smm.state:
        raise VirtError(Code.OPERATION_INVALID, "domain has SMM turned off but chosen firmware requires it")
    features.smm = features.smm or SMM()
