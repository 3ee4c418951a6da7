# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<graphics>`: how the guest's display is looked at."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Literal

from conf.binding import FormatOptions, Int, Model, ParseOptions, Scalar, YesNo, attr, child, children, on
from conf.binding.fields import Condition, Values
from conf.binding.scalars import BadValueError
from conf.domain.devices.graphics_listen import GraphicsListen, resolve_listens
from conf.domain.devices.sound import AudioReference
from conf.domain.devices.spice import (
    ChannelMode,
    SpiceChannel,
    SpiceClipboard,
    SpiceFileTransfer,
    SpiceImage,
    SpiceMouse,
    SpicePlayback,
    SpiceStreaming,
    SpiceWanCompression,
    written_channels,
)
from conf.errors import ConfigUnsupportedError, InternalError

#: Types that wait for clients.
SERVERS = ("vnc", "rdp", "spice")
#: A port that is chosen at start.
AUTOPORT = -1


def _has_ports(own: Values) -> bool:
    listens: list[GraphicsListen] = own["listens"]
    return not listens or listens[0].type in ("address", "network")


def _ported(*types: str) -> Condition:
    return lambda own, _around: own["type"] in types and _has_ports(own)


def _shown_port(port: int | None, own: Values, _around: Values, options: FormatOptions) -> int | None:
    """A port chosen at start is written for the running guest only."""
    if own["autoport"] and (options.inactive or not port):
        return {"vnc": AUTOPORT, "rdp": 0}.get(own["type"])
    return port or None


def _shown_autoport(value: bool | None, own: Values, _around: Values, options: FormatOptions) -> bool | None:
    if not _has_ports(own):
        return False if options.migratable and _listens_nowhere(own) else None
    return (value or None) if own["type"] == "rdp" else bool(value)


def _listens_nowhere(own: Values) -> bool:
    """A SPICE server without a socket, which older libvirt knew only as one without ports."""
    return own["type"] == "spice" and bool(own["listens"]) and own["listens"][0].type == "none"


def _shown_listens(
    listens: list[GraphicsListen], own: Values, _around: Values, options: FormatOptions
) -> list[GraphicsListen]:
    """What older libvirt has no element for is left out of XML that goes to another host."""
    if options.migratable and (_listens_nowhere(own) or (own["type"] == "vnc" and listens and listens[0].socket)):
        return []
    return listens


def _shown_websocket(port: int | None, own: Values, _around: Values, options: FormatOptions) -> int | None:
    return AUTOPORT if own["websocket_generated"] and options.inactive else port


def _shown_listen(_value: str | None, own: Values, _around: Values, options: FormatOptions) -> str | None:
    listens: list[GraphicsListen] = own["listens"]
    return listens[0].shown_address(options) if listens and _has_ports(own) else None


def _shown_socket(_value: str | None, own: Values, _around: Values, options: FormatOptions) -> str | None:
    listens: list[GraphicsListen] = own["listens"]
    if (
        own["type"] != "vnc"
        or not listens
        or listens[0].type != "socket"
        or (options.inactive and listens[0].auto_generated)
    ):
        return None
    return listens[0].socket


def _parse_autoport(text: str) -> bool | None:
    """Anything but yes and no is as good as nothing."""
    return {"yes": True, "no": False}.get(text)


_Autoport = Annotated[bool, Scalar(_parse_autoport, lambda value: "yes" if value else "no")]
_TIME = re.compile(r"(\d{1,4})-(\d{1,2})-(\d{1,2})T(\d{1,2}):(\d{1,2}):(\d{1,2})", re.ASCII)


