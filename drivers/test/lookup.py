# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finding and listing guests: what all drivers answer alike, asked of the caller's host."""

from __future__ import annotations

from drivers.common.lookup import Lookup
from drivers.test.base import DomainPart
from drivers.test.guest import TestGuest


class LookupApi(DomainPart, Lookup[TestGuest]):
    """virDomainLookupBy…, virConnectListAllDomains."""
