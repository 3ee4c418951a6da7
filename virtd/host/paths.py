# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where things lie: libvirt's folders, or the same below a root of one's own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """The daemon's folders.  A driver appends its own name: `etc / "qemu"` and so on."""

    etc: Path
    run: Path
    lib: Path
    cache: Path
    log: Path

    @classmethod
    def system(cls, root: Path = Path("/")) -> Paths:
        """Those of the system daemon, all below `root`."""
        return cls(
            etc=root / "etc/libvirt",
            run=root / "run/libvirt",
            lib=root / "var/lib/libvirt",
            cache=root / "var/cache/libvirt",
            log=root / "var/log/libvirt",
        )

    @classmethod
    def session(cls) -> Paths:
        """Those of a user's own daemon, by the XDG rules."""
        home = Path.home()

        def xdg(variable: str, default: str) -> Path:
            return Path(os.environ.get(variable) or home / default) / "libvirt"

        runtime = os.environ.get("XDG_RUNTIME_DIR")
        cache = xdg("XDG_CACHE_HOME", ".cache")
        return cls(
            etc=xdg("XDG_CONFIG_HOME", ".config"),
            run=Path(runtime) / "libvirt" if runtime else cache,
            lib=xdg("XDG_DATA_HOME", ".local/share"),
            cache=cache,
            log=cache,
        )
