# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a daemon that was killed in the middle of something left open in a guest's QEMU."""

from __future__ import annotations

import logging
import re

from drivers.common.images import changes
from drivers.qemu.block import commands, jobs
from drivers.qemu.block.nodes import disk_nodes
from drivers.qemu.guest import Guest

log = logging.getLogger(__name__)

#: Nodes made by us for images, upper ones first.
_KINDS = ("format", "slice-sto", "storage")
_OURS = re.compile(rf"libvirt-(\d+)-({'|'.join(_KINDS)})", re.ASCII)
#: Jobs made by us.
_OUR_JOBS = ("copy-", "pull-", "commit-", "create-")


async def clear(guest: Guest) -> None:
    """Forget copies that were never started, dismiss jobs nobody knows, close images nobody uses.

    For a guest that was just found again: nothing else is under way.
    """
    await _forget_copies(guest)
    await _dismiss_jobs(guest)
    await _close_nodes(guest)


async def _forget_copies(guest: Guest) -> None:
    """A mirror without a job is one that had not come as far."""
    assert guest.runtime is not None
    for disk in guest.require_active().devices.disks:
        if disk.mirror is None or disk.target.dev in guest.runtime.block.jobs:
            continue
        log.warning("guest %s: the start of a copy of disk %s was interrupted", guest.name, disk.target.dev)
        before = changes.images(disk)
        disk.mirror = None
        await jobs.close_images(guest, changes.gone(before, disk))


async def _dismiss_jobs(guest: Guest) -> None:
    assert guest.runtime is not None
    known = {job.id for job in guest.runtime.block.jobs.values()}
    for job in (await commands.query_jobs(guest.monitor)).values():
        if job.ended and job.id not in known and job.id.startswith(_OUR_JOBS):
            await commands.job_dismiss(guest.monitor, job.id)


async def _close_nodes(guest: Guest) -> None:
    """QEMU itself refuses to close what is in use."""
    assert guest.runtime is not None
    used: set[str] = set()
    for disk in guest.require_active().devices.disks:
        used.update(node["node-name"] for node in disk_nodes(disk))
        used.update(name for layer in changes.images(disk) for name in layer.nodes)
    found = [str(node.get("node-name")) for node in await commands.query_named_block_nodes(guest.monitor)]
    ours = [match for name in found if name not in used and (match := _OURS.fullmatch(name))]
    # The number of a node that stays must not be given again.
    numbers = [int(match[1]) for name in found if (match := _OURS.fullmatch(name))]
    guest.runtime.block.last_index = max([guest.runtime.block.last_index, *numbers])
    ours.sort(key=lambda match: _KINDS.index(match[2]))
    await jobs.close_nodes(guest, [match[0] for match in ours])
