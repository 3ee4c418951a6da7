# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits of processes."""

from __future__ import annotations

import resource
import subprocess

from drivers.qemu.hostside import limits
from drivers.qemu.settings import QemuSettings


def test_what_is_limited_and_what_is_not():
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        try:
            processes = resource.prlimit(process.pid, resource.RLIMIT_NPROC)
            limits.apply(process.pid, QemuSettings(max_files=99, max_core="0"))
            assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE) == (99, 99)
            assert resource.prlimit(process.pid, resource.RLIMIT_CORE) == (0, 0)
            assert resource.prlimit(process.pid, resource.RLIMIT_NPROC) == processes
        finally:
            process.kill()
