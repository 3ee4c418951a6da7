# SPDX-License-Identifier: LGPL-2.1-or-later
"""All pools, found by uuid or name; no two of them have the same storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

from conf.storage import Pool
from drivers.storage.pool import ManagedPool, ManagedVolume
from virtd.errors import Code, VirtError, operation_invalid
from virtd.refs import StoragePoolRef, StorageVolRef


class PoolList:
    """The pools in the order in which they came."""

    def __init__(self) -> None:
        self._by_uuid: dict[bytes, ManagedPool] = {}

    def __iter__(self) -> Iterator[ManagedPool]:
        return iter(tuple(self._by_uuid.values()))

    def by_uuid(self, uuid: bytes) -> ManagedPool | None:
        return self._by_uuid.get(uuid)

    def by_name(self, name: str) -> ManagedPool | None:
        return next((pool for pool in self if pool.name == name), None)

    def by_ref(self, ref: StoragePoolRef) -> ManagedPool:
        """The pool a client means.

        Raises:
            VirtError: NO_STORAGE_POOL.
        """
        pool = self._by_uuid.get(ref.uuid)
        if pool is None:
            text = f"no storage pool with matching uuid '{UUID(bytes=ref.uuid)}' ({ref.name})"
            raise VirtError(Code.NO_STORAGE_POOL, text)
        return pool

    def pool_of(self, ref: StorageVolRef) -> ManagedPool:
        """The pool of a volume.

        Raises:
            VirtError: NO_STORAGE_POOL.
        """
        pool = self.by_name(ref.pool)
        if pool is None:
            raise VirtError(Code.NO_STORAGE_POOL, f"no storage pool with matching name '{ref.pool}'")
        return pool

    def volume_of(self, ref: StorageVolRef) -> tuple[ManagedPool, ManagedVolume]:
        """A volume a client means, and its pool.

        Raises:
            VirtError: NO_STORAGE_POOL, NO_STORAGE_VOL; OPERATION_INVALID, the pool is inactive.
        """
        pool = self.pool_of(ref)
        return pool, pool.volume(ref.name)

    def place(self, definition: Pool, *, to_run: bool = False) -> ManagedPool | None:
        """The pool that `definition` is one of; None: it would be a new one.

        Raises:
            VirtError: OPERATION_FAILED, another has its storage, name or uuid; OPERATION_INVALID, it is
                `to_run` and does so already.
        """
        self._check_source(definition)
        pool = self._by_uuid.get(UUID(definition.uuid).bytes)
        if pool is None:
            if other := self.by_name(definition.name):
                raise _taken(f"pool '{other.name}' already exists with uuid {other.definition.uuid}")
            return None
        if pool.name != definition.name:
            raise _taken(f"pool '{pool.name}' is already defined with uuid {definition.uuid}")
        if to_run and pool.active:
            raise operation_invalid(f"pool is already active as '{pool.name}'")
        return pool

    def _check_source(self, definition: Pool) -> None:
        identity = _IDENTITY.get(definition.type, _devices)
        wanted = identity(definition)
        for pool in self:
            known = pool.definition
            if known.name != definition.name and known.type == definition.type and wanted & identity(known):
                raise _taken(f"Storage source conflict with pool: '{known.name}'")

    def add(self, pool: ManagedPool) -> None:
        """Take in a new pool; its name and uuid are free."""
        self._by_uuid[pool.uuid] = pool

    def remove(self, pool: ManagedPool) -> None:
        """Forget a pool."""
        self._by_uuid.pop(pool.uuid, None)


def _taken(text: str) -> VirtError:
    return VirtError(Code.OPERATION_FAILED, text)


Identity = set[tuple[str | None, ...]]


def _devices(pool: Pool) -> Identity:
    return {(device.path,) for device in pool.source.devices}


def _folder(pool: Pool) -> Identity:
    return {(pool.target.path,)}


def _share(pool: Pool) -> Identity:
    return {(host.name, pool.source.dir, pool.source.name) for host in pool.source.hosts[:1]}


def _iscsi(pool: Pool) -> Identity:
    initiator = pool.source.initiator.iqn if pool.source.initiator else None
    hosts, devices = pool.source.hosts[:1], pool.source.devices[:1]
    return {(host.name, device.path, initiator) for host in hosts for device in devices}


def _adapter(pool: Pool) -> Identity:
    adapter = pool.source.adapter
    if adapter is None:
        return set()
    place = str(adapter.parentaddr.model_dump()) if adapter.parentaddr else None
    return {(adapter.type, adapter.name or place, adapter.wwnn, adapter.wwpn)}


#: Type → what no two pools of it have in common; of the others that is a device.
_IDENTITY: dict[str, Callable[[Pool], Identity]] = {
    "dir": _folder,
    "netfs": _share,
    "gluster": _share,
    "iscsi": _iscsi,
    "iscsi-direct": _iscsi,
    "scsi": _adapter,
}
