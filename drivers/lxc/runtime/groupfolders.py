# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where control groups lie: the host's hierarchies, and a group's folder in each of them."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drivers.lxc.controller.plan import CgroupMount
from virtd.errors import Code, VirtError

log = logging.getLogger(__name__)

#: Controllers of version 1 that a container has groups of.
CONTROLLERS = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids")
#: Controllers of version 1 → those of version 2; None: every group has it.
_UNIFIED_NAMES = {"cpuacct": "cpu", "blkio": "io", "freezer": None, "devices": None}
#: Version 2 lets no process beside others' groups: where the controller is, and where the container, whose root of
#: groups this is.  The limits are those of the group above.
SUPERVISOR, PAYLOAD = "supervisor", "payload"
#: The group that a host's containers and virtual machines are gathered in.
GATHERING = "machine"
#: Seconds that the kernel may take to empty a group.
SETTLE_SECONDS = 5.0
POLL_SECONDS = 0.002


@dataclass(slots=True)
class Hierarchies:
    """The host's: where each controller of version 1 is mounted, or the unified one."""

    controllers: dict[str, Path]
    unified: Path | None

    @classmethod
    def find(cls, mountinfo: Path = Path("/proc/self/mountinfo")) -> Hierarchies:
        """Those of this host; version 1 counts where both are there."""
        controllers: dict[str, Path] = {}
        unified: Path | None = None
        for line in mountinfo.read_text().splitlines():
            before, _, after = line.partition(" - ")
            kind, _, options = after.split()[:3]
            place = Path(before.split()[4])
            if kind == "cgroup2":
                unified = place
            elif kind == "cgroup":
                controllers |= {name: place for name in options.split(",") if name in CONTROLLERS}
        return cls(controllers, None if controllers else unified)


class Group:
    """A group by its name below the root of every hierarchy (`machine/lxc-3-demo.libvirt-lxc`).

    `unified` is its folder in the hierarchy of version 2, None where those of version 1 are in use.
    """

    def __init__(self, hierarchies: Hierarchies, name: str) -> None:
        self.name = name
        self.unified = hierarchies.unified / name if hierarchies.unified is not None else None
        self._folders = {controller: place / name for controller, place in hierarchies.controllers.items()}

    def has(self, controller: str) -> bool:
        """Whether the host lets containers have this controller (by its name in version 1)."""
        if self.unified is None:
            return controller in self._folders
        name = _UNIFIED_NAMES.get(controller, controller)
        return name is None or name in (self.unified / "cgroup.controllers").read_text().split()

    @property
    def memory_folder(self) -> str:
        """Where the use of memory is told; "" where it is not."""
        folder = self.unified or self._folders.get("memory")
        return str(folder) if folder is not None else ""

    def shown(self) -> list[CgroupMount]:
        """The hierarchies as the container is to see them."""
        if self.unified is not None:
            return [{"folder": "", "options": ""}]
        found = dict.fromkeys(self._folders.values())
        by_folder = {folder: [c for c, f in self._folders.items() if f == folder] for folder in found}
        return [{"folder": ",".join(names), "options": ",".join(names)} for names in by_folder.values()]

    # -- life

    def create(self) -> None:
        """Make the group; who writes "0" to one of its entrances joins it."""
        for folder in self._all_folders():
            self._make(folder)
        if self.unified is not None:
            for part in (SUPERVISOR, PAYLOAD):
                (self.unified / part).mkdir(exist_ok=True)

    def entrances(self) -> list[str]:
        """Files by which the controller joins: all but what stops the container.

        A process without threads that joins by itself is far faster than one that is moved.
        """
        if self.unified is not None:
            return [str(self.unified / SUPERVISOR / "cgroup.procs")]
        return [str(folder / "tasks") for folder in self._all_folders() if folder != self._folders.get("freezer")]

    def inner_entrances(self) -> list[str]:
        """Files by which the container's init joins in addition."""
        if self.unified is not None:
            return [str(self.unified / PAYLOAD / "cgroup.procs")]
        return [str(self._folders["freezer"] / "tasks")] if "freezer" in self._folders else []

    def _all_folders(self) -> list[Path]:
        return [self.unified] if self.unified is not None else list(dict.fromkeys(self._folders.values()))

    def _make(self, folder: Path) -> None:
        """The group, and what the host's guests are gathered in; further partitions are the administrator's to make."""
        for new in (folder.parent, folder) if folder.parent.name == GATHERING else (folder,):
            if self.unified is not None:
                _delegate(new.parent)
            with contextlib.suppress(FileExistsError):
                new.mkdir()
            _inherit_cpuset(new)

    def pids(self) -> list[int]:
        """The processes in the group and below it, as far as any hierarchy tells."""
        found: set[int] = set()
        for folder in self._all_folders()[:1]:
            for place in _tree(folder):
                with contextlib.suppress(OSError):
                    found.update(int(pid) for pid in (place / "cgroup.procs").read_text().split())
        return sorted(found)

    def remove(self) -> None:
        """Remove the group and those that the container made in it; its processes are gone or about to be."""
        for folder in self._all_folders():
            _remove_tree(folder)

    def folder(self, controller: str) -> Path:
        """The folder with a controller's files.

        Raises:
            VirtError: OPERATION_INVALID, the host has no such controller.
        """
        if self.unified is not None:
            return self.unified
        try:
            return self._folders[controller]
        except KeyError:
            text = f"cgroup {controller.upper()} controller is not mounted"
            raise VirtError(Code.OPERATION_INVALID, text) from None


def _delegate(folder: Path) -> None:
    """Let the groups below have every controller that there is."""
    with contextlib.suppress(OSError):
        for name in (folder / "cgroup.controllers").read_text().split():
            with contextlib.suppress(OSError):
                (folder / "cgroup.subtree_control").write_text(f"+{name}")


def _inherit_cpuset(folder: Path) -> None:
    """A version 1 cpuset takes no process before it has processors and memory."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = folder / name
        if (folder / "cpuset.mem_exclusive").exists() and not file.read_text().strip():
            file.write_text((folder.parent / name).read_text())


def _tree(folder: Path) -> Iterator[Path]:
    for place, _, _ in os.walk(folder):
        yield Path(place)


def _remove_tree(folder: Path) -> None:
    """Remove a group and all below; waits for the last processes to leave."""
    deadline = time.monotonic() + SETTLE_SECONDS
    for place in sorted(_tree(folder), key=lambda p: len(p.parts), reverse=True):
        while True:
            try:
                place.rmdir()
            except FileNotFoundError:
                break
            except OSError as error:
                if error.errno != errno.EBUSY or time.monotonic() > deadline:
                    log.warning("control group %s stays: %s", place, error)
                    return
                time.sleep(POLL_SECONDS)
            else:
                break
