# SPDX-License-Identifier: LGPL-2.1-or-later
"""Defining, undefining and showing pools; their autostart."""

from __future__ import annotations

from conf.storage import format_pool, parse_pool
from drivers.common import schema
from drivers.storage import persistence
from drivers.storage.api.base import Part
from drivers.storage.backends import check_definable
from drivers.storage.pool import ManagedPool
from virtd.enums import StoragePoolDefineFlags, StorageXMLFlags
from virtd.enums import StoragePoolEventLifecycleType as Lifecycle
from virtd.errors import Code, VirtError, check_flags
from virtd.refs import StoragePoolRef


class DefinitionApi(Part):
    """virStoragePoolDefineXML, virStoragePoolUndefine, virStoragePoolGetXMLDesc, virStoragePool…Autostart."""

    async def storage_pool_define_xml(self, xml: str, flags: int) -> StoragePoolRef:
        """virStoragePoolDefineXML; of an active pool, for when it is started again."""
        check_flags(flags, StoragePoolDefineFlags.VALIDATE, "storagePoolDefineXML")
        if flags & StoragePoolDefineFlags.VALIDATE:
            await schema.validate(xml, "storagepool.rng")
        definition = parse_pool(xml)
        check_definable(definition)
        storage = self._storage
        known = storage.pools.place(definition)
        pool = known or ManagedPool(definition)
        if known is None:
            storage.pools.add(pool)
        async with pool.lock:
            try:
                await persistence.save_definition(storage.paths, definition)
            except VirtError:
                if known is None:
                    storage.pools.remove(pool)
                raise
            if pool.active:
                pool.redefinition = definition
            else:
                pool.definition = definition
            pool.persistent = True
            storage.pools.add(pool)  # it may have ended while we waited
        storage.tell(pool, Lifecycle.DEFINED)
        return pool.ref

    async def storage_pool_undefine(self, pool: StoragePoolRef) -> None:
        """virStoragePoolUndefine."""
        async with self.locked(pool) as found:
            found.check_inactive()
            found.check_quiet()
            await self._storage.paths.definitions.remove(found.name)
            self._storage.pools.remove(found)
        self._storage.tell(found, Lifecycle.UNDEFINED)

    def storage_pool_get_xml_desc(self, pool: StoragePoolRef, flags: int) -> str:
        """virStoragePoolGetXMLDesc."""
        check_flags(flags, StorageXMLFlags.INACTIVE, "storagePoolGetXMLDesc")
        found = self.pool(pool)
        stored = found.redefinition if flags & StorageXMLFlags.INACTIVE else None
        return format_pool(stored or found.definition)

    async def storage_pool_set_autostart(self, pool: StoragePoolRef, autostart: int) -> None:
        """virStoragePoolSetAutostart."""
        async with self.locked(pool) as found:
            if not found.persistent:
                raise VirtError(Code.INTERNAL_ERROR, "pool has no config file")
            await persistence.save_autostart(self._storage.paths, found.name, on=bool(autostart))
            found.autostart = bool(autostart)
