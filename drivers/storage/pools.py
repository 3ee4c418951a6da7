# SPDX-License-Identifier: LGPL-2.1-or-later
"""All pools, found by uuid or name; no two of them have the same storage."""

from __future__ import annotations

from collections.abc import Callable

from conf.storage import Pool
from drivers.common.objectlist import ObjectList
from drivers.storage.pool import ManagedPool, ManagedVolume
from virtd.errors import Code, From
from virtd.refs import StorageVolRef


class PoolList(ObjectList[ManagedPool, Pool]):
    """The pools in the order in which they came; no two of them have the same storage."""

    def __init__(self) -> None:
        super().__init__("pool", "storage pool", Code.NO_STORAGE_POOL, From.STORAGE)

    def pool_of(self, ref: StorageVolRef) -> ManagedPool:
        """The pool of a volume.

        Raises:
            VirtError: NO_STORAGE_POOL.
        """
        return self.by_name(ref.pool)

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
        identity = _IDENTITY.get(definition.type, _devices)
        wanted = identity(definition)
        for pool in self:
            known = pool.definition
            if known.name != definition.name and known.type == definition.type and wanted & identity(known):
                raise self.taken(f"Storage source conflict with pool: '{known.name}'")
        return super().place(definition, to_run=to_run)


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
