# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a client proves that it may use the socket it came by."""

from __future__ import annotations

from collections.abc import Awaitable

from virtd.dispatch import Handler
from virtd.errors import Code, From, VirtError
from virtd.host.polkit import check_authorization
from virtd.server.client import Client

#: The wire's names of the ways (`remote_auth_type`).
NONE, POLKIT = 0, 2

ACTIONS = {False: "org.libvirt.unix.manage", True: "org.libvirt.unix.monitor"}


def failed() -> VirtError:
    """The answer that tells a stranger nothing."""
    return VirtError(Code.AUTH_FAILED, "authentication failed", source=From.RPC)


class Authentication:
    """The AUTH_ procedures of one client."""

    def __init__(self, client: Client) -> None:
        self._client = client
        #: Procedure's name → what answers it.
        self.methods: dict[str, Handler] = {
            "AUTH_LIST": self._list,
            "AUTH_POLKIT": self._polkit,
            "AUTH_SASL_INIT": self._sasl,
            "AUTH_SASL_START": self._sasl,
            "AUTH_SASL_STEP": self._sasl,
        }

    def _list(self) -> tuple[list[int]]:
        """Which way is asked for; to ask is enough for root."""
        client = self._client
        if not client.authenticated and client.identity.uid == 0:
            client.authenticate()
        return ([NONE if client.authenticated else POLKIT],)

    def _polkit(self) -> Awaitable[tuple[int]]:
        if self._client.authenticated:
            raise failed()
        return self._ask_polkit()

    async def _ask_polkit(self) -> tuple[int]:
        client = self._client
        await check_authorization(client.identity, ACTIONS[client.service.readonly])
        client.authenticate()
        return (1,)

    def _sasl(self, *_args: object) -> None:
        """SASL is not offered on unix sockets."""
        raise failed()
