# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the LXC driver keeps its files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from drivers.base import Environment
from drivers.common.persistence import DefinitionFiles

#: Bytes of a socket's name, of which the kernel takes 107 with its folder.
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class LxcPaths:
    """libvirt's folders for the system daemon and for a user's own."""

    config: Path
    state: Path
    log: Path

    @classmethod
    def of(cls, environment: Environment) -> LxcPaths:
        """Those below the daemon's folders."""
        base = environment.paths
        log = base.log / "lxc" if environment.privileged else base.log / "lxc" / "log"
        return cls(base.etc / "lxc", base.run / "lxc", log)

    @property
    def settings(self) -> Path:
        return self.config.parent / "lxc.conf"

    @property
    def definitions(self) -> DefinitionFiles:
        """The stored definitions, and which guests start with the host."""
        return DefinitionFiles(self.config, edit="-c lxc:///system edit")

    def status(self, name: str) -> Path:
        """What the daemon knows of the running guest."""
        return self.state / f"{name}.xml"

    def log_file(self, name: str) -> Path:
        """What the controller and the container's console say."""
        return self.log / f"{name}.log"

    def socket(self, name: str) -> Path:
        """Where the controller of the running guest listens."""
        return self.state / f"{_short(name)}.sock"

    def mounts(self, name: str) -> Path:
        """The running guest's own folder on the host: its terminals and what else it is shown of the host's making."""
        return self.state / f"{name}.dev"


def _short(name: str) -> str:
    """A guest's name, or what stands for a long one."""
    data = name.encode()
    if len(data) <= _LONGEST_NAME:
        return name
    return hashlib.sha256(data).hexdigest()[:_LONGEST_NAME]
