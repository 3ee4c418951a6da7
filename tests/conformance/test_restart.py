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

from tests.conformance.bench import PATIENCE, Bench
from tests.conformance.client import Client, Remote, refused
from tests.conformance.conftest import socket_uri
from tests.conformance.hypervisors import KEEPS_RUNNING, KEEPS_STORED, PAUSED, REAL, UNPAUSED, Hypervisor
from tests.integration.conftest import Daemon
from virtd.enums import DomainXMLFlags
from virtd.errors import Code

pytestmark = pytest.mark.skipif(bool(REAL), reason="a real libvirtd is not ours to end")


@pytest.fixture
def own(hypervisor: Hypervisor, daemon: Daemon | None, tmp_path: Path, folder: Path) -> Iterator[tuple[Daemon, Bench]]:
    """A daemon for this test alone, with a bench at it."""
    if reason := hypervisor.missing():
        pytest.skip(reason)
    root = folder / f"restart-{tmp_path.name}"
    root.mkdir()
    found = Daemon(root)
    with contextlib.ExitStack() as stack:
        stack.callback(found.stop)
        found.start()
        client = Client(socket_uri(found, hypervisor.uri))
        stack.callback(client.close)
        bench = Bench(hypervisor, client, folder)
        stack.callback(bench.clean_up)
        yield found, bench


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
    guests = [bench.define(), bench.define()]
    guests[0].setAutostart(1)
    before = [(guest.name(), snapshot(guest)) for guest in guests]
    restart(daemon, bench, how)
    for name, told in before:
        found = bench.connection.lookupByName(name)
        assert (snapshot(found), found.ID()) == (told, -1)


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
    while not marked.isActive():
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
        assert (snapshot(found), found.ID()) == (told, id_)
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
    assert bench.connection.lookupByName(stored.name()).ID() > last_id


@pytest.mark.functions(KEEPS_STORED)
def test_changes_of_definitions_are_there_after_a_kill(own: tuple[Daemon, Bench]):
    daemon, bench = own
    gone, changed = bench.define(), bench.define()
    gone.setAutostart(1)
    gone.undefine()
    bench.connection.defineXML(bench.xml(changed.name(), uuid=changed.UUIDString(), extra="<title>new</title>"))
    restart(daemon, bench, signal.SIGKILL)
    with refused(Code.NO_DOMAIN):
        bench.connection.lookupByName(gone.name())
    assert "<title>new</title>" in bench.connection.lookupByName(changed.name()).XMLDesc(0)


@pytest.mark.functions(KEEPS_STORED, "virDomainRename")
def test_a_new_name_is_there_after_a_kill(own: tuple[Daemon, Bench]):
    daemon, bench = own
    guest, new = bench.define(), bench.new_name()
    old = guest.name()
    guest.setAutostart(1)
    guest.rename(new, 0)
    restart(daemon, bench, signal.SIGKILL)
    assert bench.connection.lookupByName(new).autostart() == 1
    with refused(Code.NO_DOMAIN):
        bench.connection.lookupByName(old)
