# SPDX-License-Identifier: LGPL-2.1-or-later
"""Addresses and TCP ports of graphics whose definition leaves the choice to us."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from conf.domain.devices.graphics import Graphics
from drivers.qemu.command.spice_ports import Wanted, wanted_ports
from virtd.errors import Code, VirtError

if TYPE_CHECKING:
    from drivers.qemu.guest import Guest


def assign(guest: Guest) -> None:
    """Choose an address and a free port for each of the guest's graphics that wants one.

    Raises:
        VirtError: INTERNAL_ERROR, none is left.
    """
    assert guest.live is not None
    settings = guest.context.settings
    taken = set(_taken(guest))
    low, high = settings.remote_display_port_min, settings.remote_display_port_max
    for graphics in guest.live.devices.graphics:
        if graphics.type not in ("vnc", "spice"):
            continue
        _name_socket(guest, graphics)
        if not _on_network(graphics):
            continue
        _listen_by_settings(graphics, settings.vnc_listen if graphics.type == "vnc" else settings.spice_listen)
        plain, tls = _wanted(graphics, tls=settings.spice_tls)
        if plain:
            graphics.port = _free("VNC" if graphics.type == "vnc" else "SPICE", low, high, taken)
        if tls:
            graphics.tls_port = _free("SPICE", low, high, taken)
        if graphics.type == "vnc" and graphics.websocket == -1:
            low_ws, high_ws = settings.remote_websocket_port_min, settings.remote_websocket_port_max
            graphics.websocket = _free("VNC WebSocket", low_ws, high_ws, taken)
            graphics.websocket_generated = True


def _name_socket(guest: Guest, graphics: Graphics) -> None:
    assert guest.runtime is not None
    listen = graphics.listens[0] if graphics.listens else None
    if listen is not None and listen.type == "socket" and listen.socket is None:
        listen.socket = str(guest.runtime.domain_dir / f"{graphics.type}.sock")


def _listen_by_settings(graphics: Graphics, address: str) -> None:
    for listen in graphics.listens:
        if listen.type == "address" and listen.address is None:
            listen.address, listen.from_config = address, True


def _wanted(graphics: Graphics, *, tls: bool) -> Wanted:
    """The ports that are ours to choose."""
    if graphics.type == "spice":
        return wanted_ports(graphics, tls=tls)
    return Wanted(plain=bool(graphics.autoport) or graphics.port in (None, -1), tls=False)


def _on_network(graphics: Any) -> bool:
    return not graphics.listens or any(listen.type in ("address", "network") for listen in graphics.listens)


def _taken(guest: Guest) -> Iterator[int]:
    """Ports of all running guests, whether their QEMU listens already or not."""
    for other in guest.context.guests:
        if other.live is not None and other is not guest:
            for graphics in other.live.devices.graphics:
                yield from (p for p in (graphics.port, graphics.tls_port, graphics.websocket) if p)


def _free(what: str, low: int, high: int, taken: set[int]) -> int:
    for port in range(low, high + 1):
        if port not in taken and _can_bind(port):
            taken.add(port)
            return port
    raise VirtError(Code.INTERNAL_ERROR, f"Unable to find an unused port in range '{what}' ({low}-{high})")


def _can_bind(port: int) -> bool:
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):  # noqa: S104
        try:
            with socket.socket(family, socket.SOCK_STREAM) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind((address, port))
        except OSError as error:
            if family == socket.AF_INET6 and error.errno in (97, 99):  # no IPv6 here
                continue
            return False
    return True
