# SPDX-License-Identifier: LGPL-2.1-or-later
"""A listening unix socket: made with its permissions, or inherited from the service manager."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path

from virtd.server.service import Service

log = logging.getLogger(__name__)

#: Connections taken in one go, so that a crowd at the door does not keep the loop from those inside.
ACCEPT_BATCH = 64
#: Seconds to wait when the process or the host has no descriptors left.
NO_DESCRIPTORS_PAUSE = 0.5


def bind(service: Service, backlog: int) -> socket.socket:
    """A new socket at the service's path, with its permissions from the first moment on.

    Raises:
        OSError: the path cannot be used, or somebody listens there already (EADDRINUSE).
    """
    service.path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        _remove_stale(service.path)
        umask = os.umask(0o777)
        try:
            sock.bind(str(service.path))
        finally:
            os.umask(umask)
        if service.group is not None:
            os.chown(service.path, -1, service.group)
        os.chmod(service.path, service.mode)
        sock.listen(backlog)
    except BaseException:
        sock.close()
        raise
    return sock


def _remove_stale(path: Path) -> None:
    """Remove the socket of a daemon that is gone; one that is served stays, and `bind` fails on it."""
    with contextlib.suppress(FileNotFoundError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()


class Listener:
    """Accepts connections while it is told to.  Owns the socket; removes the file if `bind` made it."""

    def __init__(
        self, service: Service, sock: socket.socket, accepted: Callable[[Service, socket.socket], None], *, own: bool
    ) -> None:
        self.service = service
        self._sock = sock
        self._accepted = accepted
        self._own = own
        self._loop = asyncio.get_running_loop()
        self._open = False
        self._retry: asyncio.TimerHandle | None = None
        sock.setblocking(False)

    def resume(self) -> None:
        """Accept (again)."""
        if not self._open:
            self._open = True
            self._loop.add_reader(self._sock.fileno(), self._accept)

    def pause(self) -> None:
        """Leave those who come in the kernel's queue."""
        if self._retry:
            self._retry.cancel()
        if self._open:
            self._open = False
            self._loop.remove_reader(self._sock.fileno())

    def _accept(self) -> None:
        for _ in range(ACCEPT_BATCH):
            try:
                connected, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.error("cannot accept on %s: %s", self.service.path, error)
                self.pause()
                self._retry = self._loop.call_later(NO_DESCRIPTORS_PAUSE, self.resume)
                return
            connected.setblocking(False)
            self._accepted(self.service, connected)
            if not self._open:
                return

    def close(self) -> None:
        """Listen no more."""
        self.pause()
        self._sock.close()
        if self._own:
            with contextlib.suppress(FileNotFoundError):
                self.service.path.unlink()
