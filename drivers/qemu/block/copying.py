# SPDX-License-Identifier: LGPL-2.1-or-later
"""Block copy: mirroring a disk to another place while the guest runs."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from dataclasses import dataclass

from conf.domain.devices.disk import Disk
from conf.domain.devices.storage_source import BackingStore, Format, Mirror
from drivers.common.images import destination
from drivers.common.images.jobkinds import JobKind
from drivers.common.images.layers import Layer, chain, mirror_chain
from drivers.qemu.block import access, commands, jobs
from drivers.qemu.block.chains import complete
from drivers.qemu.block.creation import create_format, virtual_size
from drivers.qemu.block.nodes import drive_node, layer_nodes
from drivers.qemu.block.state import BlockJob
from drivers.qemu.guest import Guest
from drivers.qemu.monitor import MonitorTimeout
from virtd.errors import Code, VirtError, invalid_arg, operation_invalid
from virtd.threads import in_thread


@dataclass(slots=True, frozen=True)
class CopyOptions:
    """How to copy.

    Attributes:
        shallow: only the top image; the copy stands on the same backing files.
        reuse: the destination is there and prepared.
        transient: the caller knows that the job does not survive the guest's end.
        synchronous: the guest's writes wait for both images.
        speed: bytes a second; None: no limit.
        granularity, buffer_size: bytes; None: QEMU's choice.
    """

    shallow: bool = False
    reuse: bool = False
    transient: bool = False
    synchronous: bool = False
    speed: int | None = None
    granularity: int | None = None
    buffer_size: int | None = None


async def start(guest: Guest, disk: Disk, mirror: Mirror, options: CopyOptions) -> None:
    """Start copying `disk` to `mirror`; the caller holds the guest's job.

    Raises:
        VirtError: why it cannot be; nothing is left of the attempt.
    """
    jobs.refuse_if_busy(guest, disk)
    if guest.persistent is not None and not options.transient:
        raise operation_invalid("domain is not transient")
    shallow = options.shallow and not disk.is_empty and len(chain(disk)) > 1
    reuse = await _check_destination(disk, mirror, shallow=shallow, reuse=options.reuse)
    if disk.is_empty:
        raise VirtError(Code.INTERNAL_ERROR, "failed to update capacity data for block node '(null)'")
    await _Attempt(guest, disk, mirror, shallow=shallow, reuse=reuse).run(options)


async def _check_destination(disk: Disk, mirror: Mirror, *, shallow: bool, reuse: bool) -> bool:
    """Complete the description and look at the place; returns whether the image there is used as it is."""
    name = disk.target.dev or ""
    source = mirror.source
    assert source is not None
    path = source.file or source.dev
    if path is not None and not os.path.isabs(path):
        raise invalid_arg("absolute path must be used as block copy target")
    if shallow and mirror.format is not None and mirror.format.type == "raw":
        text = f"shallow copy of disk '{name}' into a raw file is not possible"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)
    in_place = await in_thread(destination.validate, mirror, name, reuse=reuse)
    if mirror.format is None:
        source_format = "raw" if disk.is_empty else chain(disk)[0].format
        found = await in_thread(destination.format_of_existing, mirror) if reuse else source_format
        mirror.format = Format(type=found)
        mirror.legacy_format = mirror.format.type
    return in_place


class _Attempt:
    """The start of a copy, which undoes itself when it fails."""

    def __init__(self, guest: Guest, disk: Disk, mirror: Mirror, *, shallow: bool, reuse: bool) -> None:
        self.guest = guest
        self.disk = disk
        self.mirror = mirror
        self.shallow = shallow
        self.reuse = reuse
        self.size = 0

    async def run(self, options: CopyOptions) -> None:
        async with AsyncExitStack() as undo:
            undo.callback(self._forget)
            layers = await self._describe()
            # Before anything is opened: should the daemon be killed, the next one knows what to close.
            await self.guest.save_status()
            await self._make_file(layers[0], undo)
            undo.push_async_callback(access.revoke, self.guest, layers)
            await access.grant(self.guest, layers)
            undo.push_async_callback(jobs.close_images, self.guest, layers)
            await self._open(layers)
            try:
                await self._begin(layers[0], options)
            except MonitorTimeout:  # it may begin yet, and needs its images then
                undo.pop_all()
                raise
            undo.pop_all()

    def _forget(self) -> None:
        self.disk.mirror = None
        self.guest.save_status_soon()

    async def _describe(self) -> list[Layer]:
        """Put the copy into the XML, with numbers for its images."""
        assert self.guest.runtime is not None
        assert self.mirror.source is not None
        block = self.guest.runtime.block
        self.disk.mirror = self.mirror
        self.mirror.source.index = block.next_index()
        if not self.shallow:
            self.mirror.backing_store = BackingStore()
        elif self.reuse:
            user = access.whom(self.guest)
            ids = (user.uid, user.gid) if user else None
            block.last_index = await complete(mirror_chain(self.disk), block.last_index, user=ids)
        return mirror_chain(self.disk)

    async def _make_file(self, top: Layer, undo: AsyncExitStack) -> None:
        """An empty file of the right size, where there is none."""
        self.size = await virtual_size(self.guest.monitor, chain(self.disk)[0])
        if self.reuse or self.mirror.type != "file" or top.path is None:
            return
        size = self.size if top.driver == "raw" else 0
        try:
            made = await in_thread(access.create_file, top.path, size)
        except OSError as error:
            raise VirtError(Code.SYSTEM_ERROR, f"failed to create copy target: {error.strerror}") from error
        if made:
            undo.callback(os.unlink, top.path)

    async def _open(self, layers: list[Layer]) -> None:
        """Open the copy's images, from the last one up; make the format of a new one."""
        monitor, top = self.guest.monitor, layers[0]
        for layer, below in reversed(list(zip(layers, [*layers[1:], None], strict=True))[1:]):
            for node in layer_nodes(layer, below, terminated=True):
                await commands.blockdev_add(monitor, node)
        shared = chain(self.disk)[1] if self.shallow and not self.reuse else None
        *storage, format_ = layer_nodes(top, shared or (layers[1] if len(layers) > 1 else None), terminated=True)
        for node in storage:
            await commands.blockdev_add(monitor, node)
        if not self.reuse and top.driver != "raw":
            await create_format(monitor, top, self.size, shared)
        await commands.blockdev_add(monitor, format_)

    async def _begin(self, top: Layer, options: CopyOptions) -> None:
        source, dev = chain(self.disk)[0], self.disk.target.dev or ""
        job = BlockJob(f"copy-{dev}-{source.format_node}", JobKind.COPY, dev, source.index, shallow=self.shallow)

        async def mirror() -> None:
            await commands.blockdev_mirror(
                self.guest.monitor,
                job.id,
                device=drive_node(self.disk) or source.format_node,
                target=top.format_node,
                sync="top" if self.shallow else "full",
                speed=options.speed,
                granularity=options.granularity,
                buffer_size=options.buffer_size,
                synchronous=options.synchronous,
            )

        await jobs.start(self.guest, job, mirror)
