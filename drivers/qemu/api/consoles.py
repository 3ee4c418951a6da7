# SPDX-License-Identifier: LGPL-2.1-or-later
"""Consoles, channels and screens as streams and descriptors."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

from drivers.common.streams import DescriptorStream
from drivers.qemu import commands
from drivers.qemu.api.base import Part
from drivers.qemu.context import QemuContext
from drivers.qemu.guest import Guest
from virtd.calls import WithFds, WithStream, current_call
from virtd.enums import DomainChannelFlags, DomainConsoleFlags, DomainOpenGraphicsFlags
from virtd.errors import Code, VirtError, check_flags, operation_invalid
from virtd.host.unixsocket import short_name
from virtd.refs import DomainRef


class ConsoleApi(Part):
    """virDomainOpenConsole, virDomainOpenChannel, virDomainOpenGraphics, virDomainOpenGraphicsFD."""

    def __init__(self, context: QemuContext) -> None:
        super().__init__(context)
        self._open: dict[str, DescriptorStream] = {}

    async def domain_open_console(self, dom: DomainRef, dev_name: str | None, flags: int) -> WithStream:
        """virDomainOpenConsole."""
        check_flags(flags, DomainConsoleFlags.FORCE | DomainConsoleFlags.SAFE, "qemuDomainOpenConsole")
        guest = self._running(dom)
        device = _find_console(guest, dev_name)
        if device.type != "pty":
            raise VirtError(Code.INTERNAL_ERROR, f"character device {dev_name or device.alias} is not using a PTY")
        busy = "Active console session exists for this domain"
        return await self._stream(device.source.path, busy, force=bool(flags & DomainConsoleFlags.FORCE))

    async def domain_open_channel(self, dom: DomainRef, name: str | None, flags: int) -> WithStream:
        """virDomainOpenChannel."""
        check_flags(flags, DomainChannelFlags.FORCE, "qemuDomainOpenChannel")
        guest = self._running(dom)
        channel = _find_channel(guest, name)
        if channel.type != "unix":
            raise VirtError(Code.INTERNAL_ERROR, f"channel {name} is not using a UNIX socket")
        busy = "Active channel stream exists for this domain"
        return await self._stream(channel.source.path, busy, force=bool(flags & DomainChannelFlags.FORCE))

    async def _stream(self, path: str | None, busy: str, *, force: bool) -> WithStream:
        """A stream to the host's end of a character device; one at a time has it."""
        if not path:
            raise VirtError(Code.INTERNAL_ERROR, "character device has no host end yet")
        there = self._open.get(path)
        if there is not None and not there.closed:
            if not force:
                raise VirtError(Code.OPERATION_FAILED, busy)
            await there.take_away()
        stream = self._open[path] = DescriptorStream(_open_path(path), lambda: self._open.pop(path, None))
        return WithStream(stream)

    async def domain_open_graphics_fd(self, dom: DomainRef, idx: int, flags: int) -> WithFds:
        """virDomainOpenGraphicsFD: a connected socket to the screen."""
        check_flags(flags, DomainOpenGraphicsFlags.SKIPAUTH, "qemuDomainOpenGraphicsFD")
        guest = self._running(dom)
        protocol = _graphics_protocol(guest, idx)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            await _add_client(guest, protocol, theirs.fileno(), skip_auth=bool(flags))
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return WithFds(None, [ours.detach()])

    async def domain_open_graphics(self, dom: DomainRef, idx: int, flags: int) -> None:
        """virDomainOpenGraphics: the client brings the socket."""
        check_flags(flags, DomainOpenGraphicsFlags.SKIPAUTH, "qemuDomainOpenGraphics")
        guest = self._running(dom)
        protocol = _graphics_protocol(guest, idx)
        fds = current_call.get().fds
        if len(fds) != 1:
            raise VirtError(Code.INTERNAL_ERROR, "expected one file descriptor")
        await _add_client(guest, protocol, fds[0], skip_auth=bool(flags))


def _find_console(guest: Guest, alias: str | None) -> Any:
    devices = guest.definition.devices
    everything: list[Any] = [*devices.consoles, *devices.serials, *devices.parallels]
    named = {f"console{number}": console for number, console in enumerate(devices.consoles)}
    named |= {device.alias: device for device in everything if device.alias}
    wanted = everything if alias is None else [named[alias]] if alias in named else []
    if not wanted:
        raise VirtError(Code.INTERNAL_ERROR, f"cannot find character device {alias}")
    first = wanted[0]
    if first.type != "pty" and alias is None and devices.serials:
        return devices.serials[0]
    return first


def _find_channel(guest: Guest, name: str | None) -> Any:
    for channel in guest.definition.devices.channels:
        if name in (None, channel.alias) or (channel.target is not None and channel.target.name == name):
            return channel
    raise VirtError(Code.INTERNAL_ERROR, f"cannot find channel {name}")


def _open_path(path: str) -> int:
    """Open a terminal or connect to a socket, without waiting."""
    try:
        if os.path.exists(path) and not os.path.isfile(path) and path.startswith("/dev/"):
            return os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        flags = socket.SOCK_STREAM | socket.SOCK_NONBLOCK
        with socket.socket(socket.AF_UNIX, flags) as sock, short_name(Path(path)) as name:
            sock.connect(name)
            return sock.detach()
    except OSError as error:
        text = f"unable to open stream for '{path}': {os.strerror(error.errno or 0)}"
        raise VirtError(Code.SYSTEM_ERROR, text) from error


def _graphics_protocol(guest: Guest, index: int) -> str:
    """QMP's name of the protocol that a screen speaks."""
    graphics = guest.definition.devices.graphics
    if index >= len(graphics):
        raise VirtError(Code.INTERNAL_ERROR, f"No graphics backend with index {index}")
    kind = str(graphics[index].type)
    if kind not in ("vnc", "spice"):
        raise VirtError(Code.INTERNAL_ERROR, f"Can only open VNC or SPICE graphics backends, not {kind}")
    return kind


async def _add_client(guest: Guest, protocol: str, fd: int, *, skip_auth: bool) -> None:
    if guest.runtime is None:
        raise operation_invalid("domain is not running")
    async with guest.job("modify"):
        await commands.getfd(guest.monitor, "graphicsfd", fd)
        await commands.add_client(guest.monitor, protocol, "graphicsfd", skip_auth=skip_auth)
