# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every call of the table in every state in which it cannot be: the stock errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tests.conformance.bench import Bench
from tests.conformance.calls import CALLS, UNKNOWN_FLAG, Call
from tests.conformance.client import Remote, refused
from tests.conformance.hypervisors import AUTODESTROY, START_PAUSED
from virtd.enums import DomainCreateFlags, DomainXMLFlags
from virtd.errors import Code


def differences(code: Code, texts: Iterable[tuple[Call, str]], ask: Callable[[Call], object]) -> list[str]:
    """Which calls are not refused with `code` and their text."""
    found = []
    for call, text in texts:
        try:
            with refused(code, text):
                ask(call)
        except AssertionError as error:
            found.append(f"{call.function}: {error}")
    return found


@pytest.fixture
def calls(bench: Bench) -> list[Call]:
    """Those that the hypervisor has."""
    return [call for call in CALLS if bench.hypervisor.has(call.function)]


def test_what_the_driver_lacks_is_not_supported(bench: Bench):
    guest = bench.define()
    text = "this function is not supported by the connection driver: "
    lacking = [(call, text + call.function) for call in CALLS if not bench.hypervisor.has(call.function)]
    assert not differences(Code.NO_SUPPORT, lacking, lambda call: call(guest))


def test_what_the_driver_lacks_without_a_guest_is_not_supported(bench: Bench):
    text = "this function is not supported by the connection driver: "
    if not bench.hypervisor.has("virDomainCreateXML"):
        with refused(Code.NO_SUPPORT, f"{text}virDomainCreateXML"):
            bench.connection.createXML(bench.xml(), 0)
    if not bench.hypervisor.has("virConnectGetAllDomainStats"):
        with refused(Code.NO_SUPPORT, f"{text}virConnectGetAllDomainStats"):
            bench.connection.getAllDomainStats(1, 0)
    for ability, flag in (
        (START_PAUSED, DomainCreateFlags.START_PAUSED),
        (AUTODESTROY, DomainCreateFlags.START_AUTODESTROY),
    ):
        if not bench.hypervisor.has(ability):
            with refused(Code.INVALID_ARG, f"unsupported flags ({flag:#x}) in function"):
                bench.define().createWithFlags(flag)


def test_a_guest_that_does_not_run_cannot(bench: Bench, calls: list[Call]):
    guest = bench.define()
    texts = [(call, "domain is not running") for call in calls if call.active]
    assert not differences(Code.OPERATION_INVALID, texts, lambda call: call(guest))
    bench.told(guest)


def test_a_guest_that_is_gone_is_not_found(bench: Bench, calls: list[Call]):
    guest = bench.define()
    guest.undefine()
    text = f"no domain with matching uuid '{guest.UUIDString()}' ({guest.name()})"
    assert not differences(Code.NO_DOMAIN, [(call, text) for call in calls], lambda call: call(guest))


def test_unknown_flags_are_refused(bench: Bench, calls: list[Call]):
    guest = bench.start()
    text = f"unsupported flags ({UNKNOWN_FLAG:#x}) in function"
    texts = [(call, text) for call in calls if call.flags is not None]
    assert not differences(Code.INVALID_ARG, texts, lambda call: call.with_unknown_flag(guest))
    assert guest.isActive()
    assert guest.isPersistent()


def test_readers_change_nothing(bench: Bench, calls: list[Call]):
    guest = bench.start()
    reader: Remote = bench.client.readonly.lookupByName(guest.name())
    texts = [(call, f"read only access prevents {call.function}") for call in calls if call.changes]
    assert not differences(Code.OPERATION_DENIED, texts, lambda call: call(reader))
    with refused(Code.OPERATION_DENIED, "virDomainGetXMLDesc with secure flag"):
        reader.XMLDesc(DomainXMLFlags.SECURE)
    with refused(Code.OPERATION_DENIED, "read only access prevents virDomainDefineXML"):
        bench.client.readonly.defineXML(bench.xml())
    with refused(Code.OPERATION_DENIED, "read only access prevents virDomainCreateXML"):
        bench.client.readonly.createXML(bench.xml(), 0)
    bench.told(guest)


def test_readers_see_what_others_see(bench: Bench):
    guest = bench.start()
    reader: Remote = bench.client.readonly.lookupByName(guest.name())
    assert reader.state(0) == guest.state(0)
    assert reader.XMLDesc(0) == guest.XMLDesc(0)


@pytest.mark.functions("virDomainGetJobInfo", "virDomainGetJobStats", "virDomainAbortJob")
def test_a_guest_without_a_job(bench: Bench):
    guest = bench.start()
    assert guest.jobInfo() == [0] * 12
    assert guest.jobStats(0) == {"type": 0}
    with refused(Code.OPERATION_INVALID, "no job is active on the domain"):
        guest.abortJob()
