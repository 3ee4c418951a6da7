# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<lease>`: a lock that a lock manager holds while the guest runs."""

from __future__ import annotations

from conf.binding import Model, ParseOptions, Ulong, attr, child, child_text
from conf.errors import InternalError, XMLError


class LeaseTarget(Model):
    """Where the lock manager finds the lease."""

    path: str = attr(required=(XMLError, "Missing 'path' attribute to 'target' element for lease"))
    offset: Ulong | None = attr(omit=0)


class Lease(Model):
    """`<lease>`."""

    lockspace: str = child_text()
    key: str = child_text(required=(XMLError, "Missing 'key' element for lease"))
    target: LeaseTarget = child(required=(XMLError, "Missing 'target' element for lease"))

    def check(self, options: ParseOptions) -> None:
        if self.lockspace is None:
            raise InternalError("Missing 'lockspace' element for lease")
