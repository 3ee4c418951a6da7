# SPDX-License-Identifier: LGPL-2.1-or-later
"""The API of single disks: size, content, limits."""

from __future__ import annotations

import os

from conf.domain import Domain
from conf.domain.devices.disk import Disk
from conf.domain.lookup import find_disk
from drivers.common.images.layers import chain
from drivers.common.images.lookup import disk_by_name
from drivers.common.iotune import FIELDS, PARAMETERS, check_bursts, merged, parameters, stored
from drivers.common.part import definition, definitions, require_one_impact
from drivers.qemu.api.base import Part
from drivers.qemu.block import commands, thresholds, tuning
from drivers.qemu.block.nodes import drive_node
from drivers.qemu.guest import Guest
from virtd.enums import DomainBlockResizeFlags as Resize
from virtd.enums import DomainEventID
from virtd.enums import DomainModificationImpact as Impact
from virtd.enums import TypedParameterType as T
from virtd.errors import Code, From, VirtError, check_flags, invalid_arg
from virtd.params import TypedParam, Value, validate_params
from virtd.refs import DomainRef
from virtd.threads import in_thread

KIB = 1024
MAX_SIZE_KIB = ((1 << 64) - 1) // KIB
SECTOR = 512
#: Images that count in sectors.
IN_SECTORS = frozenset({"qcow2", "qed"})

_TUNE_FLAGS = Impact.LIVE | Impact.CONFIG


class DisksApi(Part):
    """virDomainBlockResize, virDomainBlockPeek, virDomainSetBlockThreshold, virDomain…BlockIoTune."""

    async def domain_block_resize(self, dom: DomainRef, disk: str, size: int, flags: int) -> None:
        """virDomainBlockResize; `size` in KiB, by flag in bytes."""
        check_flags(flags, Resize.BYTES, "qemuDomainBlockResize")
        if not flags & Resize.BYTES:
            if size > MAX_SIZE_KIB:
                raise VirtError(Code.OVERFLOW, f"size must be less than {MAX_SIZE_KIB}")
            size *= KIB
        guest = self._running(dom)
        async with guest.job("modify"):
            found = find_disk(self._running(dom).require_active(), disk)
            if found is None:
                raise invalid_arg(f"disk '{disk}' was not found in the domain config")
            if found.is_empty or found.readonly:
                raise VirtError(Code.OPERATION_UNSUPPORTED, f"can't resize empty or readonly disk '{disk}'")
            if chain(found)[0].format in IN_SECTORS:
                size = -(-size // SECTOR) * SECTOR
            await commands.block_resize(guest.monitor, drive_node(found) or "", size)

    async def domain_block_peek(self, dom: DomainRef, path: str, offset: int, size: int, flags: int) -> bytes:
        """virDomainBlockPeek: what is on a raw disk, running or not."""
        check_flags(flags, 0, "qemuDomainBlockPeek")
        disk = disk_by_name(self._guest(dom).definition, path)
        format_ = "none" if disk.is_empty else chain(disk)[0].format
        if format_ != "raw":
            text = f"peeking is only supported for disk with 'raw' format not '{format_}'"
            raise VirtError(Code.OPERATION_UNSUPPORTED, text)
        file = chain(disk)[0].path
        if file is None:
            raise VirtError(Code.OPERATION_UNSUPPORTED, f"cannot peek into disk '{path}', which is not on this host")
        data = await in_thread(_read, file, offset, size)
        if len(data) < size:
            raise invalid_arg(f"'{path}' starting from {offset} has only {len(data)} bytes available")
        return data

    async def domain_set_block_threshold(self, dom: DomainRef, dev: str, threshold: int, flags: int) -> None:
        """virDomainSetBlockThreshold; `threshold` in bytes."""
        check_flags(flags, 0, "qemuDomainSetBlockThreshold")
        guest = self._running(dom)
        async with guest.job("modify"):
            await thresholds.set_threshold(guest, dev, threshold)

    async def domain_get_block_io_tune(self, dom: DomainRef, disk: str | None, flags: int) -> list[TypedParam]:
        """virDomainGetBlockIoTune."""
        check_flags(flags, _TUNE_FLAGS, "qemuDomainGetBlockIoTune")
        guest = self._guest(dom)
        model = definition(guest, flags)
        if disk is None:  # the question is how many parameters there are
            return parameters(dict.fromkeys(FIELDS, 0))
        if model is guest.live:
            return parameters(await tuning.current(guest.monitor, disk_by_name(model, disk)))
        return parameters(stored(_stored_disk(model, disk)))

    async def domain_set_block_io_tune(self, dom: DomainRef, disk: str, params: list[TypedParam], flags: int) -> None:
        """virDomainSetBlockIoTune."""
        check_flags(flags, _TUNE_FLAGS, "qemuDomainSetBlockIoTune")
        require_one_impact(flags)
        guest = self._guest(dom)
        given = validate_params(params, PARAMETERS)
        async with guest.job("modify"):
            live, config = definitions(guest, flags)
            if live is not None:
                await _limit_live(guest, disk_by_name(live, disk), given)
                told = [TypedParam("blkdeviotune.disk", T.STRING, disk_by_name(live, disk).target.dev or "")]
                told += [TypedParam(f"blkdeviotune.{p.field}", p.type, p.value) for p in params]
                guest.emit(DomainEventID.TUNABLE, told)
            if config is not None:
                found = _stored_disk(config, disk)
                found.iotune = merged(found.iotune, given)
            await guest.save(live, config)


def _stored_disk(config: Domain, name: str) -> Disk:
    found = find_disk(config, name)
    if found is None:
        raise invalid_arg(f"disk '{name}' was not found in the domain config")
    return found


async def _limit_live(guest: Guest, disk: Disk, given: dict[str, Value]) -> None:
    if disk.is_empty:
        raise tuning.not_inserted()
    limits = merged(disk.iotune, given)
    tuning.check_steady(limits)
    check_bursts(limits)
    await tuning.apply(guest.monitor, disk, limits)
    disk.iotune = limits


def _read(path: str, offset: int, size: int) -> bytes:
    if offset >= 1 << 63:
        raise VirtError(Code.SYSTEM_ERROR, f"cannot seek into '{path}': Invalid argument", source=From.STORAGE)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(fd, size, offset)
        finally:
            os.close(fd)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "Invalid argument"
        raise VirtError(Code.SYSTEM_ERROR, f"cannot read header '{path}': {reason}", source=From.STORAGE) from error
