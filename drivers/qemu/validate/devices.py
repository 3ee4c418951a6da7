# SPDX-License-Identifier: LGPL-2.1-or-later
"""All other devices: what the machine or its emulator does not have, and what may be there once only."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.address import ISAAddress, PCIAddress
from conf.domain.devices.chardev import Serial
from conf.domain.devices.panic import Panic
from conf.domain.devices.shmem import Shmem
from conf.domain.devices.tpm import TPM
from drivers.qemu import machines
from drivers.qemu.facts import EmulatorFacts
from drivers.qemu.validate.complaints import contradiction, unsupported


def validate_devices(domain: Domain, emulator: EmulatorFacts) -> None:
    """Devices that have no module of their own.

    Raises:
        VirtError: one cannot be.
    """
    devices = domain.devices
    for serial in devices.serials:
        _validate_serial(serial, domain)
    for shmem in devices.shmems:
        _validate_shmem(shmem, emulator)
    for panic in devices.panics:
        _validate_panic(panic, domain, emulator)
    _validate_parallels(domain)
    _validate_inputs(domain)
    _validate_interfaces(domain)
    _validate_tpms(domain)
    _validate_iommu(domain)
    _validate_watchdogs(domain)
    _validate_hostdevs(domain)
    if len(devices.smartcards) > 1 or any(c.type == "ccid" and c.index for c in devices.controllers):
        raise unsupported("this QEMU binary lacks multiple smartcard support")


def _validate_serial(serial: Serial, domain: Domain) -> None:
    target = serial.target
    if target is None or target.type is None:
        return
    model = target.model.name if target.model else None
    fits = {
        "isa-serial": machines.is_x86(domain) or domain.os.arch == "alpha",
        "isa-debug": machines.is_x86(domain),
        "spapr-vio-serial": machines.is_pseries(domain),
        "sclp-serial": machines.is_s390(domain),
        "system-serial": machines.is_arm_virt(domain) if model == "pl011" else machines.is_riscv_virt(domain),
    }
    if not fits.get(target.type, True):
        raise unsupported(
            f"Serial device with target type '{target.type}' and target model '{model}' not compatible with guest "
            "architecture or machine type"
        )


def _validate_parallels(domain: Domain) -> None:
    if not domain.devices.parallels:
        return
    if machines.is_s390(domain) or machines.is_pseries(domain):
        raise unsupported("parallel ports are not supported")


def _validate_shmem(shmem: Shmem, emulator: EmulatorFacts) -> None:
    kind = shmem.model.type if shmem.model else "ivshmem"
    if shmem.msi is not None and shmem.server is None:
        raise contradiction("msi option is only supported with a server")
    if kind == "ivshmem" or not emulator.has(kind):
        raise unsupported(f"{kind} device is not supported with this QEMU binary")
    if kind == "ivshmem-doorbell" and shmem.server is None:
        raise unsupported(f"shmem model '{kind}' is supported only with server option enabled")
    if kind == "ivshmem-plain" and shmem.server is not None:
        raise unsupported(f"shmem model '{kind}' is supported only with server option disabled")


def _validate_panic(panic: Panic, domain: Domain, emulator: EmulatorFacts) -> None:
    match panic.model:
        case "s390":
            if not machines.is_s390(domain):
                raise unsupported("only S390 guests support panic device of model 's390'")
            if panic.address is not None:
                raise unsupported("setting the panic device address is not supported for model 's390'")
        case "pseries":
            if not machines.is_pseries(domain):
                raise unsupported("only pSeries guests support panic device of model 'pseries'")
            if panic.address is not None:
                raise unsupported("setting the panic device address is not supported for model 'pseries'")
        case "hyperv":
            if not machines.is_x86(domain):
                raise unsupported("only i686 and x86_64 guests support panic device of model 'hyperv'")
            if panic.address is not None:
                raise unsupported("setting the panic device address is not supported for model 'hyperv'")
        case "isa":
            if not emulator.has("pvpanic"):
                raise unsupported("the QEMU binary does not support the ISA panic device")


def _validate_inputs(domain: Domain) -> None:
    for device in domain.devices.inputs:
        transitional = device.model is not None and device.model != "virtio"
        if transitional and device.type in ("mouse", "keyboard", "tablet"):
            raise unsupported(f"virtio (non-)transitional models are not supported for input type={device.type}")


def _validate_interfaces(domain: Domain) -> None:
    for interface in domain.devices.interfaces:
        driver = interface.driver
        if driver is None:
            continue
        for name in ("rx_queue_size", "tx_queue_size"):
            size = getattr(driver, name) or 0
            if size & (size - 1):
                raise unsupported(f"{name} has to be a power of two")


def _validate_tpms(domain: Domain) -> None:
    proxies = [t for t in domain.devices.tpms if t.model == "spapr-tpm-proxy"]
    if len(proxies) > 1:
        raise unsupported("only a single TPM Proxy device is supported")
    if len(domain.devices.tpms) - len(proxies) > 1:
        raise unsupported("only a single TPM non-proxy device is supported")
    for tpm in domain.devices.tpms:
        _validate_tpm(tpm, domain)


def _validate_tpm(tpm: TPM, domain: Domain) -> None:
    old = tpm.backend.type == "emulator" and tpm.backend.version == "1.2"
    if old and tpm.model in ("tpm-crb", "tpm-spapr"):
        raise unsupported(
            f"TPM 1.2 is not supported with the {'CRB' if tpm.model == 'tpm-crb' else 'SPAPR'} device model"
        )
    if old and machines.is_arm(domain):
        raise unsupported("TPM 1.2 is not supported on ARM")
    if tpm.model == "tpm-crb" and machines.is_arm(domain):
        raise unsupported("CRB device model is not supported on ARM")
    if tpm.model == "spapr-tpm-proxy" and not machines.is_pseries(domain):
        raise unsupported("TPM Proxy is only available for PPC64 guests")


def _validate_iommu(domain: Domain) -> None:
    iommu = domain.devices.iommu
    if iommu is None:
        return
    prefix = f"IOMMU device: '{iommu.model}'"
    if iommu.model == "intel" and not machines.is_q35(domain):
        raise unsupported(f"{prefix} is only supported with Q35 machines")
    if iommu.model == "smmuv3" and not machines.is_arm_virt(domain):
        raise unsupported(f"{prefix} is only supported with ARM Virt machines")
    if iommu.model != "virtio":
        return
    if not (machines.is_q35(domain) or machines.is_arm_virt(domain)):
        raise unsupported(f"{prefix} is only supported with Q35 and ARM Virt machines")
    if not isinstance(iommu.address, PCIAddress):
        raise unsupported(f"{prefix} needs a PCI address")
    if not (domain.features and domain.features.acpi):
        raise unsupported(f"{prefix} requires ACPI")


def _validate_watchdogs(domain: Domain) -> None:
    for watchdog in domain.devices.watchdogs:
        if watchdog.model == "diag288" and not machines.is_s390(domain):
            raise unsupported("diag288 model of watchdog is allowed for s390 and s390x only")
        if watchdog.model == "ib700" and not isinstance(watchdog.address, ISAAddress | None):
            raise unsupported("ib700 model of watchdog can go only on ISA bus")
        if watchdog.model == "diag288" and watchdog.address is not None:
            raise unsupported("diag288 model of watchdog is virtual and cannot go on any bus.")
        if watchdog.model == "i6300esb" and not isinstance(watchdog.address, PCIAddress):
            raise unsupported("i6300esb model of watchdog can go only on PCI bus")


def _validate_hostdevs(domain: Domain) -> None:
    seen = []
    for hostdev in domain.devices.hostdevs:
        if hostdev.mode != "subsystem":
            continue
        if hostdev.model == "vfio-ccw" and hostdev.address and hostdev.address.type != "ccw":
            raise contradiction(
                f"Unsupported address type '{hostdev.address.type}' with mediated device model 'vfio-ccw'"
            )
        key = (hostdev.type, hostdev.source)
        if key in seen:
            raise contradiction("Hostdev already exists in the domain configuration")
        seen.append(key)
