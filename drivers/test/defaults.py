# SPDX-License-Identifier: LGPL-2.1-or-later
"""From what a client wrote to what is stored: what the XML leaves open is decided, and then stays so."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from conf.domain import Domain, parse_domain
from conf.domain.devices.interface import Interface, InterfaceMac, InterfaceTarget
from conf.domain.os import OSType
from drivers.common.bootorder import choose_boot_order
from drivers.common.chardevs import number_chardevs, pair_console_with_serial
from drivers.common.controllers import add_missing_controllers, number_controllers
from drivers.common.drives import assign_drives
from drivers.common.mac import generate_mac
from virtd.errors import Code, From, VirtError

ARCHITECTURE = "i686"
EMULATOR = "/usr/bin/test-hv"
#: KiB of video memory, if the XML says nothing.
VIDEO_MEMORY = 16 << 10


def prepare(xml: str | bytes) -> Domain:
    """A complete definition from a client's XML.

    Raises:
        ConfError, VirtError: it is none.
    """
    domain = parse_domain(xml)
    if domain.os.type is not None and domain.os.type.type == "exe" and domain.os.init is None:
        raise VirtError(Code.XML_ERROR, "init binary must be specified", source=From.DOMAIN)
    complete(domain)
    return domain


def complete(domain: Domain) -> None:
    """Decide what a definition leaves open.  Doing it again changes nothing."""
    type_ = domain.os.type = domain.os.type or OSType(type="hvm")
    type_.arch = type_.arch or ARCHITECTURE
    if type_.type == "hvm":
        choose_boot_order(domain)
    number_controllers(domain)
    pair_console_with_serial(domain)
    number_chardevs(domain)
    for disk in domain.devices.disks:
        disk.guess_bus()
    assign_drives(domain)
    add_missing_controllers(domain)
    _complete_videos(domain)
    complete_interfaces(domain.devices.interfaces, domain)


def complete_interfaces(interfaces: Iterable[Interface], domain: Domain) -> None:
    """Their addresses, and the names of the host's ends."""
    used = {other.target.dev for other in domain.devices.interfaces if other.target is not None}
    free = (name for n in itertools.count() if (name := f"testnet{n}") not in used)
    for interface in interfaces:
        mac = interface.mac = interface.mac or InterfaceMac()
        mac.address = mac.address or generate_mac()
        target = interface.target = interface.target or InterfaceTarget()
        target.dev = target.dev or next(free)


def _complete_videos(domain: Domain) -> None:
    videos = domain.devices.videos
    for video in videos:
        assert video.model is not None
        video.model.vram = video.model.vram or VIDEO_MEMORY
        video.model.heads = video.model.heads or 1
    if videos and not any(video.model is not None and video.model.primary for video in videos):
        assert videos[0].model is not None
        videos[0].model.primary = True
