# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of `<hostdev>`."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.info import Rom
from drivers.qemu.validate.complaints import unsupported
from drivers.qemu.validate.question import Question

#: Mediated device model → the emulator's flag and how it is called.
_MDEV_FLAGS = {"vfio-ccw": ("vfio-ccw", "VFIO CCW"), "vfio-ap": ("vfio-ap", "VFIO AP")}


def check_hostdev(hostdev: Hostdev, question: Question) -> None:
    """Raise VirtError for a device that QEMU cannot be given."""
    if hostdev.mode == "capabilities":
        raise unsupported("hostdev mode 'capabilities' is not supported in qemu")
    if hostdev.source.write_filtering is not None:
        raise unsupported("Write filtering of PCI device configuration space is not supported by qemu")
    if hostdev.rom not in (None, Rom()) and hostdev.type not in ("pci", "mdev"):
        raise unsupported("ROM tuning is only supported for PCI devices")
    if hostdev.boot is not None and hostdev.type == "scsi_host":
        raise unsupported("booting from assigned devices is not supported by vhost SCSI devices")
    if hostdev.type == "mdev":
        _check_mdev(hostdev, question)


def check_mediated(domain: Domain) -> None:
    """Raise VirtError for more than one matrix of crypto adapters."""
    if sum(1 for hostdev in domain.devices.hostdevs if hostdev.model == "vfio-ap") > 1:
        raise unsupported("Only one hostdev of model vfio-ap is supported")


def _check_mdev(hostdev: Hostdev, question: Question) -> None:
    if hostdev.model in _MDEV_FLAGS:
        flag, name = _MDEV_FLAGS[hostdev.model]
        if not question.emulator.has(flag):
            raise unsupported(f"{name} device assignment is not supported by this version of QEMU")
    if hostdev.boot is not None and hostdev.model != "vfio-ccw":
        raise unsupported(
            f"booting from assigned devices is not supported by mediated devices of model {hostdev.model}"
        )
    if hostdev.display and hostdev.model == "vfio-pci" and not question.domain.devices.graphics:
        raise unsupported("graphics device is needed for attribute value 'display=on' in <hostdev>")
