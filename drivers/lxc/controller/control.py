# SPDX-License-Identifier: LGPL-2.1-or-later
"""The controller's life while its container runs: terminals, requests, and the container's end.

A request is a line {"do": name, …}, answered by {"ok": result} or {"error": [errno, text]}, in order.  When the
container has ended, every connection is told {"ended": "shutdown" or "reboot"}.
"""

from __future__ import annotations

import os
import select
from _socket import AF_UNIX, SO_PEERCRED, SOCK_CLOEXEC, SOCK_STREAM, SOL_SOCKET, socket

from drivers.lxc.controller import kernel, network
from drivers.lxc.controller.messages import Lines, line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from drivers.lxc.controller.container import Container
    from drivers.lxc.controller.devices import Devices
    from drivers.lxc.controller.terminals import Terminal

_CHUNK = 65536
#: The signal that a container's init is killed with when something inside asks to reboot.
_REBOOT_SIGNAL = 1

#: Where a System V init takes its orders, and the form of one: magic, change the run level, level.
_INITCTL = ("/run/initctl", "/dev/initctl", "/etc/.initctl")
_INITCTL_MAGIC, _INITCTL_RUNLEVEL, _INITCTL_SIZE = 0x03091969, 1, 384


class Requests:
    """What the daemon may ask for while the container runs."""

    def __init__(self, container: Container, devices: Devices) -> None:
        self._container = container
        self._devices = devices

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked for."""
        work = getattr(self, "do_" + str(request.get("do")), None)
        if work is None:
            return {"error": [0, "unknown request"]}
        try:
            return {"ok": work(**{name: value for name, value in request.items() if name != "do"})}
        except OSError as error:
            where = f"{error.filename}: " if isinstance(error.filename, str) else ""
            return {"error": [error.errno or 0, f"{where}{os.strerror(error.errno or 0)}"]}
        except Exception as error:
            return {"error": [0, repr(error)]}

    def do_add_node(self, node: Any) -> None:
        """Make a device node appear."""
        self._devices.add(node)

    def do_remove_node(self, path: str) -> None:
        """Take one away."""
        self._devices.remove(path)

    def do_add_interface(self, interface: Any) -> str:
        """Give the container a network device more; returns the name of the host's end."""
        namespace = self._container.namespace("net")
        try:
            (name,) = network.make([interface], namespace)
            network.inside(namespace, lambda: network.set_up_inside([interface]))
        finally:
            os.close(namespace)
        return name

    def do_remove_interface(self, name: str) -> None:
        """Take a network device away; the other end of a veth goes with it."""
        namespace = self._container.namespace("net")
        try:
            network.inside(namespace, lambda: network.remove_inside(name))
        finally:
            os.close(namespace)

    def do_give_back(self, name: str) -> None:
        """Put a network device of the host's back."""
        namespace = self._container.namespace("net")
        try:
            network.give_back(name, namespace)
        finally:
            os.close(namespace)

    def do_run_level(self, level: int) -> bool:
        """Tell init by its fifo to change the run level; False: it has none."""
        order = _INITCTL_MAGIC.to_bytes(4, "little") + _INITCTL_RUNLEVEL.to_bytes(4, "little")
        order += ord(str(level)).to_bytes(4, "little")
        root = os.open(f"/proc/{self._container.pid}/root", os.O_PATH | os.O_CLOEXEC)
        try:
            return any(_write_fifo(root, path, order.ljust(_INITCTL_SIZE, b"\0")) for path in _INITCTL)
        finally:
            os.close(root)


