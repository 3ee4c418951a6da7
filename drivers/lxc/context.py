# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the rooms of the LXC driver share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drivers.base import Environment
from drivers.common.guestlist import GuestList
from drivers.lxc.interface import Runtime
from drivers.lxc.paths import LxcPaths
from drivers.lxc.runtime.nursery import Nursery
from drivers.lxc.settings import LxcSettings

if TYPE_CHECKING:
    from drivers.lxc.guest import Guest


@dataclass(slots=True)
class LxcContext:
    """The driver's surroundings: made once by the driver, handed to its parts and its guests."""

    env: Environment
    paths: LxcPaths
    settings: LxcSettings
    guests: GuestList[Guest]
    runtime: Runtime
    nursery: Nursery = field(default_factory=Nursery)
