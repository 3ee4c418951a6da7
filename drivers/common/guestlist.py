# SPDX-License-Identifier: LGPL-2.1-or-later
"""All guests of a driver, found by uuid, name or id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar
from uuid import UUID

from conf.domain import Domain
from drivers.common.guest import ManagedGuest
from virtd.errors import Code, From, VirtError
from virtd.refs import DomainRef

G = TypeVar("G", bound=ManagedGuest)


class GuestList(Generic[G]):
    """The guests in the order in which they came; ids grow and are never used twice."""

    def __init__(self) -> None:
        self._by_uuid: dict[bytes, G] = {}
        self._by_name: dict[str, G] = {}
        self._by_id: dict[int, G] = {}
        self._last_id = 0

    def __iter__(self) -> Iterator[G]:
        return iter(tuple(self._by_uuid.values()))

    def __len__(self) -> int:
        return len(self._by_uuid)

    def by_ref(self, ref: DomainRef) -> G:
        """The guest a client means.

        Raises:
            VirtError: NO_DOMAIN.
        """
        guest = self._by_uuid.get(ref.uuid)
        if guest is None:
            raise VirtError(Code.NO_DOMAIN, f"no domain with matching uuid '{UUID(bytes=ref.uuid)}' ({ref.name})")
        return guest

    def by_uuid(self, uuid: bytes) -> G | None:
        return self._by_uuid.get(uuid)

    def by_name(self, name: str) -> G | None:
        return self._by_name.get(name)

    def by_id(self, id_: int) -> G | None:
        return self._by_id.get(id_)

    def place(self, domain: Domain, *, to_run: bool = False) -> G | None:
        """The guest that `domain` is a definition of; None: it would be a new one.

        Raises:
            VirtError: OPERATION_FAILED, name and uuid belong to different guests; OPERATION_INVALID, it is
                `to_run` and does so already.
        """
        guest = self._by_uuid.get(UUID(domain.uuid).bytes)
        if guest is None:
            other = self._by_name.get(domain.name)
            if other is not None:
                raise _taken(f"domain '{other.name}' already exists with uuid {UUID(bytes=other.uuid)}")
            return None
        if guest.name != domain.name:
            raise _taken(f"domain '{guest.name}' is already defined with uuid {domain.uuid}")
        if to_run and guest.active:
            text = f"domain '{guest.name}' is already active"
            raise VirtError(Code.OPERATION_INVALID, text, source=From.DOMAIN)
        return guest

    def add(self, guest: G) -> None:
        """Take in a new guest; its name and uuid are free."""
        self._by_uuid[guest.uuid] = guest
        self._by_name[guest.name] = guest
        if guest.id > 0:
            self.claim_id(guest, guest.id)

    def remove(self, guest: G) -> None:
        """Forget a guest that neither runs nor is stored."""
        self.release_id(guest)
        self._by_uuid.pop(guest.uuid, None)
        self._by_name.pop(guest.name, None)

    def renamed(self, guest: G, old_name: str) -> None:
        """The guest has a new name."""
        self._by_name.pop(old_name, None)
        self._by_name[guest.name] = guest

    def next_id(self) -> int:
        """An id for a guest about to start."""
        self._last_id += 1
        return self._last_id

    def claim_id(self, guest: G, id_: int) -> None:
        """The guest runs as `id_`."""
        guest.id = id_
        self._by_id[id_] = guest
        self._last_id = max(self._last_id, id_)

    def release_id(self, guest: G) -> None:
        """The guest runs no more."""
        self._by_id.pop(guest.id, None)
        guest.id = -1


def _taken(text: str) -> VirtError:
    return VirtError(Code.OPERATION_FAILED, text, source=From.DOMAIN)
