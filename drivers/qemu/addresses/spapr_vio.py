# SPDX-License-Identifier: LGPL-2.1-or-later
"""Registers on pSeries' virtual I/O bus."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.address import SpaprVIOAddress
from conf.domain.devices.chardev import Serial
from conf.domain.devices.info import DeviceInfo
from conf.domain.devices.nvram import NVRAM
from drivers.qemu import machines
from virtd.errors import Code, VirtError

_STEP = 0x1000
_LAN = 0x1000
_SCSI = 0x2000
_NVRAM = 0x3000
_TPM = 0x4000
_TERMINAL = 0x30000000
_LAST = 0xFFFFFFFF


def assign_spapr_vio(domain: Domain) -> None:
    """Registers for all devices on the bus that lack one.

    Raises:
        VirtError: a register in the XML is too high or used twice.
    """
    devices = _devices(domain)
    taken: dict[int, DeviceInfo] = {}
    for device, _first in devices:
        if (register := _register(device)) is not None:
            _take(taken, device, register)
    for device, first in devices:
        if _lacks_register(device):
            register = first
            while register in taken:
                register += _STEP
            taken[register] = device
            device.address = SpaprVIOAddress(reg=register)


def _devices(domain: Domain) -> list[tuple[DeviceInfo, int]]:
    """Devices of the bus with the first register of their kind; the XML may put others there, too."""
    devices = domain.devices
    return [
        *[
            (lan, _LAN)
            for lan in devices.interfaces
            if (lan.model and lan.model.type == "spapr-vlan") or isinstance(lan.address, SpaprVIOAddress)
        ],
        *[
            (adapter, _SCSI)
            for adapter in devices.controllers
            if (adapter.type == "scsi" and adapter.model == "ibmvscsi") or isinstance(adapter.address, SpaprVIOAddress)
        ],
        *[(s, _TERMINAL) for s in devices.serials if s.target and s.target.type == "spapr-vio-serial"],
        *([(devices.nvram, _NVRAM)] if devices.nvram else ()),
        *[(tpm, _TPM) for tpm in devices.tpms if tpm.model == "tpm-spapr" and machines.is_pseries(domain)],
    ]


def _register(device: DeviceInfo) -> int | None:
    return device.address.reg if isinstance(device.address, SpaprVIOAddress) else None


def _lacks_register(device: DeviceInfo) -> bool:
    """A terminal cannot be anywhere else, whatever the XML says."""
    if isinstance(device.address, SpaprVIOAddress):
        return device.address.reg is None
    return device.address is None or isinstance(device, Serial | NVRAM)


def _take(taken: dict[int, DeviceInfo], device: DeviceInfo, register: int) -> None:
    if register > _LAST:
        raise VirtError(
            Code.CONFIG_UNSUPPORTED,
            f"spapr-vio reg='0x{register:x}' exceeds maximum possible value (0x{_LAST:x})",
        )
    if register in taken:
        raise VirtError(Code.XML_ERROR, f"spapr-vio address 0x{register:x} already in use")
    taken[register] = device
