# SPDX-License-Identifier: LGPL-2.1-or-later
"""More than one client at once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.conformance.bench import PATIENCE, Bench
from tests.conformance.client import Client, refused
from tests.conformance.hypervisors import AUTODESTROY, DEFINED, PAUSED
from virtd.enums import DomainCreateFlags
from virtd.errors import Code


@pytest.fixture
def other(bench: Bench) -> Iterator[Client]:
    """A second client of the same daemon."""
    found = Client(bench.client.uri)
    yield found
    found.close()


def test_all_clients_are_told_the_same(bench: Bench, other: Client):
    guest = bench.start()
    other.connection.lookupByName(guest.name()).suspend()
    bench.told(guest, PAUSED)
    everything = [DEFINED, *bench.events.start, PAUSED]
    assert other.told(guest.name(), len(everything)) == everything


def test_what_one_undefines_is_gone_for_all(bench: Bench, other: Client):
    guest = bench.define()
    theirs = other.connection.lookupByName(guest.name())
    guest.undefine()
    with refused(Code.NO_DOMAIN):
        theirs.state(0)


@pytest.mark.functions(AUTODESTROY)
def test_a_guest_ends_with_the_connection_that_started_it(bench: Bench):
    starter = Client(bench.client.uri)
    guest, stays = bench.define(), bench.start()
    starter.connection.lookupByName(guest.name()).createWithFlags(DomainCreateFlags.START_AUTODESTROY)
    bench.told(guest, *bench.events.start)
    starter.close()
    bench.told(guest, *bench.events.destroy)
    deadline = time.monotonic() + PATIENCE
    while guest.isActive():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert guest.isPersistent()
    assert stays.isActive()
