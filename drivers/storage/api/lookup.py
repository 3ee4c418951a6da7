# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finding and listing pools and volumes."""

from __future__ import annotations

from uuid import UUID

from conf.storage.capabilities import pool_capabilities
from conf.storage.kinds import KINDS
from conf.storage.paths import sanitize_path
from drivers.storage.api.base import Part
from drivers.storage.backends import STARTABLE
from drivers.storage.pool import ManagedPool, ManagedVolume
from virtd.enums import ConnectListAllStoragePoolsFlags as List
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
        _passes(flags, _ACTIVE, pool.active)
        and _passes(flags, _PERSISTENT, pool.persistent)
        and _passes(flags, _AUTOSTART, pool.autostart)
    )


def _passes(flags: int, pair: tuple[int, int], has: bool) -> bool:
    asked = bool(flags & pair[0]), bool(flags & pair[1])
    return asked[0] == asked[1] or asked[0] == has


class PoolLookupApi(Part):
    """virStoragePoolLookupBy…, virConnectListAllStoragePools, virStoragePoolIs…, what pools there can be."""

    def connect_list_all_storage_pools(self, flags: int) -> list[StoragePoolRef]:
        """virConnectListAllStoragePools."""
        check_flags(flags, _KNOWN, "storageConnectListAllStoragePools")
        return [pool.ref for pool in self._storage.pools if matches(pool, flags)]

    def connect_get_storage_pool_capabilities(self, flags: int) -> str:
        """virConnectGetStoragePoolCapabilities."""
        check_flags(flags, 0, "storageConnectGetStoragePoolCapabilities")
        return pool_capabilities(STARTABLE)

    def storage_pool_lookup_by_name(self, name: str) -> StoragePoolRef:
        """virStoragePoolLookupByName."""
        return _found(self._storage.pools.by_name(name), f"name '{name}'")

    def storage_pool_lookup_by_uuid(self, uuid: bytes) -> StoragePoolRef:
        """virStoragePoolLookupByUUID."""
        return _found(self._storage.pools.by_uuid(uuid), f"uuid '{UUID(bytes=uuid)}'")

    def storage_pool_lookup_by_volume(self, vol: StorageVolRef) -> StoragePoolRef:
        """virStoragePoolLookupByVolume."""
        return self._storage.pools.pool_of(vol).ref

    def storage_pool_lookup_by_target_path(self, path: str) -> StoragePoolRef:
        """virStoragePoolLookupByTargetPath: active pools only."""
        clean = sanitize_path(path)
        active = (pool for pool in self._storage.pools if pool.active)
        return _found(
            next((pool for pool in active if pool.definition.target.path == clean), None), f"target path '{clean}'"
        )

    def storage_pool_is_active(self, pool: StoragePoolRef) -> int:
        """virStoragePoolIsActive."""
        return int(self.pool(pool).active)

    def storage_pool_is_persistent(self, pool: StoragePoolRef) -> int:
        """virStoragePoolIsPersistent."""
        return int(self.pool(pool).persistent)


def _found(pool: ManagedPool | None, what: str) -> StoragePoolRef:
    if pool is None:
        raise VirtError(Code.NO_STORAGE_POOL, f"no storage pool with matching {what}")
    return pool.ref


class VolumeLookupApi(Part):
    """virStorageVolLookupBy…, virStoragePoolListAllVolumes, virStorageVolGetPath."""

    def storage_pool_list_all_volumes(self, pool: StoragePoolRef, flags: int) -> list[StorageVolRef]:
        """virStoragePoolListAllVolumes."""
        check_flags(flags, 0, "storagePoolListAllVolumes")
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
        return [(pool, volume) for pool in self._storage.pools for volume in pool.volumes.values()]
