# SPDX-License-Identifier: LGPL-2.1-or-later
"""Storage pools: those of the storage service without anything on a disk."""

from __future__ import annotations

from conf.binding import parse_document
from conf.storage import Pool, format_pool, parse_pool
from drivers.storage.access import PoolAccess
from drivers.storage.lookup import PoolLookup
from drivers.storage.pool import ManagedPool
from drivers.storage.pools import PoolList
from drivers.test.base import Part
from drivers.test.world import World
from virtd.enums import StoragePoolEventID
from virtd.enums import StoragePoolEventLifecycleType as Lifecycle
from virtd.errors import Code, VirtError, check_flags, invalid_arg
from virtd.events import Event, Kind
from virtd.refs import StoragePoolRef

#: Bytes that every pool has room for.
CAPACITY = 100 << 30

_SOURCES = {
    "logical": """\
<sources>
  <source>
    <device path='/dev/sda20'/>
    <name>testvg1</name>
    <format type='lvm2'/>
  </source>
  <source>
    <device path='/dev/sda21'/>
    <name>testvg2</name>
    <format type='lvm2'/>
  </source>
</sources>
""",
    "netfs": """\
<sources>
  <source>
    <host name='{host}'/>
    <dir path='/testshare'/>
    <format type='nfs'/>
  </source>
</sources>
""",
}


class StoragePart(Part, PoolAccess):
    """A subject of the API about pools and volumes."""

    @property
    def pools(self) -> PoolList:
        """Those of the host that the calling client has open."""
        return self.world.pools

    def inactive(self, ref: StoragePoolRef) -> ManagedPool:
        """The pool a client means, which must not be active."""
        pool = self.pool(ref)
        pool.check_inactive("active")
        return pool


class PoolApi(StoragePart, PoolLookup):
    """virStoragePool…, virConnectListAllStoragePools, virConnectFindStoragePoolSources."""

    list_function = "testConnectListAllStoragePools"

    def storage_pool_define_xml(self, xml: str, flags: int) -> StoragePoolRef:
        """virStoragePoolDefineXML; of an active pool, for when it is started again."""
        check_flags(flags, 0, "testStoragePoolDefineXML")
        pool = define(self.world, xml)
        self._tell(pool, Lifecycle.DEFINED)
        return pool.ref

    def storage_pool_create_xml(self, xml: str, flags: int) -> StoragePoolRef:
        """virStoragePoolCreateXML."""
        check_flags(flags, 0, "testStoragePoolCreateXML")
        definition = _complete(parse_pool(xml))
        pool = self.pools.place(definition, to_run=True) or ManagedPool(definition)
        pool.redefinition = pool.definition if pool.persistent else None
        pool.definition = definition
        self.pools.add(pool)
        self._start(pool)
        return pool.ref

    def storage_pool_create(self, pool: StoragePoolRef, flags: int) -> None:
        """virStoragePoolCreate."""
        check_flags(flags, 0, "testStoragePoolCreate")
        self._start(self.inactive(pool))

    def _start(self, pool: ManagedPool) -> None:
        pool.active = True
        self._tell(pool, Lifecycle.STARTED)

    def storage_pool_destroy(self, pool: StoragePoolRef) -> None:
        """virStoragePoolDestroy: a transient pool is gone."""
        found = self.active(pool)
        found.active = False
        if not found.persistent:
            self.pools.remove(found)
        elif found.redefinition is not None:
            found.definition, found.redefinition = found.redefinition, None
        self._tell(found, Lifecycle.STOPPED)

    def storage_pool_undefine(self, pool: StoragePoolRef) -> None:
        """virStoragePoolUndefine."""
        found = self.inactive(pool)
        self.pools.remove(found)
        self._tell(found, Lifecycle.UNDEFINED)

    def storage_pool_build(self, pool: StoragePoolRef, flags: int) -> None:
        """virStoragePoolBuild: there is nothing to build."""
        check_flags(flags, 0, "testStoragePoolBuild")
        self._tell(self.inactive(pool), Lifecycle.CREATED)

    def storage_pool_delete(self, pool: StoragePoolRef, flags: int) -> None:
        """virStoragePoolDelete."""
        check_flags(flags, 0, "testStoragePoolDelete")
        self._tell(self.inactive(pool), Lifecycle.DELETED)

    def storage_pool_refresh(self, pool: StoragePoolRef, flags: int) -> None:
        """virStoragePoolRefresh."""
        check_flags(flags, 0, "testStoragePoolRefresh")
        found = self.active(pool)
        self.world.events.emit(Event(Kind.STORAGE_POOL, StoragePoolEventID.REFRESH, found.ref, ()))

    def storage_pool_get_xml_desc(self, pool: StoragePoolRef, flags: int) -> str:
        """virStoragePoolGetXMLDesc."""
        check_flags(flags, 0, "testStoragePoolGetXMLDesc")
        return format_pool(self.pool(pool).definition)

    def storage_pool_set_autostart(self, pool: StoragePoolRef, autostart: int) -> None:
        """virStoragePoolSetAutostart."""
        found = self.pool(pool)
        if not found.persistent:
            raise invalid_arg("pool has no config file")
        found.autostart = bool(autostart)

    def connect_find_storage_pool_sources(self, type_: str, src_spec: str | None, flags: int) -> str:
        """virConnectFindStoragePoolSources: the same ones on every host."""
        check_flags(flags, 0, "testConnectFindStoragePoolSources")
        if type_ not in _SOURCES:
            raise VirtError(Code.NO_SUPPORT, f"pool type '{type_}' does not support source discovery")
        if type_ != "netfs":
            return _SOURCES[type_]
        host = parse_document(src_spec, "source", what="storage_source").find("host") if src_spec else None
        if host is None or not host.get("name"):
            raise invalid_arg("hostname must be specified for netfs sources")
        return _SOURCES[type_].format(host=host.get("name"))

    def _tell(self, pool: ManagedPool, what: int) -> None:
        self.world.events.emit(Event(Kind.STORAGE_POOL, StoragePoolEventID.LIFECYCLE, pool.ref, (what, 0)))


def define(world: World, xml: str | bytes) -> ManagedPool:
    """Store a pool's definition.

    Raises:
        ConfError, VirtError: it is none, or belongs to another pool.
    """
    definition = _complete(parse_pool(xml))
    pool = world.pools.place(definition) or ManagedPool(definition)
    if pool.active:
        pool.redefinition = definition
    else:
        pool.definition = definition
    pool.persistent = True
    world.pools.add(pool)
    return pool


def _complete(definition: Pool) -> Pool:
    definition.capacity = definition.available = CAPACITY
    definition.allocation = 0
    return definition
