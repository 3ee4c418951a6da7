# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that can be defined, but that QEMU's command line has no words for."""

from __future__ import annotations

import re
from collections import Counter

from conf.domain import Domain
from conf.domain.devices.address import PCIAddress, UnassignedAddress
from conf.domain.devices.graphics import Graphics
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.shmem import Shmem
from drivers.qemu import machines
from drivers.qemu.defaults.implicit import default_audio
from virtd.errors import Code, VirtError

#: VNC's displays are numbered from this port.
_VNC_PORTS = range(5900, 65536)
_LEAST_SHMEM = 1 << 20
_SPICE_CHANNEL = "com.redhat.spice.0"
_ADAPTER = re.compile(r"scsi_host\d+", re.ASCII)


def check_devices(domain: Domain) -> None:
    """Refuse them before anything is made for a start.

    Raises:
        VirtError: in libvirt's words for it.
    """
    devices = domain.devices
    kinds = Counter(graphics.type for graphics in devices.graphics)
    if any(number > 1 for number in kinds.values()):
        raise _unsupported("only 1 graphics device of each type (sdl, vnc, spice, headless, dbus) is supported")
    for graphics in devices.graphics:
        _check_graphics(graphics)
    for channel in devices.channels:
        name = channel.target.name
        if channel.type == "spicevmc" and channel.target.type == "virtio" and name not in (None, _SPICE_CHANNEL):
            raise _unsupported(f"Unsupported spicevmc target name '{name}'")
        if channel.target.type not in ("guestfwd", "virtio"):
            raise VirtError(Code.INTERNAL_ERROR, f"channel target type '{channel.target.type}' is not one of QEMU's")
    if machines.is_pseries(domain) and any(disk.target.bus == "fdc" for disk in devices.disks):
        raise _unsupported("PowerPC pseries machines do not support floppy device")
    for serial in devices.serials:
        if serial.target is not None and serial.target.type == "system-serial" and serial.target.model is None:
            raise VirtError(Code.INTERNAL_ERROR, "Invalid target model for serial device")
    for device in devices.inputs:
        if device.type == "evdev" and (device.source is None or device.source.dev is None):
            raise VirtError(Code.INTERNAL_ERROR, "argument key 'evdev' must not have null value")
    if not devices.audios and _needs_audio(domain):
        raise VirtError(Code.INTERNAL_ERROR, "unable to find audio backend for sound device")
    for hostdev in devices.hostdevs:
        _check_hostdev(hostdev)
    for shmem in devices.shmems:
        _check_shmem(shmem)


def _unsupported(text: str) -> VirtError:
    return VirtError(Code.CONFIG_UNSUPPORTED, text)


def _check_graphics(graphics: Graphics) -> None:
    if len(graphics.listens) > 1:
        raise _unsupported("QEMU does not support multiple listens for one graphics device.")
    if graphics.type == "vnc" and not graphics.autoport and graphics.port and graphics.port not in _VNC_PORTS:
        raise _unsupported(f"vnc port must be in range [{_VNC_PORTS.start},{_VNC_PORTS.stop - 1}]")
    if graphics.type == "spice" and not _has_tls(graphics):
        if graphics.default_mode == "secure":
            raise _unsupported(
                "spice defaultMode secure requested in XML configuration, but TLS connection is not available"
            )
        if any(channel.mode == "secure" for channel in graphics.channels):
            raise _unsupported("spice secure channels set in XML configuration, but TLS connection is not available")


def _has_tls(graphics: Graphics) -> bool:
    """Whether a SPICE server has, or is to get, a port for encrypted connections."""
    on_network = not graphics.listens or graphics.listens[0].type in ("address", "network")
    return bool(graphics.tls_port) or (bool(graphics.autoport) and on_network)


def _needs_audio(domain: Domain) -> bool:
    """Whether there is sound that no back end takes; some displays are one themselves."""
    kinds = {graphics.type for graphics in domain.devices.graphics}
    if "vnc" in kinds:
        return default_audio(domain) is None
    return bool(domain.devices.sounds) and "spice" not in kinds


def _check_hostdev(hostdev: Hostdev) -> None:
    source = hostdev.source
    if hostdev.type == "usb" and source.usb is None:
        raise VirtError(Code.INTERNAL_ERROR, "USB host device is missing bus/device information")
    if hostdev.type == "scsi" and source.adapter is not None and not _ADAPTER.fullmatch(source.adapter.name):
        raise VirtError(Code.INTERNAL_ERROR, f"Cannot parse adapter '{source.adapter.name}'")
    if isinstance(hostdev.address, UnassignedAddress):
        return
    if hostdev.type == "pci" and hostdev.driver is not None and hostdev.driver.name in ("kvm", "xen"):
        raise VirtError(Code.INTERNAL_ERROR, f"invalid PCI passthrough type '{hostdev.driver.name}'")


def _check_shmem(shmem: Shmem) -> None:
    """Sizes are those of a PCI bar."""
    size = shmem.size
    if size and size & (size - 1):
        raise VirtError(Code.XML_ERROR, "shmem size must be a power of two")
    if size and size < _LEAST_SHMEM:
        raise VirtError(Code.XML_ERROR, "shmem size must be at least 1 MiB (1024 KiB)")
    if not isinstance(shmem.address, PCIAddress):
        raise _unsupported("only 'pci' addresses are supported for the shared memory device")
