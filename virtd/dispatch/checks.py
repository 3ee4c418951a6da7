# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is checked before any driver is asked: whether the caller may, and whether the arguments can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from virtd.calls import current_call
from virtd.dispatch.arguments import Check, argument_checks
from virtd.dispatch.sources import api_source
from virtd.errors import Code, VirtError
from virtd.wire.programs import Procedure, WriteAccess

#: From decoded arguments to the reply's fields, or an awaitable of them, or WithFds or WithStream around them.
Handler = Callable[..., Any]


def checked(procedure: Procedure, handler: Handler) -> Handler:
    """`handler`, which takes the arguments of `procedure`, with what has to be checked before it."""
    checks = [*argument_checks(procedure)]
    if procedure.write_access:
        checks.insert(0, _access_check(procedure, procedure.write_access))
    if not checks:
        return handler

    def check_first(*args: Any) -> Any:
        for check in checks:
            check(args)
        return handler(*args)

    return check_first


def _access_check(procedure: Procedure, access: WriteAccess) -> Check:
    what = f"{procedure.api} with secure flag" if access.secure else f"read only access prevents {procedure.api}"
    source = api_source(procedure)

    def check(args: tuple[Any, ...]) -> None:
        if current_call.get().connection.readonly and access.refuses(args):
            raise VirtError(Code.OPERATION_DENIED, what, source=source)

    return check
