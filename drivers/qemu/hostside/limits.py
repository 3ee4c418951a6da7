# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits of a guest's process by qemu.conf."""

from __future__ import annotations

import resource

from drivers.qemu.settings import QemuSettings
from virtd.errors import Code, VirtError


def apply(pid: int, settings: QemuSettings) -> None:
    """Set what the administrator limited; the rest stays as the daemon's own.

    Raises:
        VirtError: SYSTEM_ERROR.
    """
    wanted = {resource.RLIMIT_NPROC: settings.max_processes, resource.RLIMIT_NOFILE: settings.max_files}
    limits = {what: limit for what, limit in wanted.items() if limit > 0}
    if settings.max_core != "unlimited":
        limits[resource.RLIMIT_CORE] = int(settings.max_core)
    for what, limit in limits.items():
        try:
            resource.prlimit(pid, what, (limit, limit))
        except (OSError, ValueError) as error:
            raise VirtError(Code.SYSTEM_ERROR, f"cannot limit process {pid}: {error}") from error
