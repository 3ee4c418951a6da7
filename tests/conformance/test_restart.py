# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon ends, by order or by force, and another takes over: what it must find again."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.bench import Bench
from tests.conformance.client import Client, Remote, refused
from tests.conformance.conftest import socket_uri
from tests.conformance.hypervisors import PAUSED, REAL, UNPAUSED, Hypervisor
from tests.integration.conftest import Daemon
from virtd.enums import DomainMetadataType, DomainXMLFlags
from virtd.errors import Code

pytestmark = pytest.mark.skipif(bool(REAL), reason="a real libvirtd is not ours to end")

TITLE, CONFIG = DomainMetadataType.TITLE, 2


@pytest.fixture
def own(hypervisor: Hypervisor, daemon: Daemon | None, tmp_path: Path, folder: Path) -> Iterator[tuple[Daemon, Bench]]:
    """A daemon for this test alone, with a bench at it."""
    if reason := hypervisor.missing():
        pytest.skip(reason)
    root = folder / f"restart-{tmp_path.name}"
    root.mkdir()
    found = Daemon(root)
    found.start()
    client = Client(socket_uri(found, hypervisor.uri))
    bench = Bench(hypervisor, client, folder)
    yield found, bench
    bench.clean_up()
    client.close()
    found.stop()


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
    bench.client.connect()
    bench.connection = bench.client.connection


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["ended", "killed"])
def test_guests_outlive_the_daemon(own: tuple[Daemon, Bench], how: signal.Signals):
    daemon, bench = own
    if not bench.hypervisor.survives:
        names = [bench.start().name(), bench.define().name()]
        restart(daemon, bench, how)
        for name in names:
            with refused(Code.NO_DOMAIN):
                bench.connection.lookupByName(name)
        return
    stored, paused = bench.define(), bench.start()
    stored.setAutostart(1)
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


def test_changes_of_definitions_are_there_after_a_kill(own: tuple[Daemon, Bench]):
    daemon, bench = own
    if not bench.hypervisor.survives:
        return
    gone, renamed, kept = bench.define(), bench.define(), bench.define()
    gone.setAutostart(1)
    gone.undefine()
    old, new = renamed.name(), bench.new_name()
    if bench.hypervisor.has("virDomainRename"):
        renamed.setAutostart(1)
        renamed.rename(new, 0)
    kept.setMetadata(TITLE, "kept", None, None, CONFIG)
    restart(daemon, bench, signal.SIGKILL)
    with refused(Code.NO_DOMAIN):
        bench.connection.lookupByName(gone.name())
    if bench.hypervisor.has("virDomainRename"):
        assert bench.connection.lookupByName(new).autostart() == 1
        with refused(Code.NO_DOMAIN):
            bench.connection.lookupByName(old)
    assert bench.connection.lookupByName(kept.name()).metadata(TITLE, None, 0) == "kept"
