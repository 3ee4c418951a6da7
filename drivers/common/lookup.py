# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finding and listing domains."""

from __future__ import annotations

from uuid import UUID

from drivers.common.filters import passes
from drivers.common.guest import ManagedGuest
from drivers.common.guestlist import G
from drivers.common.part import GuestPart
from virtd.enums import ConnectListAllDomainsFlags as List
from virtd.enums import DomainState
from virtd.errors import Code, VirtError, check_flags
from virtd.refs import DomainRef

#: Pairs of filters: (the guests with it, those without); a pair with neither or both asks nothing.
_ACTIVE = List.ACTIVE, List.INACTIVE
_PERSISTENT = List.PERSISTENT, List.TRANSIENT
_MANAGED_SAVE = List.MANAGEDSAVE, List.NO_MANAGEDSAVE
_AUTOSTART = List.AUTOSTART, List.NO_AUTOSTART
_SNAPSHOT = List.HAS_SNAPSHOT, List.NO_SNAPSHOT
_CHECKPOINT = List.HAS_CHECKPOINT, List.NO_CHECKPOINT
_STATES = List.RUNNING | List.PAUSED | List.SHUTOFF | List.OTHER
_STATE_FILTER = {
    DomainState.RUNNING: List.RUNNING,
    DomainState.PAUSED: List.PAUSED,
    DomainState.SHUTOFF: List.SHUTOFF,
}
KNOWN_FILTERS = (1 << 16) - 1


def matches(guest: ManagedGuest, flags: int) -> bool:
    """Whether a guest is among those that the filters of virConnectListAllDomains ask for."""
    if flags & _STATES and not flags & _STATE_FILTER.get(guest.state, List.OTHER):
        return False
    return (
        passes(flags, _ACTIVE, guest.active)
        and passes(flags, _PERSISTENT, guest.persistent is not None)
        and passes(flags, _AUTOSTART, guest.autostart)
        and passes(flags, _MANAGED_SAVE, guest.has_managed_save)
        and passes(flags, _SNAPSHOT, guest.has_snapshots)
        and passes(flags, _CHECKPOINT, guest.has_checkpoints)
    )


class Lookup(GuestPart[G]):
    """virDomainLookupBy…, virConnectListAllDomains."""

    def domain_lookup_by_id(self, id_: int) -> DomainRef:
        """virDomainLookupByID."""
        return _found(self.guests.by_id(id_), f"id {id_}")

    def domain_lookup_by_uuid(self, uuid: bytes) -> DomainRef:
        """virDomainLookupByUUID."""
        return _found(self.guests.by_uuid(uuid), f"uuid '{UUID(bytes=uuid)}'")

    def domain_lookup_by_name(self, name: str) -> DomainRef:
        """virDomainLookupByName."""
        return _found(self.guests.by_name(name), f"name '{name}'")

    def connect_list_all_domains(self, flags: int) -> list[DomainRef]:
        """virConnectListAllDomains."""
        check_flags(flags, KNOWN_FILTERS, f"{self.prefix}ConnectListAllDomains")
        if not flags:
            return [guest.ref for guest in self.guests]
        return [guest.ref for guest in self.guests if matches(guest, flags)]


def _found(guest: ManagedGuest | None, what: str) -> DomainRef:
    if guest is None:
        raise VirtError(Code.NO_DOMAIN, f"no domain with matching {what}")
    return guest.ref
