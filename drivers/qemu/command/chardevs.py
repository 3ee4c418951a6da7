# SPDX-License-Identifier: LGPL-2.1-or-later
"""-chardev: the host's end of serial ports, channels and their like."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from conf.domain.devices.chardev import Parallel
from conf.domain.devices.chardev_source import CharacterBackend, CharacterSource
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Option, Props, comma_list
from drivers.qemu.command.tls import credentials_object
from drivers.qemu.settings import QemuSettings
from virtd.errors import Code, VirtError

_NOTHING_OPEN: Mapping[str, int] = {}


def _fdset(fd: int) -> str:
    """What QEMU opens instead of a path; a set has the number of its one descriptor."""
    return f"/dev/fdset/{fd}"


def add_chardev(
    build: Build,
    line: CommandLine,
    backend: CharacterBackend,
    id_: str,
    *,
    role: str | None = None,
) -> None:
    """-chardev, after the descriptors of the files that it names."""
    for path in file_paths(backend):
        fd = build.context.files.get(path)
        if fd is not None and (words := f"set={fd},fd={fd}") not in line.argv:
            line.add("-add-fd", words)
    socket = build.context.sockets.get(socket_path(backend) or "")
    if socket is not None:
        line.fds.append(socket)
    credentials = chardev_credentials(build.context.settings, backend, id_)
    if credentials is not None:
        line.add_json("-object", credentials)
    line.add("-chardev", chardev(backend, id_, role=role, socket=socket, files=build.context.files))


def file_paths(backend: CharacterBackend) -> list[str]:
    """The files that a character device writes: what the guest sends, and the log of it."""
    named = [backend.source.path if backend.type == "file" and backend.source else None]
    named.append(backend.log.file if backend.log else None)
    return [path for path in named if path]


def socket_path(backend: CharacterBackend) -> str | None:
    """The unix socket on which a character device waits for a client."""
    source = backend.source
    waits = backend.type == "unix" and source is not None and source.mode == "bind"
    return source.path if waits and source is not None else None


def chardev(
    backend: CharacterBackend,
    id_: str,
    *,
    role: str | None = None,
    socket: int | None = None,
    files: Mapping[str, int] = _NOTHING_OPEN,
) -> str:
    """The value of -chardev.

    Args:
        role: what a SPICE channel is for (`vdagent`, `usbredir`, `smartcard`).
        socket: the descriptor of its unix socket, which listens already.
        files: descriptors of files that are open already, by path.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, QEMU has no such back end.
    """
    maker = _MAKERS.get(backend.type or "")
    if maker is None:
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"unsupported chardev '{backend.type}'")
    word, *options = maker(backend, backend.source or CharacterSource())
    if socket is not None:
        options = [("fd", socket) if o[0] == "path" else o for o in options]
    options = [("path", _fdset(files[str(o[1])])) if o[0] == "path" and o[1] in files else o for o in options]
    named: list[Option] = [("name", role)] if backend.type == "spicevmc" else []
    if backend.type == "qemu-vdagent":
        named = [("name", "vdagent")]
    secure: list[Option] = [("tls-creds", credentials_id(id_))] if _is_encrypted(backend) else []
    return comma_list([word, ("id", id_), *named, *options, *secure, *_log(backend, files)])


def credentials_id(id_: str) -> str:
    """The object of the certificates that a character device shows and asks for."""
    return f"obj{id_}_tls0"


def _is_encrypted(backend: CharacterBackend) -> bool:
    return backend.type == "tcp" and backend.source is not None and bool(backend.source.tls)


def chardev_credentials(settings: QemuSettings, backend: CharacterBackend, id_: str) -> Props | None:
    """That object, for an encrypted connection."""
    if not _is_encrypted(backend):
        return None
    assert backend.source is not None
    server = backend.source.mode == "bind"
    verify = settings.tls_verifies("chardev")
    return credentials_object(credentials_id(id_), settings.tls_directory("chardev"), server=server, verify=verify)


def choose_encryption(backend: CharacterBackend, settings: QemuSettings) -> None:
    """A connection that nothing is said of is encrypted if the settings say so."""
    source = backend.source
    if backend.type == "tcp" and source is not None and source.tls is None:
        source.tls, source.tls_from_config = settings.chardev_tls, True


def _log(backend: CharacterBackend, files: Mapping[str, int]) -> Iterator[Option]:
    log = backend.log
    if log is not None and log.file:
        yield "logfile", _fdset(files[log.file]) if log.file in files else log.file
        yield "logappend", log.append


def _word(word: str) -> Callable[[CharacterBackend, CharacterSource], Iterator[Option]]:
    def make(_backend: CharacterBackend, _source: CharacterSource) -> Iterator[Option]:
        yield word

    return make


def _device(backend: CharacterBackend, source: CharacterSource) -> Iterator[Option]:
    yield "parallel" if isinstance(backend, Parallel) else "serial"
    yield "path", source.path


def _file(_backend: CharacterBackend, source: CharacterSource) -> Iterator[Option]:
    yield "file"
    yield "path", source.path
    yield "append", source.append


def _pipe(_backend: CharacterBackend, source: CharacterSource) -> Iterator[Option]:
    yield "pipe"
    yield "path", source.path


def _udp(backend: CharacterBackend, source: CharacterSource) -> Iterator[Option]:
    local = backend.bind_source
    yield "udp"
    yield "host", source.host or ""
    yield "port", source.service
    yield "localaddr", (local.host or "") if local else ""
    yield "localport", (local.service or "0") if local else "0"


def _listening(source: CharacterSource) -> Iterator[Option]:
    if source.mode == "bind":
        yield "server", "on"
        yield "wait", "off"
    if source.reconnect is not None:
        yield "reconnect", source.reconnect.timeout if source.reconnect.enabled else 0


def _tcp(backend: CharacterBackend, source: CharacterSource) -> Iterator[Option]:
    telnet = backend.protocol is not None and backend.protocol.type == "telnet"
    yield "socket"
    yield "host", source.host
    yield "port", source.service
    yield "telnet", "on" if telnet else None
    yield from _listening(source)


def _unix(_backend: CharacterBackend, source: CharacterSource) -> Iterator[Option]:
    yield "socket"
    yield "path", source.path
    yield from _listening(source)


def _named(word: str) -> Callable[[CharacterBackend, CharacterSource], Iterator[Option]]:
    def make(_backend: CharacterBackend, source: CharacterSource) -> Iterator[Option]:
        yield word
        yield "name", source.channel

    return make


def _vdagent(_backend: CharacterBackend, source: CharacterSource) -> Iterator[Option]:
    yield "qemu-vdagent"
    yield "clipboard", source.clipboard.copypaste if source.clipboard else None
    yield "mouse", {"client": True, "server": False}[source.mouse.mode] if source.mouse else None


_MAKERS: dict[str, Callable[[CharacterBackend, CharacterSource], Iterator[Option]]] = {
    "null": _word("null"),
    "vc": _word("vc"),
    "pty": _word("pty"),
    "stdio": _word("stdio"),
    "spicevmc": _word("spicevmc"),
    "dev": _device,
    "file": _file,
    "pipe": _pipe,
    "udp": _udp,
    "tcp": _tcp,
    "unix": _unix,
    "spiceport": _named("spiceport"),
    "dbus": _named("dbus"),
    "qemu-vdagent": _vdagent,
}
