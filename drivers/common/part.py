# SPDX-License-Identifier: LGPL-2.1-or-later
"""What all subjects of a hypervisor driver's API share: finding the guest, and which of its definitions a call means."""

from __future__ import annotations

from typing import ClassVar, Generic

from conf.domain import Domain
from drivers.common.guest import ManagedGuest, not_running
from drivers.common.guestlist import G, GuestList
from virtd.enums import DomainModificationImpact as Impact
from virtd.errors import Code, From, VirtError
from virtd.refs import DomainRef

#: The two flags that say which definition is meant.
IMPACT = Impact.LIVE | Impact.CONFIG


class GuestPart(Generic[G]):
    """A subject of the API."""

    #: With what the driver's own functions begin, which errors name ("qemu" of qemuDomainCreate).
    prefix: ClassVar[str]

    @property
    def guests(self) -> GuestList[G]:
        """Those that the caller may mean."""
        raise NotImplementedError

    def _guest(self, dom: DomainRef) -> G:
        """The guest a client means.  Raises NO_DOMAIN."""
        return self.guests.by_ref(dom)

    def _running(self, dom: DomainRef) -> G:
        """The same, if it runs.  Raises OPERATION_INVALID otherwise."""
        guest = self._guest(dom)
        if not guest.active:
            raise not_running()
        return guest


def refuse(text: str) -> VirtError:
    """An argument that a public function refuses before any driver sees it; `text` is the whole message."""
    return VirtError(Code.INVALID_ARG, text, source=From.DOMAIN, bare=True)


def require_one_impact(flags: int) -> None:
    """Queries may ask for one definition only.

    Raises:
        VirtError: INVALID_ARG.
    """
    if flags & IMPACT == IMPACT:
        raise refuse("Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive")


def definitions(guest: ManagedGuest, flags: int) -> tuple[Domain | None, Domain | None]:
    """The (live, stored) definitions that a change with these flags concerns.

    Raises:
        VirtError: OPERATION_INVALID, the guest does not run or nothing is stored of it.
    """
    wanted = flags & IMPACT or (Impact.LIVE if guest.active else Impact.CONFIG)
    if wanted & Impact.LIVE and not guest.active:
        raise not_running()
    if wanted & Impact.CONFIG and guest.persistent is None:
        text = "transient domains do not have any persistent config"
        raise VirtError(Code.OPERATION_INVALID, text, source=From.DOMAIN)
    return guest.live if wanted & Impact.LIVE else None, guest.persistent if wanted & Impact.CONFIG else None


def definition(guest: ManagedGuest, flags: int) -> Domain:
    """The one definition that a query with these flags concerns.

    Raises:
        VirtError: OPERATION_INVALID, as `definitions`; INVALID_ARG, both were asked for.
    """
    require_one_impact(flags)
    live, stored = definitions(guest, flags)
    found = live or stored
    assert found is not None
    return found
