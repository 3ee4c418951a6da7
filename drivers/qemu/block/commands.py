# SPDX-License-Identifier: LGPL-2.1-or-later
"""QMP commands of the block layer as functions; the rules of `drivers.qemu.commands` hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drivers.qemu.commands import Reply, as_list, without_none
from drivers.qemu.monitor import COMMAND_TIMEOUT, Monitor

#: Jobs stay in QEMU's list when they end, so that a daemon that missed the event can ask how.
KEPT = {"auto-finalize": True, "auto-dismiss": False}


@dataclass(slots=True, frozen=True)
class JobInfo:
    """A job as `query-jobs` shows it; `error` None while it goes on and when it ended well."""

    id: str
    type: str
    status: str
    current: int
    total: int
    error: str | None

    @property
    def ended(self) -> bool:
        """Nothing more will happen; only `dismiss` is left."""
        return self.status in ("concluded", "null")


async def query_jobs(monitor: Monitor) -> dict[str, JobInfo]:
    """All jobs by their id."""
    jobs = (_job(reply) for reply in as_list(await monitor.execute("query-jobs"), "query-jobs"))
    return {job.id: job for job in jobs}


def _job(reply: Reply) -> JobInfo:
    error = reply.get("error")
    return JobInfo(
        id=str(reply.get("id")),
        type=str(reply.get("type")),
        status=str(reply.get("status")),
        current=_number(reply.get("current-progress")),
        total=_number(reply.get("total-progress")),
        error=None if error is None else str(error),
    )


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


@dataclass(slots=True, frozen=True)
class BlockJobInfo:
    """A job as `query-block-jobs` shows it: sizes in bytes, speed in bytes a second."""

    id: str
    type: str
    length: int
    offset: int
    speed: int
    ready: bool


async def query_block_jobs(monitor: Monitor) -> dict[str, BlockJobInfo]:
    """The jobs of the block layer by their id."""
    reply = as_list(await monitor.execute("query-block-jobs"), "query-block-jobs")
    jobs = (
        BlockJobInfo(
            id=str(job.get("device")),
            type=str(job.get("type")),
            length=_number(job.get("len")),
            offset=_number(job.get("offset")),
            speed=_number(job.get("speed")),
            ready=job.get("ready") is True,
        )
        for job in reply
    )
    return {job.id: job for job in jobs}


async def job_complete(monitor: Monitor, job: str) -> None:
    """Let a ready job switch over; it ends some time later."""
    await monitor.execute("job-complete", {"id": job})


async def job_cancel(monitor: Monitor, job: str) -> None:
    """Cancel a job whatever its state: a ready mirror ends without switching over."""
    await monitor.execute("job-cancel", {"id": job})


async def block_job_cancel(monitor: Monitor, job: str, *, force: bool) -> None:
    """As `job_cancel`, but without `force` a ready mirror leaves a complete copy behind."""
    await monitor.execute("block-job-cancel", {"device": job, "force": force})


async def job_dismiss(monitor: Monitor, job: str) -> None:
    """Remove a concluded job from QEMU's list."""
    await monitor.execute("job-dismiss", {"id": job})


async def block_job_set_speed(monitor: Monitor, job: str, speed: int) -> None:
    """Limit a job to `speed` bytes a second; 0: no limit."""
    await monitor.execute("block-job-set-speed", {"device": job, "speed": speed})


async def blockdev_mirror(
    monitor: Monitor,
    job: str,
    *,
    device: str,
    target: str,
    sync: str,
    speed: int | None,
    granularity: int | None,
    buffer_size: int | None,
    synchronous: bool,
) -> None:
    """Start copying node `device` to node `target` and keep them equal ("full", or "top" for the top image alone)."""
    arguments = {
        "job-id": job,
        "device": device,
        "target": target,
        "speed": speed,
        "granularity": granularity,
        "buf-size": buffer_size,
        "sync": sync,
        "copy-mode": "write-blocking" if synchronous else None,
    }
    await monitor.execute("blockdev-mirror", without_none(arguments) | KEPT)


