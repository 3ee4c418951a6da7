# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is known of a volume; resizing, wiping and deleting it."""

from __future__ import annotations

from conf.storage import format_volume
from drivers.storage import files, probing, qemuimg
from drivers.storage.api.base import Part
from drivers.storage.pool import ManagedPool, ManagedVolume
from virtd.enums import StorageVolInfoFlags, StorageVolType
from virtd.enums import StorageVolResizeFlags as Resize
from virtd.enums import StorageVolWipeAlgorithm as Wipe
from virtd.errors import Code, VirtError, check_flags, invalid_arg
from virtd.host.command import run
from virtd.refs import StorageVolRef
from virtd.threads import in_thread

_RESIZE = Resize.ALLOCATE | Resize.DELTA | Resize.SHRINK
#: Seconds that overwriting everything many times may take.
_WIPE_SECONDS = 24 * 3600.0
#: Ways of wiping, by what scrub(1) calls them.
_SCRUB = {
    Wipe.NNSA: "nnsa",
    Wipe.DOD: "dod",
    Wipe.BSI: "bsi",
    Wipe.GUTMANN: "gutmann",
    Wipe.SCHNEIER: "schneier",
    Wipe.PFITZNER7: "pfitzner7",
    Wipe.PFITZNER33: "pfitzner33",
    Wipe.RANDOM: "random",
}


async def look_again(volume: ManagedVolume) -> None:
    """Note the present size, owner and times of a volume that is not just being made."""
    if not volume.building:
        await in_thread(probing.measure, volume.definition)


class VolumeApi(Part):
    """virStorageVolGetInfo…, GetXMLDesc, Resize, WipePattern, Delete."""

    async def storage_vol_get_info_flags(self, vol: StorageVolRef, flags: int) -> tuple[int, int, int]:
        """virStorageVolGetInfoFlags: type, and bytes of capacity and allocation (or physical size)."""
        check_flags(flags, StorageVolInfoFlags.GET_PHYSICAL, "storageVolGetInfoFlags")
        _, volume = self.volume(vol)
        await look_again(volume)
        definition = volume.definition
        used = (definition.physical or 0) if flags else definition.allocation
        return getattr(StorageVolType, definition.type.upper()), definition.capacity, used

    async def storage_vol_get_xml_desc(self, vol: StorageVolRef, flags: int) -> str:
        """virStorageVolGetXMLDesc."""
        check_flags(flags, 0, "storageVolGetXMLDesc")
        _, volume = self.volume(vol)
        await look_again(volume)
        return format_volume(volume.definition)

    async def storage_vol_delete(self, vol: StorageVolRef, flags: int) -> None:
        """virStorageVolDelete."""
        async with self.locked_volume(vol) as (pool, volume):
            check_flags(flags, 0, "virStorageBackendVolDeleteLocal")
            with volume.used():
                await in_thread(files.remove, volume.definition)
            del pool.volumes[volume.name]
            pool.account(-volume.definition.allocation)

    async def storage_vol_resize(self, vol: StorageVolRef, capacity: int, flags: int) -> None:
        """virStorageVolResize; `capacity` in bytes."""
        check_flags(flags, _RESIZE, "storageVolResize")
        async with self.locked_volume(vol) as (pool, volume):
            await look_again(volume)
            wanted = _wanted_capacity(pool, volume, capacity, flags)
            before = volume.definition.allocation
            with volume.used():
                await _resize(volume, wanted, allocate=bool(flags & Resize.ALLOCATE))
            await look_again(volume)
            pool.account(volume.definition.allocation - before)

    async def storage_vol_wipe_pattern(self, vol: StorageVolRef, algorithm: int, flags: int) -> None:
        """virStorageVolWipePattern."""
        check_flags(flags, 0, "storageVolWipePattern")
        if algorithm not in (Wipe.ZERO, Wipe.TRIM, *_SCRUB):
            raise invalid_arg(f"wiping algorithm {algorithm} not supported")
        _, volume = self.volume(vol)
        volume.check_idle()
        if algorithm == Wipe.TRIM:
            raise VirtError(Code.ARGUMENT_UNSUPPORTED, "'trim' algorithm not supported")
        with volume.used():
            if algorithm == Wipe.ZERO:
                await in_thread(files.wipe, volume.definition)
            else:
                await run("scrub", "-f", "-p", _SCRUB[algorithm], volume.path, seconds=_WIPE_SECONDS)
        await look_again(volume)


def _wanted_capacity(pool: ManagedPool, volume: ManagedVolume, capacity: int, flags: int) -> int:
    """The new capacity.

    Raises:
        VirtError: INVALID_ARG, it is smaller than it may be; OPERATION_FAILED, there is no space.
    """
    definition = volume.definition
    wanted = capacity
    if flags & Resize.DELTA:
        wanted = definition.capacity + (-min(capacity, definition.capacity) if flags & Resize.SHRINK else capacity)
    if wanted < definition.allocation:
        raise invalid_arg("can't shrink capacity below existing allocation")
    if wanted < definition.capacity and not flags & Resize.SHRINK:
        raise invalid_arg("Can't shrink capacity below current capacity unless shrink flag explicitly specified")
    if flags & Resize.ALLOCATE and wanted - definition.allocation > pool.definition.available:
        raise VirtError(Code.OPERATION_FAILED, "Not enough space left in storage pool")
    return wanted


async def _resize(volume: ManagedVolume, capacity: int, *, allocate: bool) -> None:
    definition = volume.definition
    if definition.target.format == "raw" and definition.target.encryption is None and definition.type != "dir":
        await in_thread(files.resize, definition, capacity, allocate=allocate)
    elif allocate:
        raise VirtError(Code.OPERATION_UNSUPPORTED, "preallocate is only supported for raw type volume")
    else:
        await qemuimg.resize(definition, capacity)
