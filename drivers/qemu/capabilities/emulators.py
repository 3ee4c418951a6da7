# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which emulators are installed: found by name along PATH, without starting any."""

from __future__ import annotations

import os
import shutil

from drivers.qemu.capabilities.arch import ARCHES, kvm_can_run

#: Names distributions give to the emulator of the host's own architecture.
_NATIVE = ("qemu-kvm", "/usr/libexec/qemu-kvm")


def find_emulator(arch: str, host_arch: str) -> str | None:
    """Path of the emulator for guests of `arch`, or None."""
    known = ARCHES.get(arch)
    if known is None:
        return None
    names = [f"qemu-system-{known.qemu}"]
    if arch == host_arch:
        names += _NATIVE
    elif kvm_can_run(host_arch, arch) and arch == "i686":
        names.append(f"qemu-system-{ARCHES[host_arch].qemu}")
    path = next((path for name in names if (path := shutil.which(name))), None)
    return os.path.abspath(path) if path else None


def installed_emulators(host_arch: str) -> dict[str, str]:
    """Architecture → path of its emulator, for all that are installed."""
    found = {arch: find_emulator(arch, host_arch) for arch in ARCHES}
    return {arch: path for arch, path in found.items() if path}
