# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lists of guests: every filter, and what the old functions make of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest

from tests.conformance.bench import Bench
from tests.conformance.client import Remote, refused
from virtd.enums import ConnectListAllDomainsFlags as List
from virtd.enums import DomainState
from virtd.errors import Code

FLAGS = [1 << bit for bit in range(16)]


@dataclass(frozen=True)
class Known:
    """What a guest is, as it says itself."""

    name: str
    active: bool
    persistent: bool
    state: int
    autostart: bool
    saved: bool

    @classmethod
    def ask(cls, guest: Remote, *, saves: bool) -> Known:
        return cls(
            guest.name(),
            bool(guest.isActive()),
            bool(guest.isPersistent()),
            guest.state(0)[0],
            bool(guest.autostart()),
            saves and bool(guest.hasManagedSaveImage(0)),
        )

    def flags(self) -> int:
        """The filters that let it pass; no guest here has snapshots or checkpoints."""
        states = {DomainState.RUNNING: List.RUNNING, DomainState.PAUSED: List.PAUSED, DomainState.SHUTOFF: List.SHUTOFF}
        return (
            (List.ACTIVE if self.active else List.INACTIVE)
            | (List.PERSISTENT if self.persistent else List.TRANSIENT)
            | states.get(self.state, List.OTHER)
            | (List.AUTOSTART if self.autostart else List.NO_AUTOSTART)
            | (List.MANAGEDSAVE if self.saved else List.NO_MANAGEDSAVE)
            | List.NO_SNAPSHOT
            | List.NO_CHECKPOINT
        )


GROUPS = (
    List.ACTIVE | List.INACTIVE,
    List.PERSISTENT | List.TRANSIENT,
    List.RUNNING | List.PAUSED | List.SHUTOFF | List.OTHER,
    List.MANAGEDSAVE | List.NO_MANAGEDSAVE,
    List.AUTOSTART | List.NO_AUTOSTART,
    List.HAS_SNAPSHOT | List.NO_SNAPSHOT,
    List.HAS_CHECKPOINT | List.NO_CHECKPOINT,
)


def passes(own: int, asked: int) -> bool:
    """A guest passes when each group of filters asks nothing, or for something that it is."""
    return all(not asked & group or asked & group & own for group in GROUPS)


@pytest.fixture
def known(bench: Bench) -> list[Known]:
    """Guests that are different in all that filters ask for."""
    autostarted = bench.define()
    autostarted.setAutostart(1)
    paused = bench.start()
    paused.suspend()
    guests = [bench.define(), autostarted, paused, bench.start()]
    if bench.hypervisor.has("virDomainCreateXML"):
        guests.append(bench.start_transient())
    saves = bench.hypervisor.has("virDomainHasManagedSaveImage")
    return [Known.ask(guest, saves=saves) for guest in guests]


def test_every_filter_alone_and_with_others(bench: Bench, known: list[Known]):
    mine = {guest.name for guest in known}
    for count in (0, 1, 2, 3):
        for chosen in itertools.combinations(FLAGS, count):
            asked = sum(chosen)
            found = bench.connection.listed(asked)
            expected = {guest.name for guest in known if passes(guest.flags(), asked)}
            assert mine.intersection(found) == expected, f"filters {asked:#x}"


def test_an_unknown_filter_is_refused(bench: Bench):
    with refused(Code.INVALID_ARG, "unsupported flags (0x10000) in function"):
        bench.connection.listAllDomains(1 << 16)


def test_old_functions_say_the_same(bench: Bench, known: list[Known]):
    connection = bench.connection
    active = connection.listAllDomains(List.ACTIVE)
    inactive = connection.listAllDomains(List.INACTIVE)
    assert {guest.name() for guest in active}.issuperset(guest.name for guest in known if guest.active)
    assert connection.numOfDomains() == len(active)
    assert connection.numOfDefinedDomains() == len(inactive)
    assert sorted(connection.listDomainsID()) == sorted(guest.ID() for guest in active)
    assert sorted(connection.listDefinedDomains()) == sorted(guest.name() for guest in inactive)


@pytest.mark.functions("virConnectGetAllDomainStats")
def test_statistics_of_state(bench: Bench):
    guest = bench.start()
    guest.suspend()
    [[found, stats]] = bench.connection.domainListGetStats([guest], 1, 0)
    assert found.name() == guest.name()
    assert stats == {"state.state": guest.state(0)[0], "state.reason": guest.state(0)[1]}
    every = {found.name(): stats for found, stats in bench.connection.getAllDomainStats(1, 0)}
    assert every[guest.name()] == stats
