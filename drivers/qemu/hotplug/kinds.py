# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kinds of devices that a running guest can get and lose: one row each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from conf.domain.devices.chardev import Channel, Console, Serial
from conf.domain.devices.controller import Controller
from conf.domain.devices.disk import Disk
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.input import Input
from conf.domain.devices.interface import Interface
from conf.domain.devices.memory import Memory
from conf.domain.devices.redirdev import Redirdev
from conf.domain.devices.rng import RNG
from conf.domain.devices.watchdog import Watchdog
from drivers.qemu.guest import Guest
from drivers.qemu.hotplug import disks, interfaces, others
from drivers.qemu.hotplug.session import Plug


class Kind(NamedTuple):
    """How one kind comes and goes.

    `check` refuses what cannot come, before anything is done; `plug` brings it, with an address and an alias
    chosen; `release` takes away what was made for it, once the guest has let go.
    """

    check: Callable[[Guest, Any], None]
    plug: Callable[[Plug, Any], Awaitable[None]]
    release: Callable[[Guest, Any], Awaitable[None]]


KINDS: dict[type, Kind] = {
    Disk: Kind(disks.check, disks.plug, disks.release),
    Interface: Kind(interfaces.check, interfaces.plug, interfaces.release),
    Channel: Kind(others.check_channel, others.plug_channel, others.release_chardev),
    Serial: Kind(others.check_serial, others.plug_serial, others.release_chardev),
    Console: Kind(others.check_console, others.plug_console, others.release_chardev),
    Redirdev: Kind(others.check_spice, others.plug_redirdev, others.release_chardev),
    Input: Kind(others.check_input, others.plug_input, others.nothing),
    RNG: Kind(others.anything, others.plug_rng, others.release_rng),
    Watchdog: Kind(others.check_watchdog, others.plug_watchdog, others.nothing),
    Controller: Kind(others.check_controller, others.plug_controller, others.nothing),
    Hostdev: Kind(others.check_hostdev, others.plug_hostdev, others.release_hostdev),
    Memory: Kind(others.check_memory, others.plug_memory, others.release_memory),
}
