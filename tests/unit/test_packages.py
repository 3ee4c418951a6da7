# SPDX-License-Identifier: LGPL-2.1-or-later
"""The set-up's package script, on a make-believe machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "tools/packages.sh"

#: No package is installed; apt-get cannot get QEMU nor new lists, and notes what it is asked to install.
MACHINE = {
    "id": "echo 0",
    "dpkg-query": "exit 1",
    "apt-get": 'case "$*" in *update*|*qemu-system-x86*) exit 100;; esac; echo "$*" >> "$NOTES"',
    "getent": "exit 0",
}


def test_a_package_that_cannot_be_had_keeps_no_other_away(tmp_path: Path) -> None:
    for name, script in MACHINE.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    notes = tmp_path / "notes"
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "NOTES": str(notes)}
    done = subprocess.run(
        ["/bin/sh", str(SCRIPT), "runtime"], env=environment, capture_output=True, text=True, timeout=30, check=True
    )
    assert "stays missing: qemu-system-x86" in done.stderr
    assert any(line.endswith(" qemu-utils") for line in notes.read_text().splitlines())
