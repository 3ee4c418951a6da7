# SPDX-License-Identifier: LGPL-2.1-or-later
"""lxc.conf: the administrator's choices for the LXC driver."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from virtd.errors import Code, VirtError
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
        found = conffile.read(path)
        return cls(**{f.name: _typed(path, f.name, str(f.type), found[f.name]) for f in fields(cls) if f.name in found})


def _typed(path: Path, name: str, wanted: str, value: conffile.Value) -> Any:
    if wanted == "bool" and value in (0, 1):
        return bool(value)
    if wanted == "str" and isinstance(value, str):
        return value
    raise VirtError(Code.CONF_SYNTAX, f"{path}: {name} is not of type {wanted}")
