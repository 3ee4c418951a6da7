# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the QEMU driver keeps its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from drivers.base import Environment
from drivers.common.persistence import DefinitionFiles

#: How many characters of a guest's name its folders carry: socket paths are limited to 107 bytes.
SHORT_NAME = 20


@dataclass(frozen=True, slots=True)
class QemuPaths:
    """libvirt's folders for the system daemon and for a user's own."""

    config: Path
    state: Path
    lib: Path
    log: Path
    cache: Path

    @classmethod
    def of(cls, environment: Environment) -> QemuPaths:
        """Those below the daemon's folders."""
        base = environment.paths
        if environment.privileged:
            return cls(base.etc / "qemu", base.run / "qemu", base.lib / "qemu", base.log / "qemu", base.cache / "qemu")
        return cls(
            config=base.etc / "qemu",
            state=base.run / "qemu" / "run",
            lib=base.etc / "qemu" / "lib",
            log=base.log / "qemu" / "log",
            cache=base.cache / "qemu" / "cache",
        )

    @property
    def definitions(self) -> DefinitionFiles:
        """The stored definitions, and which guests start with the host."""
        return DefinitionFiles(self.config)

    def status(self, name: str) -> Path:
        """What the daemon knows of the running guest."""
        return self.state / f"{name}.xml"

    def pid_file(self, name: str) -> Path:
        return self.state / f"{name}.pid"

    def log_file(self, name: str) -> Path:
        return self.log / f"{name}.log"

    def domain_dir(self, id_: int, name: str) -> Path:
        """The running guest's own folder: monitor socket, keys, home."""
        return self.lib / f"domain-{id_}-{name[:SHORT_NAME]}"

    def channel_dir(self, id_: int, name: str) -> Path:
        """Where the running guest's channel sockets are put by default."""
        return self.lib / "channel" / "target" / f"domain-{id_}-{name[:SHORT_NAME]}"
