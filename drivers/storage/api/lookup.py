# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finding and listing pools and volumes."""

from __future__ import annotations

from conf.storage.capabilities import pool_capabilities
from conf.storage.paths import sanitize_path
from drivers.storage.api.base import Part
from drivers.storage.backends import STARTABLE, find_sources
from drivers.storage.lookup import PoolLookup, VolumeLookup
from virtd.errors import Code, VirtError, check_flags
from virtd.refs import StoragePoolRef


class PoolLookupApi(Part, PoolLookup):
    """virStoragePoolLookupBy…, virConnectListAllStoragePools, and what pools there can be."""

    list_function = "storageConnectListAllStoragePools"

    def connect_get_storage_pool_capabilities(self, flags: int) -> str:
        """virConnectGetStoragePoolCapabilities."""
        check_flags(flags, 0, "storageConnectGetStoragePoolCapabilities")
        return pool_capabilities(STARTABLE)

    def connect_find_storage_pool_sources(self, type_: str, _src_spec: str | None, flags: int) -> str:
        """virConnectFindStoragePoolSources."""
        check_flags(flags, 0, "storageConnectFindStoragePoolSources")
        find_sources(type_)

    def storage_pool_lookup_by_target_path(self, path: str) -> StoragePoolRef:
        """virStoragePoolLookupByTargetPath: active pools only."""
        clean = sanitize_path(path)
        active = (pool for pool in self.pools if pool.active)
        found = next((pool for pool in active if pool.definition.target.path == clean), None)
        if found is None:
            raise VirtError(Code.NO_STORAGE_POOL, f"no storage pool with matching target path '{clean}'")
        return found.ref


class VolumeLookupApi(Part, VolumeLookup):
    """virStorageVolLookupBy…, virStoragePoolListAllVolumes."""

    list_function = "storagePoolListAllVolumes"
