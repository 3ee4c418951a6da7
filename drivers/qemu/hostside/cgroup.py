# SPDX-License-Identifier: LGPL-2.1-or-later
"""A control group for each guest, where the host lets us make one."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from pathlib import Path

from virtd.host.machines import systemd_runs

log = logging.getLogger(__name__)

#: Below which a host's virtual machines are gathered.
PARTITION = "machine"
#: The groups that libvirt makes itself, in /proc/PID/cgroup.
_LIBVIRTS = re.compile(rf":/({PARTITION}/qemu-\d+-[^/\n]*\.libvirt-qemu)(?:/|$)", re.MULTILINE)


def _mounts() -> dict[str, Path]:
    """Controller → its hierarchy; "" is the unified one."""
    found: dict[str, Path] = {}
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            before, _, after = line.partition(" - ")
            kind, _, options = after.split()[:3]
            if kind == "cgroup2":
                found[""] = Path(before.split()[4])
            elif kind == "cgroup":
                found.update(dict.fromkeys(options.split(","), Path(before.split()[4])))
    return found


def place(pid: int, name: str, controllers: list[str]) -> str | None:
    """Move a process into a group of its own called `name`; returns the group, None where there can be none.  Blocks.

    Where systemd runs the groups are its to make (`virtd.host.machines`).
    """
    if os.geteuid() != 0 or systemd_runs():
        return None
    mounts = _mounts()
    wanted = {mounts[c] for c in ["", *controllers] if c in mounts}
    placed = [mount for mount in wanted if _join(mount, name, pid)]
    return f"{PARTITION}/{name}" if placed else None


def _join(mount: Path, name: str, pid: int) -> bool:
    group = mount / PARTITION / name
    try:
        group.mkdir(parents=True, exist_ok=True)
        for folder in (mount / PARTITION, group):
            _inherit_cpuset(folder)
        (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        log.debug("no control group at %s: %s", group, error)
        with contextlib.suppress(OSError):
            group.rmdir()
        return False
    return True


def _inherit_cpuset(folder: Path) -> None:
    """A version 1 cpuset takes no process before it has processors and memory."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = folder / name
        if file.exists() and not file.read_text().strip():
            file.write_text((folder.parent / name).read_text())


def of_libvirt(pid: int) -> str | None:
    """The group that a libvirt daemon made for the guest with this process, None where systemd made it.  Blocks."""
    try:
        text = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
    except OSError:
        return None
    match = _LIBVIRTS.search(text)
    return match[1] if match else None


def remove(group: str | None) -> None:
    """Remove the group, and those in it, from all hierarchies, once its processes are gone.  Blocks."""
    if not group:
        return
    for mount in set(_mounts().values()):
        inner = (path for path in (mount / group).glob("**/") if path != mount / group)
        for folder in (*sorted(inner, reverse=True), mount / group):
            with contextlib.suppress(OSError):
                folder.rmdir()
