# SPDX-License-Identifier: LGPL-2.1-or-later
"""Displays for people: VNC, SPICE, windows on the host, D-Bus."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from conf.domain.devices.graphics import Graphics
from drivers.qemu.command.audio import audio_id
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Option, Props, comma_list, escape_comma, on_off
from drivers.qemu.command.spice_ports import wanted_ports
from drivers.qemu.command.tls import credentials_object
from drivers.qemu.settings import QemuSettings
from virtd.errors import Code, VirtError

#: VNC's displays are counted from this port.
VNC_FIRST_PORT = 5900

#: Ports shown where none is chosen yet: in a command line that is never run.
_SHOWN_PORTS = {"vnc": 5900, "spice": 5901, "tls": 5902}
_AUTOPORT = -1

_VNC_CREDENTIALS = "vnc-tls-creds0"


def add_no_display(build: Build, line: CommandLine) -> None:
    """Without a display QEMU would make one of its own."""
    if not build.domain.devices.graphics:
        line.add("-display", "none")


def add_graphics(build: Build, line: CommandLine) -> None:
    """All displays."""
    for graphics in build.domain.devices.graphics:
        match graphics.type:
            case "sdl":
                _add_sdl(graphics, line)
            case "vnc":
                if build.context.settings.vnc_tls:
                    line.add_json("-object", _vnc_credentials(build.context.settings))
                line.add("-vnc", comma_list(_vnc(build, graphics)))
                _add_keymap(graphics, line)
            case "spice":
                line.add("-spice", comma_list(_spice(build, graphics)))
                _add_keymap(graphics, line)
            case "egl-headless":
                line.add_list(
                    "-display", "egl-headless", ("rendernode", graphics.gl.rendernode if graphics.gl else None)
                )
            case "dbus":
                line.add("-display", comma_list(_dbus(build, graphics)))
            case _:
                continue


def _add_keymap(graphics: Graphics, line: CommandLine) -> None:
    if graphics.keymap is not None:
        line.add("-k", graphics.keymap)


def _add_sdl(graphics: Graphics, line: CommandLine) -> None:
    if graphics.xauth:
        line.env["XAUTHORITY"] = graphics.xauth
    if graphics.display:
        line.env["DISPLAY"] = graphics.display
    if graphics.fullscreen:
        line.add("-full-screen")
    line.add_list("-display", "sdl", ("gl", graphics.gl.enable if graphics.gl else None))


def _address(build: Build, graphics: Graphics) -> str | None:
    """What is listened at, None where the display has no network socket."""
    listen = graphics.listens[0] if graphics.listens else None
    if listen is not None and listen.type not in ("address", "network"):
        return None
    settings = build.context.settings
    default = settings.vnc_listen if graphics.type == "vnc" else settings.spice_listen
    return (listen.address if listen is not None else None) or default


def _socket(build: Build, graphics: Graphics) -> str | None:
    listen = graphics.listens[0] if graphics.listens else None
    if listen is None or listen.type != "socket":
        return None
    return listen.socket or f"{build.context.domain_dir}/{graphics.type}.sock"


def _port(port: int | None, kind: str, *, automatic: bool = True) -> int:
    """A port; one that is still to be chosen can only be shown."""
    unset = port in (None, 0, _AUTOPORT)
    return _SHOWN_PORTS[kind] if unset and automatic else port or 0


def _vnc_credentials(settings: QemuSettings) -> Props:
    return credentials_object(
        _VNC_CREDENTIALS, settings.tls_directory("vnc"), server=True, verify=settings.tls_verifies("vnc")
    )


def _vnc(build: Build, graphics: Graphics) -> Iterator[Option]:
    settings = build.context.settings
    if (socket := _socket(build, graphics)) is not None:
        yield f"vnc=unix:{escape_comma(socket)}"
    elif (address := _address(build, graphics)) is not None:
        port = _port(graphics.port, "vnc", automatic=bool(graphics.autoport))
        if port < VNC_FIRST_PORT:
            raise VirtError(Code.CONFIG_UNSUPPORTED, f"vnc port must be in range [{VNC_FIRST_PORT},65535]")
        host = f"[{address}]" if ":" in address else address
        yield f"{host}:{port - VNC_FIRST_PORT}"
        if graphics.websocket:
            yield "websocket", graphics.websocket
    else:
        yield "none"
    yield "share", graphics.share_policy
    yield "password", "on" if graphics.passwd is not None or settings.vnc_password else None
    yield "tls-creds", _VNC_CREDENTIALS if settings.vnc_tls else None
    yield "sasl", "on" if settings.vnc_sasl else None
    if graphics.power_control is not None and build.caps.has("vnc-power-control"):
        yield "power-control", graphics.power_control
    yield "audiodev", audio_id(build, graphics.audio)


def _spice(build: Build, graphics: Graphics) -> Iterator[Option]:
    settings = build.context.settings
    yield from _spice_place(build, graphics)
    if graphics.mouse is not None:
        yield "agent-mouse", on_off(graphics.mouse.mode == "client")
    if graphics.passwd is None and not settings.spice_password:
        yield "disable-ticketing", "on"
    if _spice_ports(build, graphics).tls > 0:
        yield "x509-dir", settings.tls_directory("spice")
    if graphics.default_mode in ("secure", "insecure"):
        yield "tls-channel" if graphics.default_mode == "secure" else "plaintext-channel", "default"
    for channel in graphics.channels:
        yield "tls-channel" if channel.mode == "secure" else "plaintext-channel", channel.name
    yield "image-compression", graphics.image.compression if graphics.image else None
    yield "jpeg-wan-compression", graphics.jpeg.compression if graphics.jpeg else None
    yield "zlib-glz-wan-compression", graphics.zlib.compression if graphics.zlib else None
    yield "playback-compression", graphics.playback.compression if graphics.playback else None
    yield "streaming-video", graphics.streaming.mode if graphics.streaming else None
    if graphics.clipboard is not None and not graphics.clipboard.copypaste:
        yield "disable-copy-paste", "on"
    if graphics.filetransfer is not None and not graphics.filetransfer.enable:
        yield "disable-agent-file-xfer", "on"
    if graphics.gl is not None and graphics.gl.enable:
        yield "gl", "on"
        yield "rendernode", graphics.gl.rendernode
    yield "seamless-migration", "on"


def _spice_place(build: Build, graphics: Graphics) -> Iterator[Option]:
    if (socket := _socket(build, graphics)) is not None:
        yield "unix"
        yield "addr", socket
        return
    address = _address(build, graphics)
    if address is None:
        yield "port", 0
        return
    plain, secure = _spice_ports(build, graphics)
    yield "port", plain if plain > 0 or secure <= 0 else None
    yield "tls-port", secure if secure > 0 else None
    yield "addr", address


class _Ports(NamedTuple):
    """SPICE's, 0 for none."""

    plain: int
    tls: int


def _spice_ports(build: Build, graphics: Graphics) -> _Ports:
    if _address(build, graphics) is None:
        return _Ports(0, 0)
    wanted = wanted_ports(graphics, tls=build.context.settings.spice_tls)
    return _Ports(
        _port(graphics.port, "spice", automatic=wanted.plain),
        _port(graphics.tls_port, "tls", automatic=wanted.tls),
    )


def _dbus(build: Build, graphics: Graphics) -> Iterator[Option]:
    yield "dbus"
    if graphics.p2p:
        yield "p2p", "on"
    else:
        name = os.path.basename(build.context.domain_dir).removeprefix("domain-")
        own = f"unix:path={build.context.state_dir}/dbus/{name}-dbus.sock"
        yield "addr", own if graphics.address is None else graphics.address
    if graphics.gl is not None:
        yield "gl", on_off(graphics.gl.enable)
        yield "rendernode", graphics.gl.rendernode if graphics.gl.enable else None
    # Only who asked for sound on the bus gets it there.
    yield "audiodev", audio_id(build, graphics.audio) if graphics.audio is not None else None
