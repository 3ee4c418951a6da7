# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is made to happen: faults, delays, crashes; devices that leave; guests that move; what agents answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from drivers.test import driver as test_driver
from tests.fakes.make_believe import Caller
from virtd.calls import Call, current_call
from virtd.dispatch import Dispatcher
from virtd.enums import (
    DomainAuthorizedSSHKeysSetFlags,
    DomainEventID,
    DomainEventType,
    DomainJobType,
    DomainMigrateFlags,
    DomainPausedReason,
    DomainState,
    TypedParameterType,
)
from virtd.errors import Code, VirtError
from virtd.events import Event
from virtd.params import TypedParam
from virtd.refs import DomainRef
from virtd.wire.programs import REMOTE

DISK = "<disk type='file'><source file='/x'/><target dev='vdb' bus='virtio'/></disk>"
LIVE, CONFIG = 1, 2


@pytest.fixture
def dom(client: Caller) -> DomainRef:
    (found,) = client.connect_list_all_domains(0)
    assert isinstance(found, DomainRef)
    return found


def happen(client: Caller, dom: DomainRef, command: str, **arguments: object) -> None:
    client.qemu_domain_monitor_command(dom, json.dumps({"execute": command, "arguments": arguments}), 0)


# Faults ------------------------------------------------------------------------------------------


def test_a_fault_strikes_as_often_as_it_was_asked_to(client: Caller, dom: DomainRef) -> None:
    happen(client, dom, "fault", function="virDomainSuspend", code=38, message="no", skip=1, times=1)
    client.domain_suspend(dom)
    with pytest.raises(VirtError, match="no", check=lambda error: error.code == Code.SYSTEM_ERROR):
        client.domain_suspend(dom)
    client.domain_suspend(dom)


def test_a_fault_is_that_of_one_guest(client: Caller, dom: DomainRef) -> None:
    other = client.domain_create_xml(
        "<domain type='test'><name>o</name><memory>1</memory><os><type>hvm</type></os></domain>", 0
    )
    happen(client, dom, "fault", function="virDomainSuspend", code=1)
    client.domain_suspend(other)
    with pytest.raises(VirtError):
        client.domain_suspend(dom)
    happen(client, dom, "no-faults")
    client.domain_suspend(dom)


async def test_a_delay_is_one_of_the_host_s_time(client: Caller, dom: DomainRef) -> None:
    happen(client, dom, "fault", function="virConnectListAllDomains", domain=None, delay=3600, times=1)
    late = asyncio.ensure_future(client.connect_list_all_domains(0))
    await asyncio.sleep(0)
    assert not late.done()
    happen(client, dom, "advance", seconds=3601)
    assert await late == [dom]


async def test_old_functions_are_late_with_the_new_ones(
    driver: test_driver.TestDriver, client: Caller, dom: DomainRef
) -> None:
    shut_down = Dispatcher(driver).handler(REMOTE.by_name["DOMAIN_SHUTDOWN"])
    happen(client, dom, "fault", function="virDomainShutdown", delay=5)
    token = current_call.set(Call("virDomainShutdown", client.connection))
    late = asyncio.ensure_future(shut_down(dom))
    current_call.reset(token)
    await asyncio.sleep(0)
    assert client.domain_is_active(dom) == 1
    happen(client, dom, "advance", seconds=6)
    assert await late == ()
    assert client.domain_is_active(dom) == 0


@pytest.mark.parametrize(
    "command",
    ["", "[]", "{}", '{"execute": "nonsense"}', '{"execute": "advance"}', '{"execute": "advance", "arguments": 5}',
     '{"execute": "fault", "arguments": {"function": "f", "code": 99999}}',
     '{"execute": "fault", "arguments": {"function": 5}}',
     '{"execute": "fault", "arguments": {"function": "f", "strength": 5}}'],
)  # fmt: skip
def test_nonsense_is_refused(client: Caller, dom: DomainRef, command: str) -> None:
    with pytest.raises(VirtError, check=lambda error: error.code == Code.INVALID_ARG):
        client.qemu_domain_monitor_command(dom, command, 0)


