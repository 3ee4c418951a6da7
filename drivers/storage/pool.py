# SPDX-License-Identifier: LGPL-2.1-or-later
"""A pool that the driver manages, and its volumes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from conf.storage import Pool, Volume
from virtd.errors import Code, VirtError, operation_invalid
from virtd.refs import StoragePoolRef, StorageVolRef


@dataclass(slots=True, eq=False)
class ManagedVolume:
    """A volume of an active pool.  `in_use` counts the calls that work with its content."""

    definition: Volume
    building: bool = False
    in_use: int = 0

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def path(self) -> str:
        """Where it is on the host."""
        return self.definition.target.path or ""

    @property
    def key(self) -> str:
        """What identifies it on this host."""
        return self.definition.key or ""

    @contextmanager
    def used(self) -> Iterator[None]:
        """Nobody deletes or clones over it meanwhile."""
        self.in_use += 1
        try:
            yield
        finally:
            self.in_use -= 1

    def check_idle(self) -> None:
        """Raise OPERATION_INVALID if somebody works with it."""
        self.check_built()
        if self.in_use:
            raise operation_invalid(f"volume '{self.name}' is still in use.")

    def check_built(self) -> None:
        """Raise OPERATION_INVALID while it is being made."""
        if self.building:
            raise operation_invalid(f"volume '{self.name}' is still being allocated.")


class ManagedPool:
    """A pool: `definition` is in force; `redefinition` will be once the pool was inactive.

    Whoever changes the pool holds `lock`; what takes long (`jobs`) goes on without it.
    """

    def __init__(self, definition: Pool) -> None:
        self.definition = definition
        self.redefinition: Pool | None = None
        self.persistent = False
        self.active = False
        self.autostart = False
        self.volumes: dict[str, ManagedVolume] = {}
        self.jobs = 0
        self.lock = asyncio.Lock()

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def uuid(self) -> bytes:
        return UUID(self.definition.uuid).bytes

    @property
    def ref(self) -> StoragePoolRef:
        """The pool as a client's handle."""
        return StoragePoolRef(self.name, self.uuid)

    def ref_of(self, volume: ManagedVolume) -> StorageVolRef:
        """A volume as a client's handle."""
        return StorageVolRef(self.name, volume.name, volume.key)

    def check_active(self) -> None:
        """Raise OPERATION_INVALID unless the pool is active."""
        if not self.active:
            raise operation_invalid(f"storage pool '{self.name}' is not active")

    def check_inactive(self, how: str = "still active") -> None:
        """Raise OPERATION_INVALID if the pool is active."""
        if self.active:
            raise operation_invalid(f"storage pool '{self.name}' is {how}")

    def check_quiet(self) -> None:
        """Raise INTERNAL_ERROR while volumes are being made."""
        if self.jobs:
            raise VirtError(Code.INTERNAL_ERROR, f"pool '{self.name}' has asynchronous jobs running.")

    def volume(self, name: str) -> ManagedVolume:
        """The volume of this name.

        Raises:
            VirtError: NO_STORAGE_VOL; OPERATION_INVALID, the pool is inactive.
        """
        self.check_active()
        found = self.volumes.get(name)
        if found is None:
            raise VirtError(Code.NO_STORAGE_VOL, f"no storage vol with matching name '{name}'")
        return found

    def account(self, size: int) -> None:
        """`size` more bytes of it are used (less, if negative)."""
        self.definition.allocation += size
        self.definition.available -= size

    @contextmanager
    def job(self) -> Iterator[None]:
        """Something that takes long and keeps the pool from being stopped."""
        self.jobs += 1
        try:
            yield
        finally:
            self.jobs -= 1
