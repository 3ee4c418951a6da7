# SPDX-License-Identifier: LGPL-2.1-or-later
"""lxc.conf: the administrator's choices for the LXC driver."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from virtd.store import conffile


@dataclass(frozen=True, slots=True)
class LxcSettings:
    """One field an option of lxc.conf, with its name and default there.

    Attributes:
        log_with_libvirtd: a controller's messages go to the daemon's log instead of the container's.
        security_driver: the model that confines containers; empty: what the host has; "none": nothing does.
        security_default_confined: containers are confined unless their definition says otherwise (`confinement`).
        security_require_confined: containers that are not confined are refused.
    """

    log_with_libvirtd: bool = False
    security_driver: str = ""
    security_default_confined: bool = False
    security_require_confined: bool = False

    @classmethod
    def load(cls, path: Path) -> LxcSettings:
        """Read lxc.conf; what it does not name keeps its default.

        Raises:
            VirtError: CONF_SYNTAX: not readable, or a value of the wrong type.
        """
        return cls(**conffile.read(path).options(cls))