def test_a_guest_crashes_as_its_definition_says(client: Caller, dom: DomainRef) -> None:
    happen(client, dom, "crash")
    assert client.domain_get_state(dom, 0)[0] == DomainState.SHUTOFF


def test_a_failing_disk_pauses_its_guest(client: Caller, dom: DomainRef, told: list[Event]) -> None:
    happen(client, dom, "io-error", device="vda", reason="enospc")
    assert client.domain_get_state(dom, 0) == (DomainState.PAUSED, DomainPausedReason.IOERROR)
    assert [event.event_id for event in told] == [
        DomainEventID.IO_ERROR, DomainEventID.IO_ERROR_REASON, DomainEventID.LIFECYCLE,
    ]  # fmt: skip
    assert told[1].args[-1] == "enospc"


# Devices -----------------------------------------------------------------------------------------


async def test_a_device_leaves_after_a_while(client: Caller, dom: DomainRef, told: list[Event]) -> None:
    client.domain_attach_device_flags(dom, DISK, LIVE | CONFIG)
    client.domain_detach_device_flags(dom, DISK, LIVE)
    assert "vdb" in client.domain_get_xml_desc(dom, 0)
    happen(client, dom, "advance", seconds=1)
    assert "vdb" not in client.domain_get_xml_desc(dom, 0)
    assert "vdb" in client.domain_get_xml_desc(dom, 2)
    assert [(e.event_id, e.args) for e in told] == [
        (DomainEventID.DEVICE_ADDED, ("vdb",)),
        (DomainEventID.DEVICE_REMOVED, ("vdb",)),
    ]


async def test_a_device_leaves_a_guest_that_was_changed_meanwhile(client: Caller, dom: DomainRef) -> None:
    client.domain_attach_device_flags(dom, DISK, LIVE)
    client.domain_detach_device_flags(dom, DISK, LIVE)
    client.domain_attach_device_flags(dom, DISK.replace("vdb", "vdc"), LIVE)
    happen(client, dom, "advance", seconds=1)
    xml = client.domain_get_xml_desc(dom, 0)
    assert ("vdb" in xml, "vdc" in xml) == (False, True)


def test_a_place_is_taken_once(client: Caller, dom: DomainRef) -> None:
    before = client.domain_get_xml_desc(dom, 0)
    with pytest.raises(VirtError, match="target vda already exists"):
        client.domain_attach_device_flags(dom, DISK.replace("vdb", "vda"), LIVE)
    with pytest.raises(VirtError, check=lambda error: error.code == Code.DEVICE_MISSING):
        client.domain_detach_device_flags(dom, DISK, LIVE)
    assert client.domain_get_xml_desc(dom, 0) == before


# Agents ------------------------------------------------------------------------------------------


def test_frozen_file_systems_are_counted(client: Caller, dom: DomainRef) -> None:
    assert client.domain_fsfreeze(dom, ["/"], 0) == 1
    assert client.domain_fsfreeze(dom, [], 0) == 1
    assert client.domain_fsthaw(dom, [], 0) == 2
    with pytest.raises(VirtError, match="mount point not found: /nowhere"):
        client.domain_fsfreeze(dom, ["/nowhere"], 0)


def test_keys_are_added_and_removed(client: Caller, dom: DomainRef) -> None:
    client.domain_authorized_ssh_keys_set(dom, "root", ["a", "b"], 0)
    client.domain_authorized_ssh_keys_set(dom, "root", ["b", "c"], DomainAuthorizedSSHKeysSetFlags.APPEND)
    client.domain_authorized_ssh_keys_set(dom, "root", ["a"], DomainAuthorizedSSHKeysSetFlags.REMOVE)
    assert client.domain_authorized_ssh_keys_get(dom, "root", 0) == ["b", "c"]


def test_the_agent_answers(client: Caller, dom: DomainRef) -> None:
    answer = client.qemu_domain_agent_command(dom, '{"execute": "guest-get-host-name"}', 5, 0)
    assert json.loads(answer) == {"return": {"host-name": "testhost"}}
    fields = {param.field: param.value for param in client.domain_get_guest_info(dom, 0, 0)}
    assert (fields["hostname"], fields["if.0.addr.0.addr"]) == ("testhost", "192.168.122.3")


