# SPDX-License-Identifier: LGPL-2.1-or-later
"""Block commit and block pull: making a chain of images shorter, from either side."""

from __future__ import annotations

import os

from conf.domain.devices.disk import Disk
from conf.domain.devices.storage_source import Format, Mirror
from drivers.common.images.jobkinds import JobKind
from drivers.common.images.layers import Layer, chain
from drivers.common.images.lookup import find_image, medium_chain, relative_path
from drivers.qemu.block import commands, jobs
from drivers.qemu.block.creation import backing_string
from drivers.qemu.block.nodes import drive_node
from drivers.qemu.block.state import BlockJob
from drivers.qemu.guest import Guest
from virtd.enums import DomainBlockCommitFlags as Commit
from virtd.errors import Code, VirtError
from virtd.host.images import read_header
from virtd.threads import in_thread


async def start_commit(guest: Guest, disk: Disk, upper: Layer, lower: Layer, *, speed: int | None, flags: int) -> None:
    """Merge the images from `upper` to above `lower` into `lower`; the caller holds the guest's job.

    Raises:
        VirtError: why it cannot be.
    """
    jobs.refuse_if_busy(guest, disk)
    layers = chain(disk)
    active = upper.top
    dev = disk.target.dev or ""
    job = BlockJob(
        f"commit-{dev}-{upper.format_node}",
        JobKind.ACTIVE_COMMIT if active else JobKind.COMMIT,
        dev,
        upper.index,
        lower.index,
        delete=bool(flags & Commit.DELETE),
    )
    name = None
    if not active:
        numbers = [layer.index for layer in layers]
        way = layers[numbers.index(upper.index) - 1 : numbers.index(lower.index) + 1]
        name = await _name_for(way, relative=bool(flags & Commit.RELATIVE))

    async def begin() -> None:
        await commands.block_commit(
            guest.monitor,
            job.id,
            device=drive_node(disk) or layers[0].format_node,
            top=upper.format_node,
            base=lower.format_node,
            backing_file=name,
            speed=speed,
        )

    if active:
        disk.mirror = _mirror_of_base(lower)
    try:
        await jobs.start(guest, job, begin)
    except BaseException:
        if job.disk not in (guest.runtime.block.jobs if guest.runtime else ()):
            disk.mirror = None
            guest.save_status_soon()
        raise


async def _name_for(way: list[Layer], *, relative: bool) -> str:
    """How the first of these images is to name the last when those between are gone."""
    if not relative:
        return backing_string(way[-1])
    return relative_path(await in_thread(_names_on, way))


def _names_on(way: list[Layer]) -> list[str | None]:
    """By which each of the images but the last names the next.  Blocks."""
    try:
        return [read_header(image.path, image.format).backing if image.path else None for image in way[:-1]]
    except OSError as error:
        raise VirtError(Code.SYSTEM_ERROR, f"Cannot access an image: {os.strerror(error.errno or 0)}") from error


def _mirror_of_base(base: Layer) -> Mirror:
    """The base of an active commit, shown as what is mirrored to."""
    source = base.source.model_copy()
    source.index = base.index
    return Mirror(type=base.element.type, job="active-commit", format=Format(type=base.format), source=source)


async def start_pull(guest: Guest, disk: Disk, base: str | None, *, speed: int | None, relative: bool) -> None:
    """Copy what lies between the top image and `base` (None: all) into the top image.

    Raises:
        VirtError: why it cannot be.
    """
    jobs.refuse_if_busy(guest, disk)
    layers = medium_chain(disk)
    top = layers[0]
    lower = find_image(layers, base, below=top) if base is not None else None
    dev = disk.target.dev or ""
    name = None
    if lower is not None:
        way = layers[: [layer.index for layer in layers].index(lower.index) + 1]
        name = await _name_for(way, relative=relative)
    job = BlockJob(f"pull-{dev}-{top.format_node}", JobKind.PULL, dev, top.index, lower.index if lower else None)

    async def begin() -> None:
        await commands.block_stream(
            guest.monitor,
            job.id,
            device=drive_node(disk) or top.format_node,
            base=lower.format_node if lower else None,
            backing_file=name,
            speed=speed,
        )

    await jobs.start(guest, job, begin)
