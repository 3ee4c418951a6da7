# SPDX-License-Identifier: LGPL-2.1-or-later
"""The admin server's session."""

from __future__ import annotations

from virtd.admin.api import AdminApi, Administered
from virtd.dispatch import Handler
from virtd.errors import From, VirtError
from virtd.server.client import Client
from virtd.server.session import Session
from virtd.wire.programs import ADMIN, Procedure


class AdminSession(Session):
    """One client of the admin program."""

    programs = {ADMIN.number: ADMIN}

    def __init__(self, client: Client, daemon: Administered) -> None:
        super().__init__()
        self._client = client
        self._api = AdminApi(daemon)

    def handler(self, procedure: Procedure) -> Handler:
        """See `Session`."""
        if procedure.name == "CONNECT_CLOSE":
            return self._client.say_goodbye_soon
        method: Handler = getattr(self._api, procedure.name.lower())

        def handler(*args: object) -> object:
            try:
                return method(*args)
            except VirtError as error:
                if error.source is None:
                    error.source = From.ADMIN
                raise

        return handler
