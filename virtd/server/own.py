# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon itself answers on an open connection, whatever the driver: versions, identity, events."""

from __future__ import annotations

from collections.abc import Callable

from virtd.calls import Connection, Identity
from virtd.dispatch import Handler
from virtd.enums import TypedParameterType as T
from virtd.errors import check_flags
from virtd.events import Kind
from virtd.params import TypedParam, Value, validate_params
from virtd.server.backend import Backend
from virtd.server.subscriptions import Subject, Subscriptions

#: The release whose API and behaviour clients find here, and the same as virGetVersion counts.
LIBVIRT_RELEASE = "9.0.0"
LIBVIRT_VERSION = 9_000_000

#: What CONNECT_SET_IDENTITY may say of the caller.
IDENTITY_PARAMS: dict[str, int] = {
    "user-name": T.STRING,
    "unix-user-id": T.ULLONG,
    "group-name": T.STRING,
    "unix-group-id": T.ULLONG,
    "process-id": T.LLONG,
    "process-time": T.ULLONG,
    "sasl-user-name": T.STRING,
    "x509-distinguished-name": T.STRING,
    "selinux-context": T.STRING,
}

#: Procedures that (de)register for events of one kind: the first word of their names → kind.
EVENT_PROCEDURES = {
    "CONNECT_DOMAIN_EVENT_CALLBACK": Kind.DOMAIN,
    "CONNECT_NETWORK_EVENT": Kind.NETWORK,
    "CONNECT_STORAGE_POOL_EVENT": Kind.STORAGE_POOL,
    "CONNECT_NODE_DEVICE_EVENT": Kind.NODE_DEVICE,
    "CONNECT_SECRET_EVENT": Kind.SECRET,
}


class OwnProcedures:
    """Those of one connection; `methods` has them by their procedure's name."""

    def __init__(self, connection: Connection, backend: Backend, send_event: Callable[[bytes], None]) -> None:
        self._connection = connection
        self._subscriptions = Subscriptions(backend.event_buses(connection), send_event)
        self.methods: dict[str, Handler] = {
            "CONNECT_GET_URI": lambda: (connection.uri,),
            "CONNECT_GET_LIB_VERSION": lambda: (LIBVIRT_VERSION,),
            "CONNECT_IS_SECURE": lambda: (1,),  # a unix socket stays on this host
            "CONNECT_SET_IDENTITY": self._set_identity,
            # drivers here never lose their hypervisor, so there is nothing to tell
            "CONNECT_REGISTER_CLOSE_CALLBACK": lambda: (),
            "CONNECT_UNREGISTER_CLOSE_CALLBACK": lambda: (),
        }
        for name, kind in EVENT_PROCEDURES.items():
            if kind in backend.event_kinds:
                self._add_events(name, kind)
        if Kind.DOMAIN in backend.event_kinds:
            self._add_legacy_events()
        if Kind.QEMU_MONITOR in backend.event_kinds:
            self._add_monitor_events()

    def close(self) -> None:
        """The client is gone."""
        self._subscriptions.close()

    def _set_identity(self, params: list[TypedParam], flags: int) -> tuple[()]:
        """virConnectSetIdentity: the client speaks for somebody else from now on."""
        check_flags(flags, 0, "virConnectSetIdentity")
        given = validate_params(params, IDENTITY_PARAMS)
        self._connection.identity = Identity(
            uid=_number(given, "unix-user-id"),
            gid=_number(given, "unix-group-id"),
            pid=_number(given, "process-id"),
            user=_text(given, "user-name"),
        )
        return ()

    def _add_events(self, name: str, kind: Kind) -> None:
        def register(event_id: int, subject: Subject | None) -> tuple[int]:
            return (self._subscriptions.register(kind, event_id, subject),)

        self.methods[f"{name}_REGISTER_ANY"] = register
        self.methods[f"{name}_DEREGISTER_ANY"] = self._deregister(kind)

    def _add_monitor_events(self) -> None:
        def register(subject: Subject | None, event: str | None, flags: int) -> tuple[int]:
            return (self._subscriptions.register_monitor(subject, event, flags),)

        self.methods["CONNECT_DOMAIN_MONITOR_EVENT_REGISTER"] = register
        self.methods["CONNECT_DOMAIN_MONITOR_EVENT_DEREGISTER"] = self._deregister(Kind.QEMU_MONITOR)

    def _deregister(self, kind: Kind) -> Handler:
        def deregister(callback_id: int) -> tuple[()]:
            self._subscriptions.deregister(kind, callback_id)
            return ()

        return deregister

    def _add_legacy_events(self) -> None:
        """For clients that know no callback ids: all domains, and an event once."""

        def register(event_id: int) -> tuple[()]:
            self._subscriptions.register(Kind.DOMAIN, event_id, None, legacy=True)
            return ()

        def deregister(event_id: int) -> tuple[()]:
            self._subscriptions.deregister_legacy(event_id)
            return ()

        self.methods["CONNECT_DOMAIN_EVENT_REGISTER_ANY"] = register
        self.methods["CONNECT_DOMAIN_EVENT_DEREGISTER_ANY"] = deregister
        # lifecycle events are id 0; the result would count callbacks, and stock daemons say 0
        self.methods["CONNECT_DOMAIN_EVENT_REGISTER"] = lambda: register(0) or (0,)
        self.methods["CONNECT_DOMAIN_EVENT_DEREGISTER"] = lambda: deregister(0) or (0,)


def _number(given: dict[str, Value], field: str) -> int | None:
    value = given.get(field)
    return value if isinstance(value, int) else None


def _text(given: dict[str, Value], field: str) -> str | None:
    value = given.get(field)
    return value if isinstance(value, str) else None
