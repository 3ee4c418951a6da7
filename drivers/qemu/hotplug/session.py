# SPDX-License-Identifier: LGPL-2.1-or-later
"""One device being plugged into a running guest: what is opened for it, what is undone if it fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from conf.domain.devices.chardev_source import CharacterBackend
from drivers.qemu import commands, hostside
from drivers.qemu.capabilities import Capabilities
from drivers.qemu.command import Build
from drivers.qemu.command.address import zpci_props
from drivers.qemu.command.chardevs import chardev_credentials, choose_encryption
from drivers.qemu.guest import Guest
from drivers.qemu.hotplug.backends import chardev_backend
from drivers.qemu.lifecycle.building import build_context
from drivers.qemu.monitor import Monitor
from virtd.errors import VirtError

Props = dict[str, Any]


@dataclass(slots=True)
class Plug:
    """The work on one device.  Each step notes how it is undone; `undo.pop_all()` makes it last."""

    guest: Guest
    capabilities: Capabilities
    undo: AsyncExitStack
    resources: hostside.Resources = field(default_factory=hostside.Resources)

    @property
    def monitor(self) -> Monitor:
        return self.guest.monitor

    @property
    def build(self) -> Build:
        """What device properties are built from, with what is open by now."""
        guest = self.guest
        assert guest.runtime is not None
        context = build_context(guest, guest.runtime, self.resources)
        return Build(guest.require_active(), self.capabilities, context)

    async def add_object(self, properties: Props) -> None:
        """Make a backend object."""
        await commands.object_add(self.monitor, properties)
        self.undo.push_async_callback(quietly, commands.object_del, self.monitor, properties["id"])

    async def add_chardev(self, alias: str, backend: CharacterBackend) -> None:
        """Make a character device; a new pty's path goes into the definition."""
        settings = self.guest.context.settings
        choose_encryption(backend, settings)
        credentials = chardev_credentials(settings, backend, alias)
        if credentials is not None:
            await self.add_object(credentials)
        named = credentials["id"] if credentials is not None else None
        reply = await commands.chardev_add(self.monitor, alias, chardev_backend(backend, credentials=named))
        if "pty" in reply and backend.source is not None:
            backend.source.path = reply["pty"]
        self.undo.push_async_callback(quietly, commands.chardev_remove, self.monitor, alias)

    async def pass_descriptor(self, name: str, fd: int) -> None:
        """Give QEMU a descriptor under a name, for the next command to take."""
        await commands.getfd(self.monitor, name, fd)
        self.undo.push_async_callback(quietly, commands.closefd, self.monitor, name)

    async def add_device(self, device: Any, properties: Props) -> None:
        """Plug the front end in: the last step."""
        zpci = zpci_props(device)
        if zpci is not None:
            await commands.device_add(self.monitor, zpci)
            self.undo.push_async_callback(quietly, commands.device_del, self.monitor, zpci["id"])
        await commands.device_add(self.monitor, properties)


async def quietly(command: Callable[..., Awaitable[object]], *arguments: object) -> None:
    """Run a command that may fail because it is done already or cannot be; the caller goes on."""
    try:
        await command(*arguments)
    except VirtError:
        return
