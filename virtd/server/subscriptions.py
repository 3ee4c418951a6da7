# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which events a client wants, and how it is told of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import NamedTuple

from virtd.errors import Code, From, VirtError, check_flags, invalid_arg
from virtd.events import Event, EventBus, Kind
from virtd.wire.message import EVENT_SERIAL, Header, Status, Type, pack_message
from virtd.wire.programs import QEMU, REMOTE, EventProcedures, Procedure

PROCEDURES: dict[tuple[str, int], EventProcedures] = REMOTE.events | QEMU.events

#: What errors call the events of a kind.
LABELS = {
    Kind.DOMAIN: "domain",
    Kind.NETWORK: "network",
    Kind.STORAGE_POOL: "storage pool",
    Kind.NODE_DEVICE: "node device",
    Kind.SECRET: "secret",
    Kind.QEMU_MONITOR: "qemu monitor",
}

#: What messages call the object that the event is about.
_SUBJECT_FIELDS = frozenset({"dom", "net", "pool", "dev", "secret"})

#: A handle: the fields of a `virtd.refs` class.
Subject = tuple[object, ...]


class Registration(NamedTuple):
    """One wish to hear of events; what is None does not restrict it."""

    kind: Kind
    event_id: int
    subject: object  # the key of the one object it is about
    names: re.Pattern[str] | None = None  # of QEMU's monitor events, to `search` with

    def covers(self, event: Event, subject: object) -> bool:
        """Whether the client wants this event about `subject`."""
        kind, event_id, only, names = self
        if kind is not event.kind or event_id != event.event_id or only not in (None, subject):
            return False
        return names is None or names.search(str(event.args[0])) is not None


class Subscriptions:
    """The registrations of one connection.

    `send` gets whole messages.  A callback id is unique in the connection, whatever it is for.
    """

    def __init__(self, buses: list[EventBus], send: Callable[[bytes], None]) -> None:
        self._buses = buses
        self._send = send
        self._ids = itertools.count()
        self._active: dict[int, tuple[Registration, Procedure]] = {}
        self._unsubscribe: list[Callable[[], None]] = []

    def register(self, kind: Kind, event_id: int, subject: Subject | None, *, legacy: bool = False) -> int:
        """Tell the client of these events from now on; returns the callback id.

        Raises:
            VirtError: there is no such event (for clients of that age), or it is registered already.
        """
        return self._add(Registration(kind, event_id, key(subject)), self._procedure(kind, event_id, legacy=legacy))

    def register_monitor(self, subject: Subject | None, event: str | None, flags: int) -> int:
        """The same for QEMU's own events, by name or by a regular expression.

        Raises:
            VirtError: the expression is none, or this is registered already.
        """
        registration = Registration(Kind.QEMU_MONITOR, 0, key(subject), _name_filter(event, flags))
        return self._add(registration, PROCEDURES[Kind.QEMU_MONITOR, 0].callback)

    def _procedure(self, kind: Kind, event_id: int, *, legacy: bool) -> Procedure:
        known = PROCEDURES.get((kind, event_id))
        procedure = known and (known.legacy if legacy else known.callback)
        if procedure is None:
            label = "" if kind is Kind.DOMAIN else f"{LABELS[kind]} "
            raise _internal(f"unsupported {label}event ID {event_id}")
        return procedure

    def _add(self, wanted: Registration, procedure: Procedure) -> int:
        if any(registration == wanted for registration, _ in self._active.values()):
            raise VirtError(Code.INVALID_ARG, "event callback already tracked", source=From.NONE)
        if not self._active:
            self._unsubscribe = [bus.subscribe(self._tell) for bus in self._buses]
        callback_id = next(self._ids)
        self._active[callback_id] = (wanted, procedure)
        return callback_id

    def deregister(self, kind: Kind, callback_id: int) -> None:
        """End what `register` began.

        Raises:
            VirtError: it is not registered.
        """
        if callback_id not in self._active or self._active[callback_id][0].kind is not kind:
            raise _internal(f"{LABELS[kind]} event callback {callback_id} not registered")
        self._remove(callback_id)

    def deregister_legacy(self, event_id: int) -> None:
        """End the registration for a domain event, of clients that know no callback ids.

        Raises:
            VirtError: there is no such event, or it is not registered.
        """
        self._procedure(Kind.DOMAIN, event_id, legacy=True)
        for callback_id, (registration, _) in self._active.items():
            if registration == Registration(Kind.DOMAIN, event_id, None):
                self._remove(callback_id)
                return
        raise _internal(f"domain event {event_id} not registered")

    def _remove(self, callback_id: int) -> None:
        del self._active[callback_id]
        if not self._active:
            self.close()

    def close(self) -> None:
        """Tell the client nothing more."""
        self._active.clear()
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []

    def _tell(self, event: Event) -> None:
        subject = key(event.subject)
        for callback_id, (registration, procedure) in list(self._active.items()):
            if registration.covers(event, subject):
                self._send(_message(procedure, callback_id, event))


def key(subject: Subject | None) -> object:
    """What identifies an object: its UUID where it has one, else its name."""
    return None if subject is None else getattr(subject, "uuid", subject[0])


def _internal(detail: str) -> VirtError:
    return VirtError(Code.INTERNAL_ERROR, detail, source=From.RPC)


#: Flags of virConnectDomainQemuMonitorEventRegister.
_REGEX, _NOCASE = 1, 2


def _name_filter(event: str | None, flags: int) -> re.Pattern[str] | None:
    """An expression to `search` a name with."""
    check_flags(flags, _REGEX | _NOCASE, "virDomainQemuMonitorEventStateRegisterID")
    if event is None:
        return None
    text = event if flags & _REGEX else rf"\A{re.escape(event)}\Z"
    try:
        return re.compile(text, re.IGNORECASE if flags & _NOCASE else 0)
    except re.error as error:
        raise invalid_arg(f"failed to compile regex '{event}': {error}") from None


def _message(procedure: Procedure, callback_id: int, event: Event) -> bytes:
    header = Header(procedure.program, procedure.version, procedure.number, Type.MESSAGE, EVENT_SERIAL, Status.OK)
    return pack_message(header, procedure.encode_msg(_fields(procedure, callback_id, event)))


def _fields(procedure: Procedure, callback_id: int, event: Event) -> tuple[object, ...]:
    """The message's fields: the event's, with the subject and the callback id at their places.

    Old messages have no callback id, and leave out what came later: it stands before the subject.
    """
    names = procedure.args.field_names
    place = next(index for index, name in enumerate(names) if name in _SUBJECT_FIELDS)
    if names[0] != "callback_id":
        return (event.subject, *event.args[len(event.args) - len(names) + 1 :])
    return (callback_id, *event.args[: place - 1], event.subject, *event.args[place - 1 :])
