# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest's way from state to state: what it says of itself, and what clients are told, in order."""

from __future__ import annotations

import pytest

from tests.conformance.bench import Bench, state
from tests.conformance.client import refused
from tests.conformance.hypervisors import COUNTS_IDS, DEFINED, PAUSED, REDEFINED, START_PAUSED, UNDEFINED, UNPAUSED
from virtd.enums import (
    DomainCreateFlags,
    DomainPausedReason,
    DomainRunningReason,
    DomainShutoffReason,
    DomainState,
)
from virtd.errors import Code

OFF = DomainState.SHUTOFF, DomainShutoffReason.UNKNOWN
BOOTED = DomainState.RUNNING, DomainRunningReason.BOOTED
UNPAUSED_STATE = DomainState.RUNNING, DomainRunningReason.UNPAUSED
PAUSED_STATE = DomainState.PAUSED, DomainPausedReason.USER
DESTROYED = DomainState.SHUTOFF, DomainShutoffReason.DESTROYED
SHUT_DOWN = DomainState.SHUTOFF, DomainShutoffReason.SHUTDOWN


def test_define_and_undefine(bench: Bench):
    xml = bench.xml()
    guest = bench.connection.defineXML(xml)
    bench.told(guest, DEFINED)
    assert (guest.ID(), guest.isActive(), guest.isPersistent(), state(guest)) == (-1, 0, 1, OFF)
    bench.connection.defineXML(xml)
    bench.told(guest, REDEFINED)
    guest.undefine()
    bench.told(guest, UNDEFINED)
    with refused(Code.NO_DOMAIN):
        bench.connection.lookupByName(guest.name())


def test_create_and_destroy(bench: Bench):
    guest = bench.define()
    guest.create()
    bench.told(guest, *bench.events.start)
    assert guest.ID() > 0
    assert (guest.isActive(), guest.isPersistent(), state(guest)) == (1, 1, BOOTED)
    guest.destroy()
    bench.told(guest, *bench.events.destroy)
    assert (guest.isActive(), guest.isPersistent(), state(guest)) == (0, 1, DESTROYED)


def test_the_id_of_each_run_is_new(bench: Bench):
    guest = bench.define()
    ids = []
    for _ in range(2):
        guest.create()
        found = bench.connection.lookupByName(guest.name())
        ids.append(found.ID())
        assert bench.connection.lookupByID(found.ID()).name() == guest.name()
        guest.destroy()
    assert ids[0] < ids[1] or not bench.hypervisor.has(COUNTS_IDS)
    with refused(Code.NO_DOMAIN):
        bench.connection.lookupByID(ids[1])
    assert bench.connection.lookupByName(guest.name()).ID() == -1


def test_suspend_and_resume(bench: Bench):
    guest = bench.start()
    guest.suspend()
    bench.told(guest, PAUSED)
    assert state(guest) == PAUSED_STATE
    guest.suspend()  # again is no mistake, and nothing to tell of
    bench.told(guest)
    guest.resume()
    bench.told(guest, UNPAUSED)
    assert state(guest) == UNPAUSED_STATE
    with refused(Code.OPERATION_INVALID, "domain is already running"):
        guest.resume()
    bench.told(guest)


@pytest.mark.functions(START_PAUSED)
def test_start_paused(bench: Bench):
    guest = bench.define()
    guest.createWithFlags(DomainCreateFlags.START_PAUSED)
    bench.told(guest, *bench.events.start_paused)
    assert state(guest) == PAUSED_STATE
    guest.resume()
    bench.told(guest, UNPAUSED)
    assert state(guest) == UNPAUSED_STATE


def test_a_paused_guest_is_destroyed(bench: Bench):
    guest = bench.start()
    guest.suspend()
    bench.told(guest, PAUSED)
    guest.destroy()
    bench.told(guest, *bench.events.destroy)
    assert state(guest) == DESTROYED


@pytest.mark.functions("virDomainShutdown")
def test_shutdown(bench: Bench):
    guest = bench.start()
    bench.power_off(guest)
    bench.told(guest, *bench.events.shutdown)
    assert state(guest) == SHUT_DOWN


@pytest.mark.functions("virDomainReboot")
def test_reboot_keeps_the_run(bench: Bench):
    guest = bench.start()
    guest.reboot(0)
    assert (guest.isActive(), guest.state(0)[0]) == (1, DomainState.RUNNING)
    assert bench.connection.lookupByName(guest.name()).ID() == guest.ID()


@pytest.mark.functions("virDomainCreateXML")
def test_a_transient_guest_is_gone_after_its_run(bench: Bench):
    guest = bench.connection.createXML(bench.xml(), 0)
    bench.told(guest, *bench.events.start)
    assert (guest.isActive(), guest.isPersistent(), state(guest)) == (1, 0, BOOTED)
    guest.destroy()
    bench.told(guest, *bench.events.destroy)
    with refused(Code.NO_DOMAIN, "no domain with matching uuid"):
        guest.state(0)


@pytest.mark.functions("virDomainCreateXML", "virDomainShutdown")
def test_a_transient_guest_that_switches_itself_off_is_gone(bench: Bench):
    guest = bench.start_transient()
    bench.power_off(guest)
    bench.told(guest, *bench.events.shutdown)
    with refused(Code.NO_DOMAIN):
        bench.connection.lookupByName(guest.name())


def test_undefining_a_running_guest_makes_it_transient(bench: Bench):
    guest = bench.start()
    guest.undefine()
    bench.told(guest, UNDEFINED)
    assert (guest.isActive(), guest.isPersistent(), state(guest)) == (1, 0, BOOTED)
    guest.destroy()
    bench.told(guest, *bench.events.destroy)
    with refused(Code.NO_DOMAIN):
        guest.state(0)


@pytest.mark.functions("virDomainCreateXML")
def test_defining_a_transient_guest_makes_it_persistent(bench: Bench):
    xml = bench.xml()
    guest = bench.connection.createXML(xml, 0)
    bench.told(guest, *bench.events.start)
    bench.connection.defineXML(xml)
    bench.told(guest, DEFINED)
    assert (guest.isActive(), guest.isPersistent(), state(guest)) == (1, 1, BOOTED)
    guest.destroy()
    bench.told(guest, *bench.events.destroy)
    assert (guest.isActive(), guest.isPersistent(), state(guest)) == (0, 1, DESTROYED)


@pytest.mark.functions("virDomainCreateXML")
def test_a_stored_guest_started_from_xml_stays_stored(bench: Bench):
    guest = bench.define()
    started = bench.connection.createXML(guest.XMLDesc(0), 0)
    assert started.UUIDString() == guest.UUIDString()
    assert (started.isActive(), started.isPersistent()) == (1, 1)
    started.destroy()
    assert guest.isActive() == 0
    assert guest.isPersistent() == 1
