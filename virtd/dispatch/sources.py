# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which `virErrorDomain` the public function behind a procedure reports its own refusals with."""

from __future__ import annotations

import re

from virtd.errors import From
from virtd.wire.programs import REMOTE, Procedure

#: The first pattern found in the procedure's name decides.
_BY_NAME = (
    (re.compile("NWFILTER"), From.NWFILTER),
    (re.compile("^DOMAIN_.*SNAPSHOT"), From.DOMAIN_SNAPSHOT),
    (re.compile("^DOMAIN_.*CHECKPOINT"), From.DOMAIN_CHECKPOINT),
    (re.compile("^DOMAIN_|^CONNECT_DOMAIN_"), From.DOMAIN),
    (re.compile("NODE_DEVICE|^NODE_.*_DEVICES$"), From.NODEDEV),
    (re.compile("STORAGE"), From.STORAGE),
    (re.compile("SECRET"), From.SECRET),
    (re.compile("NETWORK"), From.NETWORK),
    (re.compile("INTERFACE"), From.INTERFACE),
)


def api_source(procedure: Procedure) -> From:
    """`virDomain…` DOMAIN, `virNetwork…` NETWORK and so on; functions of a hypervisor's own library NONE."""
    if procedure.program != REMOTE.number:
        return From.NONE
    return next((source for pattern, source in _BY_NAME if pattern.search(procedure.name)), From.DOMAIN)
