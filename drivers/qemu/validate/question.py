# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a check asks about."""

from __future__ import annotations

from typing import NamedTuple

from conf.domain import Domain
from drivers.qemu.facts import EmulatorFacts, Site


class Question(NamedTuple):
    """Can this emulator on this host do that for the domain?"""

    domain: Domain
    emulator: EmulatorFacts
    site: Site
