# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of devices that need no more than a few lines each."""

from __future__ import annotations

from conf.domain.devices.address import CCIDAddress
from conf.domain.devices.filesystem import Filesystem
from conf.domain.devices.input import Input
from conf.domain.devices.iommu import IOMMU, IOMMUDriver
from conf.domain.devices.shmem import Shmem
from conf.domain.devices.smartcard import Smartcard
from conf.domain.devices.tpm import TPM
from conf.domain.devices.vsock import Vsock
from conf.domain.domain import Domain
from conf.domain.validation.character import check_passed_card
from conf.errors import ConfigUnsupportedError, InternalError, XMLError

#: Guests' numbers start behind those of hypervisor, local host and host.
FIRST_CID = 3


def check_filesystem(filesystem: Filesystem, _domain: Domain) -> None:
    if filesystem.boot is not None and not filesystem.is_virtiofs:
        raise ConfigUnsupportedError("boot order is only supported for virtiofs")


def check_input(device: Input, domain: Domain) -> None:
    kind, bus = device.type, device.bus
    if bus == "xen" and domain.os.type and domain.os.type.type == "hvm":
        raise InternalError("unsupported input bus xen")
    if bus == "ps2" and kind not in ("mouse", "keyboard"):
        raise InternalError(f"ps2 bus does not support {kind} input device")
    if kind == "evdev" and bus not in (None, "none"):
        raise ConfigUnsupportedError("input evdev doesn't support bus element")
    if kind == "passthrough" and bus not in (None, "virtio"):
        raise ConfigUnsupportedError("only bus 'virtio' is supported for 'passthrough' input devices")
    if device.model is not None and bus != "virtio":
        raise ConfigUnsupportedError(f"only bus 'virtio' is supported for input model '{device.model}'")


def check_smartcard(smartcard: Smartcard, domain: Domain) -> None:
    check_passed_card(smartcard, domain)
    if smartcard.address is not None and not isinstance(smartcard.address, CCIDAddress):
        raise ConfigUnsupportedError("Controllers must use the 'ccid' address type")


def check_tpm(tpm: TPM, _domain: Domain) -> None:
    if tpm.backend.active_pcr_banks and tpm.backend.version != "2.0":
        raise XMLError("<active_pcr_banks/> requires TPM version '2.0'")


def check_shmem(shmem: Shmem, _domain: Domain) -> None:
    if "/" in shmem.name:
        raise ConfigUnsupportedError("shmem name cannot include '/' character")
    if shmem.name in (".", ".."):
        raise ConfigUnsupportedError(f"shmem name cannot be equal to '{shmem.name}'")
    if shmem.msi is not None and shmem.server is None:
        raise XMLError("msi option is only supported with a server")


def check_iommu(iommu: IOMMU, domain: Domain) -> None:
    driver = iommu.driver or IOMMUDriver()
    if iommu.model != "intel" and driver != IOMMUDriver():
        raise XMLError(f"iommu model '{iommu.model}' doesn't support additional attributes")
    if iommu.model != "virtio" and iommu.address is not None:
        raise XMLError(f"iommu model '{iommu.model}' can't have address")
    ioapic = domain.features.ioapic if domain.features else None
    if driver.intremap and not (ioapic and ioapic.driver == "qemu"):
        raise ConfigUnsupportedError("IOMMU interrupt remapping requires split I/O APIC (ioapic driver='qemu')")
    if driver.eim and not driver.intremap:
        raise ConfigUnsupportedError("IOMMU eim requires interrupt remapping to be enabled")


def check_vsock(vsock: Vsock, _domain: Domain) -> None:
    if vsock.cid and vsock.cid.address and vsock.cid.address < FIRST_CID:
        raise ConfigUnsupportedError(f"guest CIDs must be >= {FIRST_CID}")


def check_panics(domain: Domain) -> None:
    models = [panic.model for panic in domain.devices.panics]
    for model in models:
        if models.count(model) > 1:
            raise XMLError(f"Multiple panic devices with model '{model}'")
