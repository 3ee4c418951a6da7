# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server: its sockets, its clients, and the limits on both."""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
from collections.abc import Callable

from virtd.server.client import Client
from virtd.server.listener import Listener, bind
from virtd.server.service import Limits, Service
from virtd.server.session import Session
from virtd.tasks import TaskOwner

log = logging.getLogger(__name__)

#: Seconds that calls under way have to end when the server closes.
SHUTDOWN_TIMEOUT = 5.0


class Server:
    """Serves one set of programs, as `make_session` makes them for each client.

    `on_change` is called whenever a client came or left.
    """

    def __init__(self, name: str, limits: Limits, make_session: Callable[[Client], Session]) -> None:
        self.name = name
        self.limits = limits
        self.clients: dict[int, Client] = {}
        self.on_change: Callable[[], None] = lambda: None
        self.make_session = make_session
        self._anonymous: set[int] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._listeners: list[Listener] = []
        self._numbers = itertools.count(1)
        self._tasks = TaskOwner(f"server {name}")
        self._closing = False

    def listen(self, service: Service, inherited: socket.socket | None = None) -> None:
        """Open `service`, on the socket the service manager made if there is one.

        Raises:
            OSError: the socket cannot be made.
        """
        sock = inherited or bind(service, self.limits.max_queued_clients)
        listener = Listener(service, sock, self._accepted, own=inherited is None)
        self._listeners.append(listener)
        listener.resume()

    @property
    def anonymous(self) -> int:
        """How many clients have not authenticated."""
        return len(self._anonymous)

    def _accepted(self, service: Service, sock: socket.socket) -> None:
        try:
            client = Client(next(self._numbers), sock, service, self)
        except OSError as error:
            log.info("a client left at once: %s", error)
            sock.close()
            return
        self.clients[client.number] = client
        self._empty.clear()
        if not client.authenticated:
            self._anonymous.add(client.number)
        self.clients_changed()

    def client_authenticated(self, client: Client) -> None:
        """See `ClientOwner`."""
        self._anonymous.discard(client.number)
        self.clients_changed()

    def client_gone(self, client: Client) -> None:
        """See `ClientOwner`."""
        self._tasks.spawn(self._release(client), f"goodbye to {client.number}")

    async def _release(self, client: Client) -> None:
        try:
            await client.release()
        finally:
            self.clients.pop(client.number, None)
            self._anonymous.discard(client.number)
            if not self.clients:
                self._empty.set()
            self.clients_changed()

    def clients_changed(self) -> None:
        """Open or close the doors: someone came, left or authenticated, or the limits are new."""
        limits = self.limits
        full = len(self.clients) >= limits.max_clients
        strangers = 0 < limits.max_anonymous_clients <= len(self._anonymous)
        if not self._closing:
            for listener in self._listeners:
                if full or strangers:
                    listener.pause()
                else:
                    listener.resume()
        self.on_change()

    async def close(self) -> None:
        """Close the doors, let calls under way end for a moment, and send everyone home."""
        self._closing = True
        for listener in self._listeners:
            listener.close()
        clients = list(self.clients.values())
        goodbyes = [self._tasks.spawn(client.finish(), "finish") for client in clients]
        if goodbyes:
            await asyncio.wait(goodbyes, timeout=SHUTDOWN_TIMEOUT)
        for client in clients:
            client.hang_up("the daemon ends")
            await client.tasks.close()
        await self._empty.wait()
        await self._tasks.close()
