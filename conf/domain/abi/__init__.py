# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether a guest that runs as one definition can go on as another: what it sees of its machine is the same.

Asked wherever a client gives a definition for a guest that is half on its way: restoring from a file,
reverting to a snapshot, migrating.  Both definitions have to be complete, with all devices in their places.
"""

from __future__ import annotations

from conf.domain.abi.compare import Check, check_all, same, string
from conf.domain.abi.devices import DEVICES
from conf.domain.abi.features import features
from conf.domain.abi.machine import PROCESSOR, SYSTEM, VCPUS
from conf.domain.abi.memory import CURRENT, SIZES, nodes
from conf.domain.domain import Domain

__all__ = ["Check", "check_abi"]


def _genid(old: Domain, new: Domain) -> None:
    same("Target domain requested genid does not match source", lambda domain: domain.genid is not None)(old, new)
    same("Target domain genid %s does not match source %s", "genid")(old, new)


_IDENTITY: tuple[Check, ...] = (
    same("Target domain virt type %s does not match source %s", "type"),
    same("Target domain uuid %s does not match source %s", "uuid"),
    # Nothing a guest sees; but nobody shall rename it in passing.
    same("Target domain name '%s' does not match source '%s'", string("name")),
    _genid,
)


def check_abi(old: Domain, new: Domain, *, volatile: bool = True, also: Check | None = None) -> None:
    """Compare two definitions of a guest (virDomainDefCheckABIStability).

    Args:
        old: what it runs as.
        new: what it would go on as.
        volatile: compare what a running guest changes itself, too.
        also: what the hypervisor's driver compares besides, last.

    Raises:
        ConfigUnsupportedError: the first difference that the guest would notice.
    """
    check_all(_IDENTITY, old, new)
    check_all((*SIZES[:1], *((CURRENT,) if volatile else ()), *SIZES[1:], nodes), old, new)
    check_all((*VCPUS, *SYSTEM, features, *PROCESSOR, *DEVICES), old, new)
    if also is not None:
        also(old, new)
