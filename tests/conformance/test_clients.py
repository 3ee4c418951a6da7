# SPDX-License-Identifier: LGPL-2.1-or-later
"""More than one client at once."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.conformance.bench import PATIENCE, Bench
from tests.conformance.client import Client, Refused, refused
from tests.conformance.hypervisors import AUTODESTROY, DEFINED, PAUSED
from virtd.enums import DomainCreateFlags
from virtd.errors import Code

ALREADY_RUNNING = "requested operation is not valid: domain is already running"
NOT_RUNNING = "requested operation is not valid: domain is not running"


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


@pytest.fixture
def crowd(bench: Bench) -> Iterator[list[Client]]:
    """Several clients that ask at once."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(contextlib.closing(Client(bench.client.uri))) for _ in range(3)]


def at_once(calls: list[Callable[[], object]]) -> list[Refused | None]:
    """Make the calls side by side; what each was refused with."""

    def made(call: Callable[[], object]) -> Refused | None:
        try:
            call()
        except Refused as error:
            return error
        return None

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(made, calls))


def test_one_of_many_starts_and_one_ends_a_guest(bench: Bench, crowd: list[Client]):
    guest = bench.define()
    theirs = [client.connection.lookupByName(guest.name()) for client in crowd]
    started = at_once([their.create for their in theirs])
    assert [error.message.lower() for error in started if error] == [ALREADY_RUNNING] * (len(crowd) - 1)
    bench.told(guest, *bench.events.start)
    assert guest.isActive()
    ended = at_once([their.destroy for their in theirs])
    assert [error.message.lower() for error in ended if error] == [NOT_RUNNING] * (len(crowd) - 1)
    bench.told(guest, *bench.events.destroy)
    assert not guest.isActive()


def test_a_name_is_given_once(bench: Bench, crowd: list[Client]):
    name = bench.new_name()
    documents = [bench.xml(name) for _ in crowd]
    refusals = at_once(
        [partial(client.connection.defineXML, xml) for client, xml in zip(crowd, documents, strict=True)]
    )
    assert [error.code for error in refusals if error] == [Code.OPERATION_FAILED] * (len(crowd) - 1)
    assert [guest.name() for guest in bench.connection.listAllDomains(0)].count(name) == 1


def test_guests_of_many_do_not_get_in_each_others_way(bench: Bench, crowd: list[Client]):
    documents = [bench.xml() for _ in crowd]

    def lives(client: Client, xml: str) -> None:
        guest = client.connection.defineXML(xml)
        for _ in range(3):
            guest.create()
            guest.suspend()
            guest.resume()
            guest.destroy()
        guest.undefine()

    assert not any(at_once([partial(lives, client, xml) for client, xml in zip(crowd, documents, strict=True)]))
