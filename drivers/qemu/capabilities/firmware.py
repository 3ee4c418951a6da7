# SPDX-License-Identifier: LGPL-2.1-or-later
"""The firmware images installed, as their descriptor files (QEMU's firmware.json) tell."""

from __future__ import annotations

import fnmatch
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

#: Later folders override files of the same name in earlier ones; an empty file hides one.
FOLDERS = (Path("/usr/share/qemu/firmware"), Path("/etc/qemu/firmware"))


@dataclass(frozen=True, slots=True)
class Target:
    """What an image runs on; `machines` are patterns."""

    arch: str
    machines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Firmware:
    """An image.  `device` is how it is mapped: `flash` (with an NVRAM template), `memory` or `kernel`."""

    interfaces: frozenset[str]
    device: str
    executable: str
    format: str | None
    nvram_template: str | None
    nvram_format: str | None
    targets: tuple[Target, ...]
    features: frozenset[str]
    #: flash only: whether code and variables are one file, or no variables are kept
    mode: str = "split"

    def fits(self, arch: str, machine: str) -> bool:
        """Whether it is made for machines of this (canonical) name."""
        return any(
            target.arch == arch and any(fnmatch.fnmatchcase(machine, pattern) for pattern in target.machines)
            for target in self.targets
        )

    @property
    def secure(self) -> bool:
        """Needs system management mode to keep its variables from the guest."""
        return "requires-smm" in self.features


def load_firmwares(folders: tuple[Path, ...] = FOLDERS) -> list[Firmware]:
    """All descriptors in their order of preference.  One that cannot be understood is left out.  Blocks."""
    files: dict[str, Path] = {}
    for folder in folders:
        if folder.is_dir():
            files.update({path.name: path for path in folder.iterdir() if path.suffix == ".json"})
    found = []
    for _, path in sorted(files.items()):
        try:
            content = path.read_bytes()
            if content.strip():
                found.append(_firmware(json.loads(content)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("the firmware descriptor %s is ignored: %s", path, error)
    return found


def _firmware(description: dict[str, Any]) -> Firmware:
    mapping = description["mapping"]
    executable = mapping["executable"] if mapping["device"] == "flash" else mapping
    template = mapping.get("nvram-template", {})
    return Firmware(
        interfaces=frozenset(description["interface-types"]),
        device=mapping["device"],
        executable=str(executable["filename"]),
        format=executable.get("format"),
        nvram_template=template.get("filename"),
        nvram_format=template.get("format"),
        targets=tuple(Target(t["architecture"], tuple(t["machines"])) for t in description["targets"]),
        features=frozenset(description["features"]),
        mode=mapping.get("mode", "split"),
    )
