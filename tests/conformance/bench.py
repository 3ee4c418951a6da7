# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a test of the suite works with: a hypervisor, a client of it, and guests that are gone afterwards."""

from __future__ import annotations

import contextlib
import itertools
import time
from pathlib import Path
from uuid import uuid4

from tests.conformance.client import Client, Refused, Remote
from tests.conformance.hypervisors import Event, Hypervisor
from virtd.enums import DomainCreateFlags, DomainUndefineFlags

#: Seconds in which a guest has to end that was asked to.
PATIENCE = 30.0

_serial = itertools.count(1)


class Bench:
    """`folder` is one that guests may read and write."""

    def __init__(self, hypervisor: Hypervisor, client: Client, folder: Path) -> None:
        self.hypervisor, self.client, self.folder = hypervisor, client, folder
        self.connection = client.connection
        self.events = hypervisor.events
        self._made: list[str] = []

    def reconnect(self) -> None:
        """Go on with the daemon that came after another."""
        self.client.connect()
        self.connection = self.client.connection

    def new_name(self) -> str:
        """A name that no guest has; the guest will be removed after the test."""
        self._made.append(f"conform-{next(_serial)}")
        return self._made[-1]

    def xml(self, name: str | None = None, *, uuid: str = "", extra: str = "") -> str:
        """The hypervisor's small guest."""
        name = name or self.new_name()
        self.hypervisor.prepare(self.folder, name)
        return self.hypervisor.xml.format(name=name, uuid=uuid or uuid4(), extra=extra, folder=self.folder)

    def define(self, xml: str = "") -> Remote:
        """A stored guest, whose definition the client has heard of."""
        guest: Remote = self.connection.defineXML(xml or self.xml())
        self.forget(guest, 1)
        return guest

    def start(self, *, paused: bool = False) -> Remote:
        """A stored guest that runs."""
        guest = self.define()
        guest.createWithFlags(DomainCreateFlags.START_PAUSED if paused else 0)
        self.forget(guest, len(self.events.start_paused if paused else self.events.start))
        return guest

    def start_transient(self) -> Remote:
        """A guest that runs and is not stored."""
        guest: Remote = self.connection.createXML(self.xml(), 0)
        self.forget(guest, len(self.events.start))
        return guest

    def forget(self, guest: Remote, count: int) -> None:
        """Take `count` events that are not what the test is about."""
        self.client.told(guest.name(), count)

    def told(self, guest: Remote, *expected: Event, name: str = "") -> None:
        """Exactly these events of the guest have come since this was asked last."""
        found = self.client.told(name or guest.name(), len(expected))
        assert found == list(expected)

    def power_off(self, guest: Remote) -> None:
        """Press the power button until the guest obeys: one that has not booted yet does not hear."""
        deadline = time.monotonic() + PATIENCE
        with contextlib.suppress(Refused):  # a transient guest is gone then
            while guest.isActive():
                assert time.monotonic() < deadline, "the guest does not obey"
                guest.shutdown()
                self._wait(guest, time.monotonic() + 0.5)

    def _wait(self, guest: Remote, until: float) -> None:
        while guest.isActive() and time.monotonic() < until:
            time.sleep(0.01)

    def clean_up(self) -> None:
        """Remove what the test left."""
        for name in self._made:
            with contextlib.suppress(Refused):
                guest = self.connection.lookupByName(name)
                with contextlib.suppress(Refused):
                    guest.destroy()
                for flags in (DomainUndefineFlags.MANAGED_SAVE, 0):
                    with contextlib.suppress(Refused):
                        guest.undefineFlags(flags)
        left = {guest.name() for guest in self.connection.listAllDomains(0)}.intersection(self._made)
        assert not left, f"guests left behind: {left}"


def state(guest: Remote) -> tuple[int, int]:
    """A guest's `DomainState` and its reason."""
    now, reason = guest.state(0)
    return now, reason
