# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finding and listing pools and volumes, and what is known of a pool: in every driver that has pools."""

from __future__ import annotations

from typing import ClassVar

from conf.storage.kinds import KINDS
from conf.storage.paths import sanitize_path
from drivers.common.filters import passes
from drivers.storage.access import PoolAccess
from drivers.storage.pool import ManagedPool, ManagedVolume
from virtd.enums import ConnectListAllStoragePoolsFlags as List
from virtd.enums import StoragePoolState
from virtd.errors import Code, VirtError, check_flags
from virtd.refs import StoragePoolRef, StorageVolRef

#: Type → the filter that asks for it.
_TYPE_FILTER: dict[str, int] = {type_: getattr(List, type_.upper().replace("-", "_")) for type_ in KINDS}
_TYPES = sum(_TYPE_FILTER.values())
#: Pairs of filters: (the pools with it, those without); a pair with neither or both asks nothing.
_ACTIVE = List.ACTIVE, List.INACTIVE
_PERSISTENT = List.PERSISTENT, List.TRANSIENT
_AUTOSTART = List.AUTOSTART, List.NO_AUTOSTART
_KNOWN = _TYPES | sum((*_ACTIVE, *_PERSISTENT, *_AUTOSTART))


def matches(pool: ManagedPool, flags: int) -> bool:
    """Whether a pool is among those that the filters of virConnectListAllStoragePools ask for."""
    if flags & _TYPES and not flags & _TYPE_FILTER[pool.definition.type]:
        return False
    return (
        passes(flags, _ACTIVE, pool.active)
        and passes(flags, _PERSISTENT, pool.persistent)
        and passes(flags, _AUTOSTART, pool.autostart)
    )


class PoolLookup(PoolAccess):
    """virStoragePoolLookupBy…, virConnectListAllStoragePools, and what is known of a pool."""

    #: What the driver calls its virConnectListAllStoragePools.
    list_function: ClassVar[str]

    def connect_list_all_storage_pools(self, flags: int) -> list[StoragePoolRef]:
        """virConnectListAllStoragePools."""
        check_flags(flags, _KNOWN, self.list_function)
        return [pool.ref for pool in self.pools if matches(pool, flags)]

    def storage_pool_lookup_by_name(self, name: str) -> StoragePoolRef:
        """virStoragePoolLookupByName."""
        return self.pools.by_name(name).ref

    def storage_pool_lookup_by_uuid(self, uuid: bytes) -> StoragePoolRef:
        """virStoragePoolLookupByUUID."""
        return self.pools.by_uuid(uuid).ref

    def storage_pool_lookup_by_volume(self, vol: StorageVolRef) -> StoragePoolRef:
        """virStoragePoolLookupByVolume."""
        return self.pools.pool_of(vol).ref

    def storage_pool_is_active(self, pool: StoragePoolRef) -> int:
        """virStoragePoolIsActive."""
        return int(self.pool(pool).active)

    def storage_pool_is_persistent(self, pool: StoragePoolRef) -> int:
        """virStoragePoolIsPersistent."""
        return int(self.pool(pool).persistent)

    def storage_pool_get_autostart(self, pool: StoragePoolRef) -> int:
        """virStoragePoolGetAutostart."""
        return int(self.pool(pool).autostart)

    def storage_pool_get_info(self, pool: StoragePoolRef) -> tuple[int, int, int, int]:
        """virStoragePoolGetInfo: state, and bytes in all, used, free."""
        found = self.pool(pool)
        state = StoragePoolState.RUNNING if found.active else StoragePoolState.INACTIVE
        definition = found.definition
        return state, definition.capacity, definition.allocation, definition.available


class VolumeLookup(PoolAccess):
    """virStorageVolLookupBy…, virStoragePoolListAllVolumes, virStorageVolGetPath."""

    #: What the driver calls its virStoragePoolListAllVolumes.
    list_function: ClassVar[str]

    def storage_pool_list_all_volumes(self, pool: StoragePoolRef, flags: int) -> list[StorageVolRef]:
        """virStoragePoolListAllVolumes."""
        check_flags(flags, 0, self.list_function)
        found = self.active(pool)
        return [found.ref_of(volume) for volume in found.volumes.values()]

    def storage_vol_lookup_by_name(self, pool: StoragePoolRef, name: str) -> StorageVolRef:
        """virStorageVolLookupByName."""
        found = self.pool(pool)
        return found.ref_of(found.volume(name))

    def storage_vol_lookup_by_key(self, key: str) -> StorageVolRef:
        """virStorageVolLookupByKey: in active pools."""
        for pool, volume in self._volumes():
            if volume.key == key:
                return pool.ref_of(volume)
        raise VirtError(Code.NO_STORAGE_VOL, f"no storage vol with matching key {key}")

    def storage_vol_lookup_by_path(self, path: str) -> StorageVolRef:
        """virStorageVolLookupByPath: in active pools."""
        clean = sanitize_path(path)
        for pool, volume in self._volumes():
            if volume.path == clean:
                return pool.ref_of(volume)
        raise VirtError(Code.NO_STORAGE_VOL, f"no storage vol with matching path '{path}'")

    def storage_vol_get_path(self, vol: StorageVolRef) -> str:
        """virStorageVolGetPath."""
        return self.volume(vol)[1].path

    def _volumes(self) -> list[tuple[ManagedPool, ManagedVolume]]:
        return [(pool, volume) for pool in self.pools for volume in pool.volumes.values()]
