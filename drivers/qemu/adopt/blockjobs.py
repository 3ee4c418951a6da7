# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<blockjobs>` of libvirt's status files, and what of them we can follow."""

from __future__ import annotations

import logging
import re

from conf.binding import Model, YesNo, attr, child_text, children, flag
from conf.domain import Domain
from drivers.common.images.jobkinds import JobKind
from drivers.common.images.layers import chain
from drivers.qemu.adopt.verbatim import Element, verbatim
from drivers.qemu.block.state import BlockJob, JobState

log = logging.getLogger(__name__)

_NODE = re.compile(r"libvirt-(\d{1,9})-format", re.ASCII)
#: libvirt's states of a job; one that QEMU has ended is settled like one that runs.
_STATES = {
    "new": JobState.NEW,
    "running": JobState.RUNNING,
    "ready": JobState.READY,
    "aborting": JobState.ABORTING,
    "pivoting": JobState.READY,
    "concluded": JobState.RUNNING,
    "completed": JobState.RUNNING,
    "failed": JobState.RUNNING,
    "cancelled": JobState.ABORTING,
}


class JobElement(Model):
    """`<blockjob>`: what stands between which nodes."""

    name: str = attr(required=True)
    type: str = attr(required=True)
    state: str = attr(required=True)
    newstate: str | None = attr()
    brokentype: str | None = attr()
    jobflags: str | None = attr()
    shallownew: YesNo | None = attr()
    errmsg: str | None = child_text()
    disk: str | None = attr("dst", at="disk")
    mirror: str | None = attr("mirror", at="disk")
    chains: Element | None = verbatim("chains")
    base: str | None = attr("node", at="base")
    top: str | None = attr("node", at="top")
    topparent: str | None = attr("node", at="topparent")
    delete_committed_images: bool = flag("deleteCommittedImages")
    bitmap: str | None = attr("name", at="bitmap")
    store: Element | None = verbatim("store")
    create: str | None = attr("mode", at="create")
    src: Element | None = verbatim("src")


class JobElements(Model):
    """`<blockjobs>`; `active`: there was one at some time."""

    active: YesNo | None = attr()
    jobs: list[JobElement] = children("blockjob")


def followed(elements: JobElements | None, domain: Domain) -> dict[str, BlockJob]:
    """The jobs by their disk.  One of a kind that we do not know, or of no disk, goes on unseen and is named in the log."""
    found: dict[str, BlockJob] = {}
    for element in elements.jobs if elements is not None else []:
        job = _job(element, domain)
        if job is None:
            text = "guest %s: its %s job %s goes on, but is not followed"
            log.warning(text, domain.name, element.type, element.name)
        else:
            found[job.disk] = job
    return found


def _job(element: JobElement, domain: Domain) -> BlockJob | None:
    image = _image_numbers(domain).get(element.disk or "")
    if image is None or element.type not in tuple(JobKind) or element.state not in _STATES:
        return None
    kind = JobKind(element.type)
    top, base = _number(element.top), _number(element.base)
    if kind in (JobKind.COMMIT, JobKind.ACTIVE_COMMIT) and (top is None or base is None):
        return None
    return BlockJob(
        id=element.name,
        kind=kind,
        disk=element.disk or "",
        top=top if kind is JobKind.COMMIT and top is not None else image,
        base=base,
        shallow=bool(element.shallownew),
        delete=element.delete_committed_images,
        state=_STATES[element.state],
    )


def _image_numbers(domain: Domain) -> dict[str, int]:
    """Target of a disk → the number of its image."""
    disks = [disk for disk in domain.devices.disks if disk.target.dev and not disk.is_empty]
    return {disk.target.dev or "": chain(disk)[0].index or 0 for disk in disks}


def _number(node: str | None) -> int | None:
    """The number in a node's name."""
    match = _NODE.fullmatch(node or "")
    return int(match[1]) if match else None
