# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's end of a character device: where its bytes go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from conf.binding import (
    FormatOptions,
    Model,
    OnOff,
    ParseOptions,
    Uint,
    YesNo,
    attr,
    child,
    children,
    on,
)
from conf.binding.fields import Condition, Values
from conf.domain.devices.seclabel import DeviceSecLabel, checked_labels, seclabels
from conf.domain.devices.status import ZeroOne
from conf.errors import ConfigUnsupportedError, InternalError, XMLError

CharacterType = Literal[
    "null",
    "vc",
    "pty",
    "dev",
    "file",
    "pipe",
    "stdio",
    "udp",
    "tcp",
    "unix",
    "spicevmc",
    "spiceport",
    "nmdm",
    "qemu-vdagent",
    "dbus",
]
#: A UDP device is bound to one address and sends to another.
_ENDS = 2


def _for(*types: str) -> Condition:
    return on("../type", *types)


class Reconnect(Model):
    """`<reconnect>`: whether, and after how many seconds, a lost connection is tried again."""

    enabled: YesNo | None = attr()
    timeout: Uint | None = attr(when=on("enabled", True), required=True)


class VdagentClipboard(Model):
    """`<clipboard>` shared with the guest."""

    copypaste: YesNo = attr(required=True)


class VdagentMouse(Model):
    """`<mouse>`: who draws the pointer."""

    mode: Literal["server", "client"] = attr(required=True)


def _pty_is_live(value: str | None, _own: Values, around: Values, options: FormatOptions) -> str | None:
    return None if around.get("type") == "pty" and options.inactive else value


def _chosen_tls_is_live(value: bool | None, own: Values, _around: Values, options: FormatOptions) -> bool | None:
    return None if own["tls_from_config"] and options.inactive else value


class CharacterSource(Model):
    """`<source>`.  Which members count depends on the device's `type`; `mode` says who waits for whom."""

    mode: Literal["connect", "bind"] | None = attr(when=_for("tcp", "udp", "unix"))
    host: str | None = attr(when=_for("tcp", "udp"))
    service: str | None = attr(when=_for("tcp", "udp"))
    #: Of a pty: the host's end, known once the guest runs.
    path: str | None = attr(when=_for("dev", "file", "pipe", "unix", "pty"), shown=_pty_is_live)
    append: OnOff | None = attr(when=_for("file"))
    tls: YesNo | None = attr(when=_for("tcp"), shown=_chosen_tls_is_live)
    #: The daemon's own record: `tls` comes from its settings.
    tls_from_config: ZeroOne | None = attr("tlsFromConfig", when=_for("tcp"), status=True)
    channel: str | None = attr(when=_for("spiceport", "dbus"))
    master: str | None = attr(when=_for("nmdm"))
    slave: str | None = attr(when=_for("nmdm"))
    reconnect: Reconnect | None = child(when=_for("tcp", "unix"))
    clipboard: VdagentClipboard | None = child(when=_for("qemu-vdagent"))
    mouse: VdagentMouse | None = child(when=_for("qemu-vdagent"))
    seclabels: list[DeviceSecLabel] = seclabels(_for("dev", "file", "pipe", "unix", "pty"))

    def check(self, options: ParseOptions) -> None:
        self.seclabels = checked_labels(self.seclabels)
        if not options.status:
            self.tls_from_config = None


class CharacterProtocol(Model):
    """`<protocol>`: what is spoken over TCP."""

    type: Literal["raw", "telnet", "telnets", "tls"] = attr(
        default="raw", error=(ConfigUnsupportedError, "Unknown protocol '%s'")
    )


class CharacterLog(Model):
    """`<log>`: a file that gets a copy of what the guest writes."""

    file: str | None = attr()
    append: OnOff | None = attr()


