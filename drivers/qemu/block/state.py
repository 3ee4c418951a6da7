# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon keeps of a running guest's block layer: the number of the last node, the jobs under way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum

from lxml import etree

from drivers.common.images.jobkinds import JobKind


class JobState(StrEnum):
    """How far a job is."""

    NEW = "new"  # about to be started; QEMU may not have heard of it
    RUNNING = "running"
    READY = "ready"
    ABORTING = "aborting"
    PIVOTING = "pivoting"


@dataclass(slots=True, eq=False)
class BlockJob:
    """A job on a disk.

    Attributes:
        id: QEMU's name of it.
        disk: the target name of the disk ("vda").
        top, base: numbers of the images it works between; a copy has only `top`, the guest's image.
        shallow: a copy of the top image alone, to stand on the same backing files.
        made: the copy's file was made for it (and goes with it if it fails at the start).
        delete: remove the images that a commit makes useless.
        attended: a call waits for its end and sees to what follows.
    """

    id: str
    kind: JobKind
    disk: str
    top: int
    base: int | None = None
    shallow: bool = False
    delete: bool = False
    state: JobState = JobState.NEW
    attended: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class BlockState:
    """`last_index` is the number in the names of the newest nodes, `jobs` has one a disk at most.

    `pivoting`: the guest stands still for a moment, for its own safety and by no one's wish; that is no
    change of its state.

    `numbered_thresholds`: the nodes with a threshold that was set by the image's number ("vda[1]") and is told
    by that name alone.  A new daemon tells it by both, as libvirt's does.
    """

    last_index: int = 0
    jobs: dict[str, BlockJob] = field(default_factory=dict)
    pivoting: bool = False
    numbered_thresholds: set[str] = field(default_factory=set)

    def next_index(self) -> int:
        """A number for a new image."""
        self.last_index += 1
        return self.last_index

    def to_element(self) -> etree._Element:
        """As the status file keeps it."""
        root = etree.Element("blockjobs", last_index=str(self.last_index))
        for job in self.jobs.values():
            attributes = {
                "name": job.id,
                "type": str(job.kind),
                "disk": job.disk,
                "state": str(job.state),
                "top": str(job.top),
                "shallow": "yes" if job.shallow else "no",
                "delete": "yes" if job.delete else "no",
            }
            if job.base is not None:
                attributes["base"] = str(job.base)
            etree.SubElement(root, "blockjob", attributes)
        return root

    @classmethod
    def from_element(cls, root: etree._Element) -> BlockState:
        """Taken back from there.

        Raises:
            ValueError, KeyError: it is damaged.
        """
        state = cls(last_index=int(root.attrib["last_index"]))
        for element in root.findall("blockjob"):
            said = {str(name): str(value) for name, value in element.attrib.items()}
            job = BlockJob(
                id=said["name"],
                kind=JobKind(said["type"]),
                disk=said["disk"],
                state=JobState(said["state"]),
                top=int(said["top"]),
                base=int(said["base"]) if "base" in said else None,
                shallow=said.get("shallow") == "yes",
                delete=said.get("delete") == "yes",
            )
            state.jobs[job.disk] = job
        return state
