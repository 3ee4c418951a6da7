# SPDX-License-Identifier: LGPL-2.1-or-later
"""The admin server's session."""

from __future__ import annotations

from virtd.dispatch import Handler
from virtd.server.client import Client
from virtd.server.session import Session, rpc_error
from virtd.wire.programs import ADMIN, Procedure


class AdminSession(Session):
    """One client of the admin program."""

    programs = {ADMIN.number: ADMIN}

    def __init__(self, client: Client, daemon: object) -> None:
        super().__init__()
        self._client = client

    def handler(self, procedure: Procedure) -> Handler:
        """See `Session`."""
        raise rpc_error("later")