class CharacterBackend(Model):
    """Source, protocol and log of a character device; the device's class declares `type` itself."""

    type: CharacterType | None = attr()
    sources: list[CharacterSource] = children("source", keep_empty=False)
    protocol: CharacterProtocol | None = child(when=on("type", "tcp"))
    log: CharacterLog | None = child()

    @property
    def source(self) -> CharacterSource | None:
        """The source; with UDP, where is sent to."""
        return next((source for source in self.sources if self.type != "udp" or source.mode != "bind"), None)

    @source.setter
    def source(self, source: CharacterSource | None) -> None:
        self.sources = [other for other in self.sources if other is not self.source]
        if source is not None:
            self.sources.append(source)

    @property
    def bind_source(self) -> CharacterSource | None:
        """With UDP: where is listened at."""
        return next((source for source in self.sources if self.type == "udp" and source.mode == "bind"), None)

    def drop_character_device(self) -> None:
        """Forget what only a character device has."""
        self.sources, self.protocol, self.log = [], None, None

    def check(self, options: ParseOptions) -> None:
        if len(self.sources) > 1 and self.type != "udp":
            raise XMLError("only one source element is allowed for character device")
        if len(self.sources) > _ENDS:
            raise XMLError("only two source elements are allowed for character device")
        if self.log is not None and self.log.file is None:
            self.log = None
        if self.type == "pty" and options.inactive:
            self.sources = []
        complete = _COMPLETIONS.get(self.type or "")
        if complete is not None:
            complete(self)

    def may_lack_path(self) -> bool:
        """Whether the daemon chooses the path of a unix socket if there is none."""
        return False

    def may_lack_channel(self) -> bool:
        """Whether a hypervisor's own channel is meant if none is named."""
        return False


def check_source(device: CharacterBackend) -> None:
    """Refuse a character device whose source lacks what its type needs.  Not part of reading: defaults come before.

    Raises:
        InternalError, ConfigUnsupportedError: it does.
    """
    for member in _NEEDED.get(device.type or "", ()):
        if not getattr(device.source or CharacterSource(), member):
            raise InternalError(f"Missing source {member} attribute for char device")
    if device.type in _MORE_NEEDS:
        _MORE_NEEDS[device.type](device)


#: Type → what it cannot do without.
_NEEDED = {
    "dev": ("path",),
    "file": ("path",),
    "pipe": ("path",),
    "tcp": ("host", "service"),
    "udp": ("service",),
}


def _needs_path(device: CharacterBackend) -> None:
    if not device.may_lack_path() and not (device.source and device.source.path is not None):
        raise InternalError("Missing source path attribute for char device")


def _needs_channel(device: CharacterBackend) -> None:
    if not device.may_lack_channel() and not (device.source and device.source.channel):
        raise ConfigUnsupportedError("Missing source channel attribute for char device")


def _needs_both_ends(device: CharacterBackend) -> None:
    source = device.source or CharacterSource()
    if (source.master is None) != (source.slave is None):
        raise InternalError("Should define both master and slave path attributes for nmdm device")


_MORE_NEEDS: dict[str, Callable[[CharacterBackend], None]] = {
    "unix": _needs_path,
    "nmdm": _needs_both_ends,
    "spiceport": _needs_channel,
    "dbus": _needs_channel,
}


def _complete_unix(device: CharacterBackend) -> None:
    source = device.source
    if source is None or source.path is None:
        device.sources = []
    else:
        _connects_unless_told(source)


def _complete_tcp(device: CharacterBackend) -> None:
    if device.source is not None:
        _connects_unless_told(device.source)
    if device.protocol is None:
        device.protocol = CharacterProtocol()


def _connects_unless_told(source: CharacterSource) -> None:
    if source.mode is None:
        source.mode = "connect"
    if source.mode == "bind" and source.reconnect is not None:
        raise InternalError("chardev reconnect is possible only for connect mode")


def _complete_udp(device: CharacterBackend) -> None:
    for source in device.sources:
        source.mode = source.mode or "connect"
    device.sources = [source for source in (device.bind_source, device.source) if source is not None]


#: Type → what is filled in.
_COMPLETIONS: dict[str, Callable[[CharacterBackend], None]] = {
    "unix": _complete_unix,
    "tcp": _complete_tcp,
    "udp": _complete_udp,
}
