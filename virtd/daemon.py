# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds the parts of the daemon and owns their lifetime."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from drivers.registry import Registry
from virtd.admin.session import AdminSession
from virtd.host import systemd
from virtd.host.logs import Logs
from virtd.host.paths import Paths
from virtd.host.pidfile import PidFile
from virtd.idle import IdleTimer
from virtd.server.backend import Backends
from virtd.server.client import Client
from virtd.server.remote import RemoteSession
from virtd.server.server import Server
from virtd.server.service import Limits, Service
from virtd.server.session import Session
from virtd.settings import Settings
from virtd.tasks import TaskOwner

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Options:
    """What was said on the command line.

    `timeout` is in seconds, 0 for never; `ready` is called once clients are served.
    """

    paths: Paths
    settings: Settings
    logs: Logs
    privileged: bool
    pid_file: Path
    timeout: int = 0
    ready: Callable[[], None] = field(default=lambda: None)


class Daemon:
    """One daemon, from its start to its end."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.logs = options.logs
        self.registry = Registry(options.paths, privileged=options.privileged)
        self._backends = Backends(self.registry)
        self._tasks = TaskOwner("daemon")
        self._stop = asyncio.Event()
        settings = options.settings
        self.servers = {
            server.name: server
            for server in (
                Server("libvirtd", _limits(settings), self._remote_session),
                Server("admin", _admin_limits(settings), self._admin_session),
            )
        }
        self.idle = IdleTimer(self._in_use, self.stop, options.timeout)

    def _remote_session(self, client: Client) -> Session:
        return RemoteSession(client, self._backends)

    def _admin_session(self, client: Client) -> Session:
        return AdminSession(client, self)

    def _in_use(self) -> bool:
        return any(server.clients for server in self.servers.values()) or self.registry.in_use()

    def stop(self) -> None:
        """End the daemon soon; guests go on."""
        self._stop.set()

    async def run(self) -> None:
        """Serve until `stop`.

        Raises:
            VirtError: another daemon runs; OSError: a socket cannot be made.
        """
        async with AsyncExitStack() as stack:
            stack.callback(PidFile(self.options.pid_file).close)
            self._handle_signals(stack)
            stack.push_async_callback(self._tasks.close)
            stack.push_async_callback(self.registry.stop)
            stack.callback(self.idle.stop)
            for server in self.servers.values():
                stack.push_async_callback(server.close)
                server.on_change = self.idle.restart
            self._listen()
            self._tasks.spawn(self.registry.start_all_with_state(), "start drivers")
            self._start_watchdog()
            self.idle.restart()
            self.options.ready()
            systemd.notify("READY=1")
            await self._stop.wait()
            systemd.notify("STOPPING=1")

    def _handle_signals(self, stack: AsyncExitStack) -> None:
        loop = asyncio.get_running_loop()
        for number, handler in (
            (signal.SIGTERM, self.stop),
            (signal.SIGINT, self.stop),
            (signal.SIGQUIT, self.stop),
            (signal.SIGHUP, self._reload),
        ):
            loop.add_signal_handler(number, handler)
            stack.callback(loop.remove_signal_handler, number)

    def _reload(self) -> None:
        self._tasks.spawn(self.registry.reload(), "reload")

    def _listen(self) -> None:
        inherited = systemd.inherited_sockets()
        for server, unit, service in self._services():
            server.listen(service, inherited.pop(unit, None))
        for name, sock in inherited.items():
            log.warning("the service manager passed a socket %s that nobody serves", name)
            sock.close()

    def _services(self) -> list[tuple[Server, str, Service]]:
        """Each socket with its server and the name of its systemd unit; only root's daemon has a read-only one."""
        settings, privileged = self.options.settings, self.options.privileged
        folder = settings.unix_sock_dir or self.options.paths.run
        main, admin = self.servers["libvirtd"], self.servers["admin"]
        group = settings.unix_sock_group

        def main_service(name: str, *, readonly: bool) -> Service:
            mode = settings.mode(readonly=readonly, privileged=privileged)
            auth = settings.auth(readonly=readonly, privileged=privileged)
            return Service(folder / name, mode, group, readonly, auth)

        services = [
            (main, "virtd.socket", main_service("libvirt-sock", readonly=False)),
            (admin, "virtd-admin.socket", Service(folder / "libvirt-admin-sock", settings.unix_sock_admin_perms)),
        ]
        if privileged:
            services.append((main, "virtd-ro.socket", main_service("libvirt-sock-ro", readonly=True)))
        return services

    def _start_watchdog(self) -> None:
        if interval := systemd.watchdog_interval():
            self._tasks.spawn(_watchdog(interval), "watchdog")


async def _watchdog(interval: float) -> None:
    """Signs of life: they stop when the loop does."""
    while True:
        systemd.notify("WATCHDOG=1")
        await asyncio.sleep(interval)


def _limits(settings: Settings) -> Limits:
    return Limits(
        max_clients=settings.max_clients,
        max_queued_clients=settings.max_queued_clients,
        max_anonymous_clients=settings.max_anonymous_clients,
        max_client_requests=settings.max_client_requests,
        keepalive_interval=settings.keepalive_interval,
        keepalive_count=settings.keepalive_count,
    )


def _admin_limits(settings: Settings) -> Limits:
    return Limits(
        max_clients=settings.admin_max_clients,
        max_queued_clients=settings.admin_max_queued_clients,
        max_anonymous_clients=0,
        max_client_requests=settings.admin_max_client_requests,
        keepalive_interval=settings.admin_keepalive_interval,
        keepalive_count=settings.admin_keepalive_count,
    )
