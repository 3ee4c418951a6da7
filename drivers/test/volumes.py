# SPDX-License-Identifier: LGPL-2.1-or-later
"""Storage volumes."""

from __future__ import annotations

import os

from conf.storage import Pool, Volume, format_volume, parse_volume
from drivers.storage.lookup import VolumeLookup
from drivers.storage.pool import ManagedPool, ManagedVolume
from drivers.test.pools import StoragePart
from virtd.enums import StorageVolType
from virtd.errors import Code, VirtError, check_flags
from virtd.refs import StoragePoolRef, StorageVolRef


class VolumeApi(StoragePart, VolumeLookup):
    """virStorageVol…, virStoragePoolListAllVolumes."""

    list_function = "testStoragePoolListAllVolumes"

    def storage_vol_create_xml(self, pool: StoragePoolRef, xml: str, flags: int) -> StorageVolRef:
        """virStorageVolCreateXML."""
        check_flags(flags, 0, "testStorageVolCreateXML")
        found = self.active(pool)
        volume = add(found, parse_volume(xml, found.definition.type))
        return found.ref_of(volume)

    def storage_vol_create_xml_from(
        self, pool: StoragePoolRef, xml: str, clonevol: StorageVolRef, flags: int
    ) -> StorageVolRef:
        """virStorageVolCreateXMLFrom: nothing is copied, for there is nothing."""
        check_flags(flags, 0, "testStorageVolCreateXMLFrom")
        found = self.active(pool)
        definition = parse_volume(xml, found.definition.type)
        found.volume(clonevol.name)
        return found.ref_of(add(found, definition))

    def storage_vol_delete(self, vol: StorageVolRef, flags: int) -> None:
        """virStorageVolDelete."""
        check_flags(flags, 0, "testStorageVolDelete")
        pool, volume = self.volume(vol)
        del pool.volumes[volume.name]
        pool.account(-volume.definition.allocation)

    def storage_vol_get_info(self, vol: StorageVolRef) -> tuple[int, int, int]:
        """virStorageVolGetInfo: type, and bytes of capacity and allocation."""
        definition = self.volume(vol)[1].definition
        return getattr(StorageVolType, definition.type.upper()), definition.capacity, definition.allocation

    def storage_vol_get_xml_desc(self, vol: StorageVolRef, flags: int) -> str:
        """virStorageVolGetXMLDesc."""
        check_flags(flags, 0, "testStorageVolGetXMLDesc")
        return format_volume(self.volume(vol)[1].definition)


def add(pool: ManagedPool, definition: Volume) -> ManagedVolume:
    """A new volume of the pool.

    Raises:
        VirtError: OPERATION_FAILED, there is one of that name; INTERNAL_ERROR, it is too large.
    """
    if definition.name in pool.volumes:
        raise VirtError(Code.OPERATION_FAILED, "storage vol already exists")
    if definition.allocation > pool.definition.available:
        raise VirtError(Code.INTERNAL_ERROR, f"Not enough free space in pool for volume '{definition.name}'")
    path = os.path.join(_place(pool.definition), definition.name)
    definition.target.path = definition.key = path
    volume = pool.volumes[definition.name] = ManagedVolume(definition)
    pool.account(definition.allocation)
    return volume


def _place(pool: Pool) -> str:
    """What the paths of a pool's volumes begin with: its folder, or what it is called where it comes from."""
    if pool.kind.has_target:
        return pool.target.path or ""
    return pool.source.name or pool.name
