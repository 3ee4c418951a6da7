# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a client may call: a server's programs, and who answers their procedures."""

from __future__ import annotations

from typing import ClassVar

from virtd.calls import Connection
from virtd.dispatch import Handler
from virtd.errors import Code, From, VirtError
from virtd.wire.message import Header
from virtd.wire.programs import Procedure, Program


def rpc_error(detail: str) -> VirtError:
    """VIR_ERR_RPC with this text."""
    return VirtError(Code.RPC, detail, source=From.RPC)


class Session:
    """The base of what the servers of this daemon offer to one client."""

    #: Number → program.
    programs: ClassVar[dict[int, Program]]
    #: The open connection, if there is one.
    connection: Connection | None = None

    def __init__(self) -> None:
        self._targets: dict[tuple[int, int, int], tuple[Procedure, Handler]] = {}

    def target(self, header: Header) -> tuple[Procedure, Handler]:
        """The called procedure and what answers it.

        Raises:
            VirtError: there is no such program or procedure, or not for this client, or not now.
        """
        called = header[:3]
        known = self._targets.get(called)
        if known is None:
            known = self._find(*called)
            self._targets[called] = known
        return known

    def _find(self, number: int, version: int, procedure_number: int) -> tuple[Procedure, Handler]:
        program = self.programs.get(number)
        if program is None or program.version != version:
            raise rpc_error(f"Cannot find program {number} version {version}")
        procedure = program.procedures.get(procedure_number)
        if procedure is None or procedure.kind == "event":
            raise rpc_error(f"unknown procedure: {procedure_number}")
        return procedure, self.handler(procedure)

    def forget_targets(self) -> None:
        """What a procedure leads to has changed: the client authenticated, or opened its connection."""
        self._targets.clear()

    def handler(self, procedure: Procedure) -> Handler:
        """What answers `procedure` now.

        Raises:
            VirtError: nothing does.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """The client is gone."""
