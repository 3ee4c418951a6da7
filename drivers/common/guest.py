# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the guests of all hypervisor drivers have: a name, definitions, a state, events."""

from __future__ import annotations

from uuid import UUID

from conf.domain import Domain, format_domain
from virtd.enums import DomainEventID, DomainShutoffReason, DomainState
from virtd.errors import Code, From, VirtError
from virtd.events import Event, EventBus, Kind
from virtd.refs import DomainRef


def not_running() -> VirtError:
    """The stock answer of calls that need a running guest."""
    return VirtError(Code.OPERATION_INVALID, "domain is not running", source=From.DOMAIN)


class ManagedGuest:
    """A domain, running or not.

    `persistent` is the stored definition (None: the guest is transient), `live` what runs now (None: it is
    inactive); one of them is there while the guest is.  `state` is a `DomainState`, `reason` of that state's enum.
    """

    def __init__(self, events: EventBus, definition: Domain) -> None:
        self.events = events
        self.name: str = definition.name
        self.uuid: bytes = UUID(definition.uuid).bytes
        self.id = -1
        self.persistent: Domain | None = None
        self.live: Domain | None = None
        self.state: int = DomainState.SHUTOFF
        self.reason: int = DomainShutoffReason.UNKNOWN
        self.autostart = False

    @property
    def ref(self) -> DomainRef:
        """The guest as a client's handle."""
        return DomainRef(self.name, self.uuid, self.id)

    @property
    def active(self) -> bool:
        """Whether it runs, or is just being started or ended."""
        return self.live is not None

    @property
    def definition(self) -> Domain:
        """What runs, else what is stored."""
        definition = self.live or self.persistent
        assert definition is not None
        return definition

    # What filters of virConnectListAllDomains ask for; a driver that has such things says so.

    @property
    def has_managed_save(self) -> bool:
        """Whether it goes on where it was when it is started."""
        return False

    @property
    def has_snapshots(self) -> bool:
        return False

    @property
    def has_checkpoints(self) -> bool:
        return False

    def require_active(self) -> Domain:
        """What runs.

        Raises:
            VirtError: OPERATION_INVALID, the guest does not run.
        """
        if self.live is None:
            raise not_running()
        return self.live

    def shows_live(self, *, inactive: bool) -> bool:
        """Whether a client that asks for the `inactive` definition or not is shown what runs."""
        return self.live is not None and not (inactive and self.persistent is not None)

    def xml(self, *, inactive: bool = False, secure: bool = False, migratable: bool = False) -> str:
        """The canonical XML of the running or (`inactive`, or nothing runs) the stored definition."""
        model = self.live if self.shows_live(inactive=inactive) else self.persistent
        assert model is not None
        return self.format(model, inactive=inactive or self.live is None, secure=secure, migratable=migratable)

    def format(self, model: Domain, *, inactive: bool, secure: bool, migratable: bool) -> str:
        """One of this guest's definitions as XML; a driver may show it otherwise."""
        return format_domain(model, inactive=inactive, secure=secure, migratable=migratable)

    def emit(self, event_id: int, *args: object) -> None:
        """Tell clients an event of this guest; `event_id` is a `DomainEventID`."""
        self.events.emit(Event(Kind.DOMAIN, event_id, self.ref, args))

    def emit_lifecycle(self, type_: int, detail: int) -> None:
        """Tell clients of a `DomainEventType` with its detail."""
        self.emit(DomainEventID.LIFECYCLE, type_, detail)

    def set_state(self, state: int, reason: int) -> None:
        """Note a `DomainState` and its reason."""
        self.state, self.reason = state, reason

    def change_state(self, state: int, reason: int, event: int, detail: int = 0) -> None:
        """The same, and tell clients of it: a `DomainEventType` with its detail."""
        self.set_state(state, reason)
        self.emit_lifecycle(event, detail)
