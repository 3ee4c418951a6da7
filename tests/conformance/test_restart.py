# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon ends, by order or by force, and another takes over: what it must find again."""

from __future__ import annotations

import contextlib
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.bench import PATIENCE, Bench, state
from tests.conformance.client import Client, Remote, refused
from tests.conformance.conftest import socket_uri
from tests.conformance.hypervisors import COUNTS_IDS, KEEPS_RUNNING, KEEPS_STORED, PAUSED, REAL, UNPAUSED, Hypervisor
from tests.integration.conftest import Daemon
from virtd.enums import DomainRunningReason, DomainState, DomainXMLFlags
from virtd.errors import Code

pytestmark = pytest.mark.skipif(bool(REAL), reason="a real libvirtd is not ours to end")


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """The daemon that takes over is a new child of ours, and stays for the next test."""


@pytest.fixture(scope="session")
def mortal(folder: Path, daemon: Daemon | None) -> Iterator[Daemon]:
    """A daemon for these tests alone."""
    found = Daemon(folder / "mortal")
    found.root.mkdir()
    yield found
    found.stop()


@pytest.fixture
def own(hypervisor: Hypervisor, mortal: Daemon, folder: Path) -> Iterator[tuple[Daemon, Bench]]:
    """That daemon, with a bench at it."""
    if reason := hypervisor.missing():
        pytest.skip(reason)
    if mortal.process is None or mortal.process.poll() is not None:
        mortal.start()
    with contextlib.closing(Client(socket_uri(mortal, hypervisor.uri))) as client:
        bench = Bench(hypervisor, client, folder)
        yield mortal, bench
        bench.clean_up()


def snapshot(guest: Remote) -> tuple[object, ...]:
    """All that a guest says of itself and that must be the same afterwards."""
    return (
        guest.name(),
        guest.UUIDString(),
        guest.state(0),
        guest.isActive(),
        guest.isPersistent(),
        guest.autostart(),
        guest.XMLDesc(0),
        guest.XMLDesc(DomainXMLFlags.INACTIVE),
    )


def restart(daemon: Daemon, bench: Bench, signal_number: int) -> None:
    daemon.restart(signal_number)
    bench.reconnect()


HOW = pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["ended", "killed"])


@HOW
@pytest.mark.functions(KEEPS_STORED)
def test_stored_guests_are_there_again(own: tuple[Daemon, Bench], how: signal.Signals):
    daemon, bench = own
    guests = [bench.define() for _ in range(3)]
    marked, changed, renamed = guests
    marked.setAutostart(1)
    changed = bench.connection.defineXML(bench.xml(changed.name(), uuid=changed.UUIDString(), extra="<title>a</title>"))
    old = renamed.name()
    if bench.hypervisor.has("virDomainRename"):
        renamed.setAutostart(1)
        renamed.rename(bench.new_name(), 0)
    before = [(guest.name(), snapshot(guest)) for guest in guests]
    gone = bench.define()
    gone.setAutostart(1)
    gone.undefine()
    absent = {gone.name(), old} - {name for name, _ in before}
    restart(daemon, bench, how)
    for name, told in before:
        found = bench.connection.lookupByName(name)
        assert (snapshot(found), found.ID()) == (told, -1)
    assert "<title>a</title>" in bench.connection.lookupByName(before[1][0]).XMLDesc(0)
    for name in absent:
        with refused(Code.NO_DOMAIN):
            bench.connection.lookupByName(name)


@pytest.mark.functions(KEEPS_STORED)
def test_guests_are_started_with_the_host(own: tuple[Daemon, Bench]):
    daemon, bench = own
    marked, other = bench.define(), bench.define()
    marked.setAutostart(1)
    names = marked.name(), other.name()
    daemon.stop()
    shutil.rmtree(daemon.root / "run")  # what a boot of the host does
    daemon.start()
    bench.reconnect()
    marked, other = (bench.connection.lookupByName(name) for name in names)
    deadline = time.monotonic() + PATIENCE
    while state(marked) != (DomainState.RUNNING, DomainRunningReason.BOOTED):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert (marked.isPersistent(), marked.autostart(), other.isActive()) == (1, 1, 0)
    marked.destroy()
    restart(daemon, bench, signal.SIGTERM)
    assert bench.connection.lookupByName(names[0]).isActive() == 0, "once after each boot is enough"


def test_what_is_not_kept_is_gone(own: tuple[Daemon, Bench]):
    daemon, bench = own
    if bench.hypervisor.has(KEEPS_RUNNING):
        return
    stored, running = bench.define().name(), bench.start().name()
    restart(daemon, bench, signal.SIGTERM)
    if bench.hypervisor.has(KEEPS_STORED):
        assert bench.connection.lookupByName(stored).isActive() == 0
        assert bench.connection.lookupByName(running).isActive() == 0
        return
    for name in (stored, running):
        with refused(Code.NO_DOMAIN):
            bench.connection.lookupByName(name)


@HOW
@pytest.mark.functions(KEEPS_RUNNING)
def test_running_guests_go_on(own: tuple[Daemon, Bench], how: signal.Signals):
    daemon, bench = own
    stored, paused = bench.define(), bench.start()
    paused.suspend()
    bench.told(paused, PAUSED)
    guests = [stored, paused, bench.start(), bench.start_transient()]
    before = {guest.name(): (snapshot(guest), bench.connection.lookupByName(guest.name()).ID()) for guest in guests}
    last_id = max(id_ for _, id_ in before.values())
    restart(daemon, bench, how)
    for name, (told, id_) in before.items():
        found = bench.connection.lookupByName(name)
        assert snapshot(found) == told
        assert found.ID() == id_
    after(bench, *(bench.connection.lookupByName(guest.name()) for guest in guests), last_id=last_id)


def after(bench: Bench, stored: Remote, paused: Remote, running: Remote, transient: Remote, *, last_id: int) -> None:
    """They go on as if nothing had been: events, new ids, ends."""
    paused.resume()
    bench.told(paused, UNPAUSED)
    running.destroy()
    bench.told(running, *bench.events.destroy)
    transient.destroy()
    bench.told(transient, *bench.events.destroy)
    with refused(Code.NO_DOMAIN):
        transient.state(0)
    stored.create()
    if bench.hypervisor.has(COUNTS_IDS):
        assert bench.connection.lookupByName(stored.name()).ID() > last_id
