# SPDX-License-Identifier: LGPL-2.1-or-later
"""Making volumes, empty or from others."""

from __future__ import annotations

import os

from conf.storage import Volume, parse_volume
from drivers.common import schema
from drivers.storage import files, probing, qemuimg
from drivers.storage.api.base import Part
from drivers.storage.pool import ManagedPool, ManagedVolume
from virtd.enums import StorageVolCreateFlags as Create
from virtd.errors import Code, VirtError, check_flags, operation_invalid
from virtd.refs import StoragePoolRef, StorageVolRef
from virtd.threads import in_thread


class CreationApi(Part):
    """virStorageVolCreateXML, virStorageVolCreateXMLFrom."""

    async def storage_vol_create_xml(self, pool: StoragePoolRef, xml: str, flags: int) -> StorageVolRef:
        """virStorageVolCreateXML."""
        check_flags(flags, Create.PREALLOC_METADATA | Create.VALIDATE, "storageVolCreateXML")
        found = self.active(pool)
        await _validate(xml, flags)
        definition = parse_volume(xml, found.definition.type)
        async with found.lock:
            found.check_active()
            if definition.name in found.volumes:
                raise VirtError(Code.STORAGE_VOL_EXIST, f"'{definition.name}'")
            volume = await _place(found, definition, flags)
        await _make(found, volume, None, flags)
        return found.ref_of(volume)

    async def storage_vol_create_xml_from(
        self, pool: StoragePoolRef, xml: str, clonevol: StorageVolRef, flags: int
    ) -> StorageVolRef:
        """virStorageVolCreateXMLFrom: the new volume has the other's content and is not smaller."""
        check_flags(flags, Create.PREALLOC_METADATA | Create.REFLINK | Create.VALIDATE, "storageVolCreateXMLFrom")
        found = self.active(pool)
        await _validate(xml, flags)
        _, source = self.volume(clonevol)
        definition = parse_volume(xml, found.definition.type, sized=False)
        async with found.lock:
            found.check_active()
            if definition.name in found.volumes:
                text = f"storage volume name '{definition.name}' already in use."
                raise VirtError(Code.INTERNAL_ERROR, text)
            source.check_built()
            await in_thread(probing.measure, source.definition)
            _enlarge(definition, source.definition)
            volume = await _place(found, definition, flags)
        with source.used():
            await _make(found, volume, source.definition, flags)
        return found.ref_of(volume)


async def _validate(xml: str, flags: int) -> None:
    if flags & Create.VALIDATE:
        await schema.validate(xml, "storagevol.rng")


def _enlarge(definition: Volume, source: Volume) -> None:
    """A copy is as large as the original at least, and has all its blocks unless it says otherwise."""
    whole = definition.allocation >= definition.capacity
    definition.capacity = max(definition.capacity, source.capacity)
    if whole:
        definition.allocation = definition.capacity


async def _place(pool: ManagedPool, definition: Volume, flags: int) -> ManagedVolume:
    """Take in a volume that is about to be made.

    Raises:
        VirtError: it cannot be made.
    """
    if "/" in definition.name:
        raise operation_invalid(f"volume name '{definition.name}' cannot contain '/'")
    path = os.path.join(pool.definition.target.path or "", definition.name)
    definition.target.path = definition.key = path
    definition.target.timestamps = None
    qemuimg.check(definition, metadata=bool(flags & Create.PREALLOC_METADATA))
    if await in_thread(os.path.lexists, path):
        raise operation_invalid(f"volume target path '{path}' already exists")
    definition.type = "dir" if definition.target.format == "dir" else "file"
    volume = ManagedVolume(definition, building=True)
    pool.volumes[definition.name] = volume
    return volume


async def _make(pool: ManagedPool, volume: ManagedVolume, source: Volume | None, flags: int) -> None:
    """Make the file of a volume; if that fails, nothing is left of it."""
    definition = volume.definition
    try:
        with pool.job():
            if definition.target.format == "dir":
                await in_thread(files.create_folder, definition)
            else:
                await _make_file(definition, source, flags)
            await in_thread(probing.measure, definition)
    except BaseException:
        pool.volumes.pop(volume.name, None)
        raise
    volume.building = False
    pool.account(definition.allocation)


async def _make_file(definition: Volume, source: Volume | None, flags: int) -> None:
    await in_thread(files.create_empty, definition)
    metadata = bool(flags & Create.PREALLOC_METADATA)
    try:
        if definition.target.format == "raw" and (source is None or source.target.format == "raw"):
            path = source.target.path if source else None
            await in_thread(files.fill, definition, path, share=bool(flags & Create.REFLINK))
        elif source is not None:
            await qemuimg.convert(source, definition, metadata=metadata)
        else:
            await qemuimg.create(definition, metadata=metadata)
        await in_thread(files.finish, definition)
    except BaseException:
        files.discard(definition)
        raise
