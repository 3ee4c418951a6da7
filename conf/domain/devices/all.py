# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<devices>`: a list for each kind, in the order in which libvirt writes them."""

from __future__ import annotations

from collections.abc import Iterator

from conf.binding import FormatOptions, Model, ParseOptions, child, child_text, children
from conf.binding.fields import Values
from conf.domain.devices.audio import Audio
from conf.domain.devices.chardev import Channel, Console, Parallel, Serial
from conf.domain.devices.chardev_source import CharacterBackend
from conf.domain.devices.controller import Controller, check_usb_controllers
from conf.domain.devices.disk import Disk
from conf.domain.devices.filesystem import Filesystem
from conf.domain.devices.graphics import Graphics
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.hub import Hub
from conf.domain.devices.input import Input
from conf.domain.devices.interface import Interface
from conf.domain.devices.iommu import IOMMU
from conf.domain.devices.lease import Lease
from conf.domain.devices.memballoon import Memballoon
from conf.domain.devices.memory import Memory
from conf.domain.devices.nvram import NVRAM
from conf.domain.devices.order import ordered_controllers, ordered_disks
from conf.domain.devices.panic import Panic
from conf.domain.devices.redirdev import Redirdev, RedirFilter
from conf.domain.devices.rng import RNG
from conf.domain.devices.shmem import Shmem
from conf.domain.devices.smartcard import Smartcard
from conf.domain.devices.sound import Sound
from conf.domain.devices.tpm import TPM
from conf.domain.devices.video import Video
from conf.domain.devices.vsock import Vsock
from conf.domain.devices.watchdog import Watchdog
from conf.errors import InternalError, XMLError

_MOST_TPMS = 2


def _shown_consoles(consoles: list[Console], own: Values, _around: Values, _options: FormatOptions) -> list[Console]:
    """A console that is a serial port is that port once more, whatever was said about it."""
    serials: list[Serial] = own["serials"]
    return [
        Console.of_serial(serials[i]) if i < len(serials) and console.is_serial else console
        for i, console in enumerate(consoles)
    ]


class Devices(Model):
    """`<devices>`."""

    emulator: str | None = child_text()
    disks: list[Disk] = children("disk")
    controllers: list[Controller] = children("controller")
    leases: list[Lease] = children("lease")
    filesystems: list[Filesystem] = children("filesystem")
    interfaces: list[Interface] = children("interface")
    smartcards: list[Smartcard] = children("smartcard")
    serials: list[Serial] = children("serial")
    parallels: list[Parallel] = children("parallel")
    consoles: list[Console] = children("console", shown=_shown_consoles)
    channels: list[Channel] = children("channel")
    inputs: list[Input] = children("input")
    tpms: list[TPM] = children("tpm")
    graphics: list[Graphics] = children("graphics")
    sounds: list[Sound] = children("sound")
    audios: list[Audio] = children("audio")
    videos: list[Video] = children("video")
    hostdevs: list[Hostdev] = children("hostdev")
    redirdevs: list[Redirdev] = children("redirdev")
    redirfilter: RedirFilter | None = child(
        only=(InternalError, "only one set of redirection filter rule is supported")
    )
    hubs: list[Hub] = children("hub")
    watchdogs: list[Watchdog] = children("watchdog")
    memballoon: Memballoon | None = child(only=(InternalError, "only a single memory balloon device is supported"))
    rngs: list[RNG] = children("rng")
    nvram: NVRAM | None = child(keep_empty=True, only=(InternalError, "only a single nvram device is supported"))
    panics: list[Panic] = children("panic")
    shmems: list[Shmem] = children("shmem")
    memories: list[Memory] = children("memory")
    iommu: IOMMU | None = child(only=(XMLError, "only a single IOMMU device is supported"))
    vsock: Vsock | None = child(keep_empty=True, only=(XMLError, "only a single vsock device is supported"))

    def check(self, options: ParseOptions) -> None:
        if self.disks:
            self.disks = ordered_disks(self.disks)
        if self.controllers:
            self.controllers = ordered_controllers(self.controllers)
            check_usb_controllers(self.controllers)
        if len(self.tpms) > _MOST_TPMS:
            raise XMLError("a maximum of two TPM devices is supported, one of them being a TPM Proxy device")
        if len(self.watchdogs) > 1:
            raise InternalError("only a single watchdog device is supported")

    def character_devices(self) -> Iterator[CharacterBackend]:
        """Everything with a host's end of bytes: ports, channels, and what is reached through one."""
        yield from (*self.serials, *self.parallels, *self.consoles, *self.channels, *self.redirdevs, *self.smartcards)
        yield from (rng.backend for rng in self.rngs)
