# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a driver is.

A driver is a class whose methods are named after the public API: virDomainBlockCopy is
`domain_block_copy`.  The parameters are the wire's arguments in their order (see
`docs/architecture.md`, "The call contract"), the result is what the API returns.

* A plain `def` never waits: it answers from memory, and the server calls it in place.
* An `async def` may wait; it runs as a task of the client's session, and every wait on something
  outside has a deadline.

A method that is not there is answered with "this function is not supported by the connection
driver: virXxx"; nobody writes stubs.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import ClassVar

from virtd.calls import Connection
from virtd.errors import Code, From, VirtError
from virtd.events import EventBus, Kind
from virtd.host.paths import Paths
from virtd.tasks import TaskOwner


@dataclass(slots=True)
class Environment:
    """What the daemon gives to every driver."""

    paths: Paths
    events: EventBus
    tasks: TaskOwner
    privileged: bool


class Driver:
    """A part of the API: a hypervisor, or one of the host's services."""

    #: The `virErrorDomain` of errors that name none.
    error_source: ClassVar[From]

    #: The kinds of events that this driver emits.
    event_kinds: ClassVar[frozenset[Kind]] = frozenset()

    #: Further objects that hold API methods, one a subject, so that no class has a hundred of them.
    parts: tuple[object, ...] = ()

    def __init__(self, environment: Environment) -> None:
        self.env = environment

    def events_for(self, connection: Connection) -> EventBus:
        """The events that a connection may hear; a driver with several hosts has one bus for each."""
        return self.env.events

    async def start(self) -> None:
        """Load what was saved and find again what still runs.  Called once, before the first call."""

    async def stop(self) -> None:
        """The daemon ends; guests go on."""

    async def reload(self) -> None:
        """The administrator asks to read configuration files again."""

    def in_use(self) -> bool:
        """Whether something runs that keeps a daemon with an idle timeout from leaving."""
        return False


class HypervisorDriver(Driver):
    """A driver that URIs lead to."""

    event_kinds = frozenset({Kind.DOMAIN})

    #: URI schemes that this driver answers to (`qemu` for qemu:///system).
    schemes: ClassVar[tuple[str, ...]]

    #: Whether its connections reach the host's services (storage, networks …) too.
    uses_host_services: ClassVar[bool] = False

    def connect_open(self, connection: Connection, path: str) -> str | Awaitable[str]:
        """Accept or refuse a connection; `path` is the URI's.  Returns the canonical URI, at once or later.

        Here the daemon's own path is accepted: "/system", or "/session" of a user's daemon.

        Raises:
            VirtError: INTERNAL_ERROR, this path is not one of the driver's.
        """
        scheme, own = self.schemes[0], "/system" if self.env.privileged else "/session"
        if path != own:
            text = f"unexpected {scheme} URI path '{path}', try {scheme}://{own}"
            raise VirtError(Code.INTERNAL_ERROR, text)
        return f"{scheme}://{own}"


class NetworkDriver(Driver):
    """Virtual networks: the methods named `network_*` and `connect_*network*`."""

    event_kinds = frozenset({Kind.NETWORK})


class StorageDriver(Driver):
    """Pools and volumes: `storage_*`, `connect_*storage*`."""

    event_kinds = frozenset({Kind.STORAGE_POOL})


class SecretDriver(Driver):
    """Secrets: `secret_*`, `connect_*secret*`."""

    event_kinds = frozenset({Kind.SECRET})


class NWFilterDriver(Driver):
    """Network filters: `nwfilter_*`, `connect_*nwfilter*`."""


class InterfaceDriver(Driver):
    """Host interfaces: `interface_*`, `connect_*interface*`."""


class NodeDeviceDriver(Driver):
    """Host devices: `node_device_*`, `connect_*node_device*`, `node_list_devices`."""

    event_kinds = frozenset({Kind.NODE_DEVICE})