def _parse_time(text: str) -> str:
    match = _TIME.fullmatch(text)
    if match is None:
        raise BadValueError
    try:
        moment = datetime(*(int(part) for part in match.groups()), tzinfo=UTC)  # type: ignore[arg-type,misc]
    except ValueError:
        moment = datetime.fromtimestamp(0, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


_Time = Annotated[str, Scalar(_parse_time)]


class GraphicsGL(Model):
    """`<gl>`: drawing by the host's graphics card."""

    enable: YesNo | None = attr(when=on("../type", "sdl", "spice", "dbus"), required=True)
    rendernode: str | None = attr(when=on("../type", "spice", "egl-headless", "dbus"))


class Graphics(Model):
    """`<graphics>`.  Which members count depends on `type`.

    `autoport` with a port: the port the running guest got.  The attributes `listen` and `socket` of the XML
    follow from `listens`.
    """

    type: Literal["sdl", "vnc", "rdp", "desktop", "spice", "egl-headless", "dbus"] = attr(required=True)
    display: str | None = attr(when=on("type", "sdl", "desktop"))
    xauth: str | None = attr(when=on("type", "sdl"))
    fullscreen: YesNo | None = attr(when=on("type", "sdl", "desktop"), omit=False)
    port: Int | None = attr(
        when=_ported(*SERVERS), shown=_shown_port, error=(InternalError, "cannot parse vnc port %s")
    )
    tls_port: Int | None = attr("tlsPort", when=_ported("spice"), shown=_shown_port)
    autoport: _Autoport | None = attr(when=on("type", *SERVERS), shown=_shown_autoport)
    replace_user: YesNo | None = attr("replaceUser", when=on("type", "rdp"), omit=False)
    multi_user: YesNo | None = attr("multiUser", when=on("type", "rdp"), omit=False)
    websocket: Int | None = attr(when=_ported("vnc"), omit=0, shown=_shown_websocket)
    #: The daemon's own record: it chose the websocket's port.
    websocket_generated: YesNo | None = attr("websocketGenerated", when=_ported("vnc"), status=True)
    socket: str | None = attr(when=on("type", "vnc", "spice"), shown=_shown_socket)
    listen: str | None = attr(when=on("type", *SERVERS), shown=_shown_listen, empty_is_unset=True)
    keymap: str | None = attr(when=on("type", "vnc", "spice"))
    default_mode: ChannelMode | None = attr("defaultMode", when=on("type", "spice"), omit="any")
    share_policy: Literal["allow-exclusive", "force-shared", "ignore"] | None = attr(
        "sharePolicy", when=on("type", "vnc")
    )
    power_control: YesNo | None = attr("powerControl", when=on("type", "vnc"))
    p2p: YesNo | None = attr(when=on("type", "dbus"), omit=False)
    address: str | None = attr(when=on("type", "dbus"))
    passwd: str | None = attr(when=on("type", "vnc", "spice"), secret=True)
    passwd_valid_to: _Time | None = attr(
        "passwdValidTo",
        when=on("type", "vnc", "spice"),
        error=(InternalError, "cannot parse password validity time '%s', expect YYYY-MM-DDTHH:MM:SS"),
    )
    connected: str | None = attr(when=on("type", "vnc", "spice"))
    listens: list[GraphicsListen] = children("listen", when=on("type", *SERVERS), shown=_shown_listens)
    channels: list[SpiceChannel] = children("channel", when=on("type", "spice"))
    image: SpiceImage | None = child(when=on("type", "spice"))
    jpeg: SpiceWanCompression | None = child(when=on("type", "spice"))
    zlib: SpiceWanCompression | None = child(when=on("type", "spice"))
    playback: SpicePlayback | None = child(when=on("type", "spice"))
    streaming: SpiceStreaming | None = child(when=on("type", "spice"))
    mouse: SpiceMouse | None = child(when=on("type", "spice"))
    clipboard: SpiceClipboard | None = child(when=on("type", "spice"))
    filetransfer: SpiceFileTransfer | None = child(when=on("type", "spice"))
    gl: GraphicsGL | None = child(when=on("type", "sdl", "spice", "egl-headless", "dbus"))
    audio: AudioReference | None = child(when=on("type", "vnc", "dbus"))

    @property
    def has_end_tag(self) -> bool:
        return self.type == "vnc"

    def check(self, options: ParseOptions) -> None:
        if not options.status:
            self.websocket_generated = None
        if self.type not in SERVERS:
            return
        self.listens = resolve_listens(self.listens, self.listen, self.socket, alone=self.type == "vnc")
        self.listen = self.socket = None
        self.channels = written_channels(self.channels)
        self._settle_ports(options)
        self._check_password()

    def _settle_ports(self, options: ParseOptions) -> None:
        ports = (self.port, self.tls_port)
        if self.type == "spice":
            legacy = ports == (AUTOPORT, AUTOPORT)
        else:
            legacy = self.port == AUTOPORT or (self.port is None and (self.autoport is None or self.type == "rdp"))
        self.autoport = legacy or bool(self.autoport)
        if legacy or (self.autoport and options.inactive):
            self.port = self.tls_port = None
        if self.type == "spice" and not (self.autoport or self.port or self.tls_port):
            self._listen_nowhere()

    def _listen_nowhere(self) -> None:
        """Without any port, a SPICE server is there for its channels and for clients given a descriptor."""
        if self.listens and self.listens[0].type == "address":
            self.listens[0] = GraphicsListen(type="none")

    def _check_password(self) -> None:
        if self.passwd is None:
            self.passwd_valid_to = self.connected = None
        if self.connected is None:
            return
        if self.connected not in ("fail", "disconnect", "keep"):
            raise ConfigUnsupportedError(f"unknown connected value {self.connected}")
        if self.type == "vnc" and self.connected != "keep":
            raise ConfigUnsupportedError("VNC supports connected='keep' only")