async def block_commit(
    monitor: Monitor,
    job: str,
    *,
    device: str,
    top: str,
    base: str,
    backing_file: str | None,
    speed: int | None,
) -> None:
    """Merge the images from node `top` down into node `base`; `backing_file` is written into the one above."""
    arguments = {
        "job-id": job,
        "device": device,
        "top-node": top,
        "base-node": base,
        "backing-file": backing_file,
        "speed": speed,
    }
    await monitor.execute("block-commit", without_none(arguments) | KEPT)


async def block_stream(
    monitor: Monitor, job: str, *, device: str, base: str | None, backing_file: str | None, speed: int | None
) -> None:
    """Pull what lies below node `device`, down to but without node `base`, into it."""
    arguments = {"job-id": job, "device": device, "base-node": base, "backing-file": backing_file, "speed": speed}
    await monitor.execute("block-stream", without_none(arguments) | KEPT)


async def blockdev_add(monitor: Monitor, node: Mapping[str, Any]) -> None:
    """Open a node."""
    await monitor.execute("blockdev-add", node)


async def blockdev_del(monitor: Monitor, node: str) -> None:
    """Close a node."""
    await monitor.execute("blockdev-del", {"node-name": node})


async def blockdev_create(monitor: Monitor, job: str, options: Mapping[str, Any]) -> None:
    """Start the job that creates a file or the format inside one."""
    await monitor.execute("blockdev-create", {"job-id": job, "options": options})


async def query_named_block_nodes(monitor: Monitor) -> list[Reply]:
    """All nodes, each by itself."""
    reply = await monitor.execute("query-named-block-nodes", {"flat": True})
    return as_list(reply, "query-named-block-nodes")


async def query_block(monitor: Monitor, *, patience: float = COMMAND_TIMEOUT) -> list[Reply]:
    """The guest's drives, with what is in them."""
    return as_list(await monitor.execute("query-block", timeout=patience), "query-block")


async def block_resize(monitor: Monitor, node: str, size: int) -> None:
    """Give a node another size in bytes."""
    await monitor.execute("block_resize", {"node-name": node, "size": size}, timeout=600)


async def block_set_write_threshold(monitor: Monitor, node: str, threshold: int) -> None:
    """Emit BLOCK_WRITE_THRESHOLD, once, when a write passes `threshold` bytes; 0 ends that."""
    await monitor.execute("block-set-write-threshold", {"node-name": node, "write-threshold": threshold})


async def block_set_io_throttle(monitor: Monitor, device: str, limits: Mapping[str, Any]) -> None:
    """Set all limits of a drive named by its QOM path or id; QEMU's own names."""
    await monitor.execute("block_set_io_throttle", {"id": device, **limits})


async def blockdev_insert_medium(monitor: Monitor, device: str, node: str) -> None:
    """Put an open node into a removable drive."""
    await monitor.execute("blockdev-insert-medium", {"id": device, "node-name": node})


async def blockdev_remove_medium(monitor: Monitor, device: str) -> None:
    """Take the medium out of an open tray."""
    await monitor.execute("blockdev-remove-medium", {"id": device})


async def blockdev_open_tray(monitor: Monitor, device: str, *, force: bool) -> None:
    """Open a drive's tray."""
    await monitor.execute("blockdev-open-tray", {"id": device, "force": force})


async def blockdev_close_tray(monitor: Monitor, device: str) -> None:
    """Close a drive's tray."""
    await monitor.execute("blockdev-close-tray", {"id": device})


async def drive_of(monitor: Monitor, qdev: str) -> Reply | None:
    """A guest's drive as `query-block` shows it; `qdev` is its device's id, which stands in the QOM path."""
    for drive in await query_block(monitor):
        path = str(drive.get("qdev", ""))
        if path == qdev or f"/{qdev}/" in f"{path}/":
            return drive
    return None


async def node_of_drive(monitor: Monitor, qdev: str) -> str | None:
    """The node a guest's drive works on now, None for an empty one.

    This is the last word on where the guest's writes go, whatever became of a job.
    """
    drive = await drive_of(monitor, qdev)
    inserted = drive.get("inserted") if drive else None
    return str(inserted.get("node-name")) if isinstance(inserted, dict) else None