def test_virtual_cpus_of_the_guest(client: Caller, dom: DomainRef) -> None:
    client.domain_set_guest_vcpus(dom, "1", 0, 0)
    values = {param.field: param.value for param in client.domain_get_guest_vcpus(dom, 0)}
    assert (values["vcpus"], values["online"]) == ("0-1", "0")
    with pytest.raises(VirtError, match="can't be offlined"):
        client.domain_set_guest_vcpus(dom, "0", 0, 0)


# Migration ---------------------------------------------------------------------------------------

_LIVE = DomainMigrateFlags.LIVE


def text(name: str, value: str) -> TypedParam:
    return TypedParam(name, TypedParameterType.STRING, value)


@pytest.fixture
async def other(driver: test_driver.TestDriver, tmp_path: Any) -> Caller:
    """A caller at another, empty host."""
    (tmp_path / "host.xml").write_text("<node/>")
    return await Caller(driver).open(str(tmp_path / "host.xml"))


async def test_a_guest_moves(client: Caller, other: Caller, dom: DomainRef, told: list[Event]) -> None:
    _cookie, xml = client.domain_migrate_begin3_params(dom, [], _LIVE)
    params = [text("destination_xml", xml), text("destination_name", "moved")]
    _cookie, uri = other.domain_migrate_prepare3_params(params, b"", _LIVE)
    assert uri
    moving = asyncio.ensure_future(client.domain_migrate_perform3_params(dom, None, [], b"", _LIVE))
    await asyncio.sleep(0)
    assert client.domain_get_job_info(dom)[0] == DomainJobType.BOUNDED
    happen(client, dom, "advance", seconds=10)
    await moving
    there, _cookie = other.domain_migrate_finish3_params([text("destination_name", "moved")], b"", _LIVE, 0)
    client.domain_migrate_confirm3_params(dom, [], b"", _LIVE, 0)
    assert other.domain_get_state(there, 0)[0] == DomainState.RUNNING
    assert there.name == "moved"
    assert client.domain_is_active(dom) == 0
    assert client.domain_get_job_stats(dom, 1)[0] == DomainJobType.COMPLETED
    assert [e.args[0] for e in told if e.event_id == DomainEventID.LIFECYCLE] == [
        DomainEventType.SUSPENDED, DomainEventType.STOPPED,
    ]  # fmt: skip


async def test_a_migration_is_given_up(client: Caller, dom: DomainRef) -> None:
    moving = asyncio.ensure_future(client.domain_migrate_perform3_params(dom, None, [], b"", 0))
    await asyncio.sleep(0)
    assert client.domain_get_state(dom, 0) == (DomainState.PAUSED, DomainPausedReason.MIGRATION)
    client.domain_abort_job_flags(dom, 0)
    with pytest.raises(VirtError, match="canceled by client"):
        await moving
    client.domain_migrate_confirm3_params(dom, [], b"", 0, 1)
    assert client.domain_get_state(dom, 0)[0] == DomainState.RUNNING
    with pytest.raises(VirtError, match="no job is active"):
        client.domain_abort_job_flags(dom, 0)


async def test_a_guest_that_ends_does_not_arrive(client: Caller, other: Caller, dom: DomainRef) -> None:
    moving = asyncio.ensure_future(client.domain_migrate_perform3_params(dom, None, [], b"", _LIVE))
    await asyncio.sleep(0)
    client.domain_destroy_flags(dom, 0)
    with pytest.raises(VirtError):
        await moving
    with pytest.raises(VirtError, match="cancelled or never prepared"):
        other.domain_migrate_finish3_params([text("destination_name", "test")], b"", _LIVE, 0)


def test_no_guest_moves_to_where_it_is(client: Caller, dom: DomainRef) -> None:
    _cookie, xml = client.domain_migrate_begin3_params(dom, [], _LIVE)
    with pytest.raises(VirtError, match="already active"):
        client.domain_migrate_prepare3_params([text("destination_xml", xml)], b"", _LIVE)
