# SPDX-License-Identifier: LGPL-2.1-or-later
"""The main server's session: authentication, the opening of the connection, and who answers after it."""

from __future__ import annotations

from collections.abc import Awaitable

from virtd.calls import Connection
from virtd.dispatch import Handler
from virtd.dispatch.checks import checked
from virtd.errors import Code, From, VirtError
from virtd.server.auth import Authentication
from virtd.server.backend import Backend, Backends
from virtd.server.client import Client
from virtd.server.own import OwnProcedures
from virtd.server.session import Session, rpc_error
from virtd.wire.programs import LXC, QEMU, REMOTE, Procedure

_READ_ONLY = 1  # flag of CONNECT_OPEN

_KEEPALIVE = 10
#: Answers to CONNECT_SUPPORTS_FEATURE that do not depend on the driver.
FEATURES = {2: 0, 8: 1, 9: 1, _KEEPALIVE: 1, 14: 1, 15: 1, 16: 1}


def _internal(detail: str) -> VirtError:
    return VirtError(Code.INTERNAL_ERROR, detail, source=From.RPC)


class RemoteSession(Session):
    """One client of the remote program and those of the hypervisors."""

    programs = {program.number: program for program in (REMOTE, QEMU, LXC)}

    def __init__(self, client: Client, backends: Backends) -> None:
        super().__init__()
        self._client = client
        self._backends = backends
        self._authentication = Authentication(client)
        self._backend: Backend | None = None
        self._opening = False
        self._before_open: dict[str, Handler] = {
            "CONNECT_OPEN": self._open,
            "CONNECT_CLOSE": client.say_goodbye_soon,
            "CONNECT_SUPPORTS_FEATURE": self._supports_feature,
        }
        self._own: OwnProcedures | None = None

    def handler(self, procedure: Procedure) -> Handler:
        """See `Session`."""
        if procedure.before_auth:
            return checked(procedure, self._authentication.methods[procedure.name])
        if not self._client.authenticated:
            raise rpc_error("authentication required")
        if method := self._before_open.get(procedure.name):
            return checked(procedure, method)
        if self._own is None or self._backend is None:
            raise _internal("hypervisor connection not open")
        if method := self._own.methods.get(procedure.name):
            return checked(procedure, method)
        return self._backend.dispatcher.handler(procedure)

    def _open(self, name: str | None, flags: int) -> Awaitable[tuple[()]]:
        if self._opening or self.connection:
            raise _internal("connection already open")
        if name is None:
            raise _internal("connection not open")
        self._opening = True
        return self._open_backend(name, readonly=self._client.service.readonly or bool(flags & _READ_ONLY))

    async def _open_backend(self, uri: str, *, readonly: bool) -> tuple[()]:
        connection = Connection(uri, readonly, self._client.identity)
        try:
            backend = await self._backends.open(uri, connection)
        finally:
            self._opening = False
        self.connection, self._backend = connection, backend
        self._own = OwnProcedures(connection, backend, self._client.send_event)
        self.forget_targets()
        return ()

    def _supports_feature(self, feature: int) -> object:
        if feature == _KEEPALIVE:
            self._client.keepalive.start()
        elif self._backend is None:
            raise _internal("hypervisor connection not open")
        if self._backend is None or feature in FEATURES:
            return (FEATURES[feature],)
        procedure = REMOTE.by_name["CONNECT_SUPPORTS_FEATURE"]
        dispatcher = self._backend.dispatcher
        return dispatcher.handler(procedure)(feature) if dispatcher.supports(procedure) else (0,)

    async def close(self) -> None:
        """See `Session`."""
        if self._own:
            self._own.close()
        if self.connection:
            self.connection.closed()
