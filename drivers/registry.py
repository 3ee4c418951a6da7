# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finds, starts and stops drivers: a URI's scheme is the name of an entry point of the group `virtd.drivers`.

The host's services, which connections to its hypervisors reach too, are those of the group `virtd.services`.
"""

from __future__ import annotations

import asyncio
import logging
import re
from importlib.metadata import EntryPoint, entry_points
from urllib.parse import SplitResult, urlsplit

from drivers.base import Driver, Environment, HypervisorDriver
from virtd.calls import Connection
from virtd.errors import Code, From, VirtError
from virtd.events import EventBus
from virtd.host.paths import Paths
from virtd.tasks import TaskOwner
from virtd.threads import in_thread

log = logging.getLogger(__name__)

GROUP = "virtd.drivers"
SERVICES = "virtd.services"
#: Which hypervisor an empty URI means: the first of these that is there and wants it.
PREFERRED = ("xen", "qemu", "lxc", "bhyve", "vz")
#: Seconds that a driver has to stop.
STOP_TIMEOUT = 5.0

_URI = re.compile(r"(?![:/?#])[!-~]*")


class Registry:
    """The drivers of a daemon.  Each is imported and started when it is first needed.

    `installed` is for tests; a daemon takes what is installed.  An entry point's group tells services from the rest.
    """

    def __init__(self, paths: Paths, *, privileged: bool, installed: dict[str, EntryPoint] | None = None) -> None:
        self._paths = paths
        self._privileged = privileged
        self._installed = find_installed() if installed is None else installed
        self._services = [name for name, entry in self._installed.items() if entry.group == SERVICES]
        self._running: dict[str, asyncio.Task[Driver]] = {}
        self._tasks = TaskOwner("drivers")

    async def open(self, uri: str, connection: Connection) -> tuple[Driver, ...]:
        """Open `connection` to `uri` and fill in its canonical form; returns the drivers that answer it.

        Raises:
            VirtError: no driver for this URI, or the driver refuses it.
        """
        if not uri:
            return await self._open_default(connection)
        parts = parse_uri(uri)
        if parts.scheme not in self._installed or parts.scheme in self._services or parts.netloc:
            raise no_driver(uri)
        return await self._open(parts.scheme, parts.path, uri, connection)

    async def _open_default(self, connection: Connection) -> tuple[Driver, ...]:
        for scheme in PREFERRED:
            if scheme in self._installed:
                try:
                    path = "/system" if self._privileged else "/session"
                    return await self._open(scheme, path, f"{scheme}://{path}", connection)
                except VirtError as error:
                    log.info("%s is not the default hypervisor: %s", scheme, error)
        raise VirtError(Code.NO_CONNECT, source=From.NONE)

    async def _open(self, scheme: str, path: str, uri: str, connection: Connection) -> tuple[Driver, ...]:
        driver = await self.start(scheme)
        if not isinstance(driver, HypervisorDriver):
            raise no_driver(uri)
        connection.uri = uri
        opened = driver.connect_open(connection, path)
        connection.uri = opened if isinstance(opened, str) else await opened
        return (driver, *await self._host_services()) if driver.uses_host_services else (driver,)

    async def _host_services(self) -> list[Driver]:
        """Those that start: without the others there is a little less to a connection."""
        await self._start_all(self._services)
        return [service for name in self._services if (service := self._started(name))]

    async def start(self, name: str) -> Driver:
        """The driver of this name, started; whoever asks meanwhile waits for the same start.

        Raises:
            VirtError: it cannot start; the next to ask tries again.
        """
        task = self._running.get(name)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = self._running[name] = self._tasks.spawn(self._start(name), f"start {name}")
        return await asyncio.shield(task)

    async def _start(self, name: str) -> Driver:
        try:
            # imports take a while, and the sockets are being served
            make = await in_thread(self._installed[name].load)
        except (ImportError, AttributeError) as error:
            raise VirtError(Code.INTERNAL_ERROR, f"cannot load the driver {name}: {error}") from error
        driver: Driver = make(
            Environment(
                paths=self._paths, events=EventBus(), tasks=TaskOwner(f"driver {name}"), privileged=self._privileged
            )
        )
        try:
            await driver.start()
        except BaseException as error:
            await driver.env.tasks.close()
            if isinstance(error, OSError):
                raise VirtError.from_os(error, f"cannot start the driver {name}") from error
            raise
        return driver

    def with_state(self) -> list[str]:
        """The drivers that left something behind which runs, or is to be started: they cannot wait."""
        folders = (self._paths.etc, self._paths.run)
        return [name for name in self._installed if any(any((f / name).glob("*.xml")) for f in folders)]

    async def start_all_with_state(self) -> None:
        """Start those, side by side; one that fails is logged and does not keep others from starting."""
        await self._start_all(self.with_state())

    async def _start_all(self, names: list[str]) -> None:
        results = await asyncio.gather(*(self.start(name) for name in names), return_exceptions=True)
        for name, result in zip(names, results, strict=True):
            if isinstance(result, BaseException):
                log.error("driver %s did not start: %s", name, result)

    def started(self) -> list[Driver]:
        """The drivers that have started."""
        return [driver for name in self._running if (driver := self._started(name))]

    def _started(self, name: str) -> Driver | None:
        task = self._running.get(name)
        return task.result() if task and task.done() and not task.cancelled() and not task.exception() else None

    def in_use(self) -> bool:
        """Whether something runs, or is about to, that an idle daemon must stay for."""
        starting = any(not task.done() for task in self._running.values())
        return starting or any(driver.in_use() for driver in self.started())

    async def reload(self) -> None:
        """The administrator has changed files: drivers read theirs again."""
        for driver in self.started():
            try:
                await driver.reload()
            except Exception:
                log.exception("driver %s did not reload", type(driver).__name__)

    async def stop(self) -> None:
        """The daemon ends."""
        for driver in self.started():
            try:
                async with asyncio.timeout(STOP_TIMEOUT):
                    await driver.stop()
            except TimeoutError:
                log.error("driver %s did not stop within %g seconds", type(driver).__name__, STOP_TIMEOUT)
            except Exception:
                log.exception("driver %s did not stop", type(driver).__name__)
            await driver.env.tasks.close()
        await self._tasks.close()


def find_installed() -> dict[str, EntryPoint]:
    """The entry points of all drivers by name."""
    return {entry.name: entry for group in (GROUP, SERVICES) for entry in entry_points(group=group)}


def parse_uri(uri: str) -> SplitResult:
    """Take a connection URI apart.

    Raises:
        VirtError: it is none, or names no driver.
    """
    try:
        if not _URI.fullmatch(uri):
            raise ValueError(uri)
        parts = urlsplit(uri)
    except ValueError:
        raise VirtError(Code.INTERNAL_ERROR, f"Unable to parse URI {uri}", source=From.URI) from None
    if not parts.scheme:
        raise no_driver(f"URI '{uri}' does not include a driver name")
    return parts


def no_driver(uri: str) -> VirtError:
    """The stock answer to a URI that nobody serves."""
    return VirtError(Code.NO_CONNECT, uri, source=From.NONE)
