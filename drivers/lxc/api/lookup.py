# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finding and listing domains."""

from __future__ import annotations

from drivers.common.lookup import Lookup
from drivers.lxc.api.base import Part
from drivers.lxc.guest import Guest


class LookupApi(Part, Lookup[Guest]):
    """virDomainLookupBy…, virConnectListAllDomains."""