def _write_fifo(root: int, path: str, data: bytes) -> bool:
    """Write to a fifo that somebody reads; False: there is none."""
    try:
        fd = kernel.open_in_root(root, path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.fstat(fd).st_mode & 0o170000 == 0o010000 and os.write(fd, data) == len(data)
    finally:
        os.close(fd)


class Client:
    """A connection of a daemon's."""

    def __init__(self, sock: socket) -> None:
        self.socket = sock
        self._lines = Lines()

    def requests(self) -> list[dict[str, Any]] | None:
        """What has arrived; None: it is gone, or talks nonsense."""
        try:
            data = self.socket.recv(_CHUNK)
            return self._lines.feed(data) if data else None
        except (OSError, ValueError):
            return None

    def send(self, message: dict[str, Any]) -> None:
        try:
            self.socket.sendall(line(message))
        except OSError:
            return  # who is gone need not hear it


def listen(path: str) -> socket:
    """The socket that later daemons find the controller by."""
    if os.path.lexists(path):
        os.unlink(path)
    sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC)
    folder = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    before = os.umask(0o077)
    try:
        # By the folder's descriptor, for a socket's name has room for few letters.
        sock.bind(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
        sock.listen(4)
    finally:
        os.umask(before)
        os.close(folder)
    return sock


class Loop:
    """Waits for whatever happens next, until the container ends."""

    def __init__(self, container: Container, terminals: list[Terminal], requests: Requests, listener: socket) -> None:
        self._container = container
        self._requests = requests
        self._listener = listener
        self._clients: dict[int, Client] = {}
        self._terminals = {fd: terminal for terminal in terminals for fd in (terminal.host, terminal.inner)}
        self._extra: dict[int, Callable[[], None]] = {}

    def add_client(self, sock: socket) -> None:
        """Serve a connection."""
        self._clients[sock.fileno()] = Client(sock)

    def watch(self, fd: int, work: Callable[[], None]) -> None:
        """Call `work` whenever there is something to read from `fd`."""
        self._extra[fd] = work

    def run(self) -> str:
        """Serve until the end; returns how that came, after everybody was told."""
        while not self._step():
            pass
        _, status = os.waitpid(self._container.pid, 0)
        for terminal in set(self._terminals.values()):
            terminal.drain()
        self._give_back()
        how = "reboot" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == _REBOOT_SIGNAL else "shutdown"
        for client in self._clients.values():
            client.send({"ended": how})
        return how

    def _give_back(self) -> None:
        try:
            self._container.give_back()
        except OSError as error:
            os.write(2, f"cannot give a network device back: {error}\n".encode())

    def _step(self) -> bool:
        """Wait once and see to what happened; True: the container has ended."""
        poll = select.poll()
        for fd in (self._container.pidfd, self._listener.fileno(), *self._clients, *self._extra):
            poll.register(fd, select.POLLIN)
        for terminal in set(self._terminals.values()):
            for fd, data, room in terminal.interests():
                poll.register(fd, (select.POLLIN if data else 0) | (select.POLLOUT if room else 0))
        happened = poll.poll()
        for fd, events in happened:
            self._see_to(fd, events)
        return any(fd == self._container.pidfd for fd, _ in happened)

    def _see_to(self, fd: int, events: int) -> None:
        if fd in self._terminals:
            self._terminals[fd].ready(fd, data=bool(events & ~select.POLLOUT), room=bool(events & select.POLLOUT))
        elif fd == self._listener.fileno():
            self._accept()
        elif fd in self._clients:
            self._serve(fd)
        elif fd in self._extra:
            self._extra[fd]()

    def _accept(self) -> None:
        fd, _ = self._listener._accept()  # type: ignore[attr-defined]  # what socket.accept is made of
        sock = socket(fileno=fd)
        uid = int.from_bytes(sock.getsockopt(SOL_SOCKET, SO_PEERCRED, 12)[4:8], "little")
        if uid in (0, os.geteuid()):
            self.add_client(sock)
        else:
            sock.close()

    def _serve(self, fd: int) -> None:
        client = self._clients[fd]
        requests = client.requests()
        if requests is None:
            del self._clients[fd]
            client.socket.close()
            return
        for request in requests:
            client.send(self._requests.answer(request))
