# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the rooms of the QEMU driver share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drivers.base import Environment
from drivers.common.guestlist import GuestList
from drivers.qemu.facts import Site
from drivers.qemu.paths import QemuPaths

if TYPE_CHECKING:
    from drivers.qemu.adopt.strays import Stray
    from drivers.qemu.capabilities import CapabilitiesCache
    from drivers.qemu.feature import Feature
    from drivers.qemu.guest import Guest
    from drivers.qemu.settings import QemuSettings


@dataclass(slots=True)
class QemuContext:
    """The driver's surroundings: made once by the driver, handed to its parts and its guests.

    `features` are the subjects that keep state of their own beside each guest (block jobs …),
    `strays` the guests that run without us.
    """

    env: Environment
    paths: QemuPaths
    settings: QemuSettings
    capabilities: CapabilitiesCache
    guests: GuestList[Guest]
    features: list[Feature] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    #: What definitions depend on of this host's setup.
    site: Site = field(init=False)

    def __post_init__(self) -> None:
        self.site = Site(
            nvram_dir=str(self.paths.lib / "nvram"),
            spice_tls=self.settings.spice_tls,
            vnc_allow_host_audio=self.settings.vnc_allow_host_audio,
        )
