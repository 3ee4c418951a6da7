# SPDX-License-Identifier: LGPL-2.1-or-later
"""Snapshots, checkpoints, saved guests, and the chains of images that block jobs make shorter."""

from __future__ import annotations

import pytest

from conf.errors import ConfError
from tests.fakes.make_believe import Caller
from virtd.enums import ConnectDomainEventBlockJobStatus as Status
from virtd.enums import ConnectGetAllDomainStatsFlags as Flags
from virtd.enums import DomainBlockCommitFlags as Commit
from virtd.enums import (
    DomainBlockJobAbortFlags,
    DomainBlockJobType,
    DomainEventID,
    DomainSnapshotDeleteFlags,
    DomainState,
    DomainStatsTypes,
    DomainUndefineFlags,
)
from virtd.enums import DomainSnapshotCreateFlags as Create
from virtd.enums import DomainSnapshotListFlags as List
from virtd.enums import DomainSnapshotRevertFlags as Revert
from virtd.errors import Code, VirtError
from virtd.events import Event
from virtd.refs import DomainRef

SNAPSHOT = "<domainsnapshot><name>{}</name></domainsnapshot>"


@pytest.fixture
def dom(client: Caller) -> DomainRef:
    (found,) = client.connect_list_all_domains(0)
    assert isinstance(found, DomainRef)
    return found


def advance(client: Caller, dom: DomainRef, seconds: float) -> None:
    client.qemu_domain_monitor_command(dom, f'{{"execute": "advance", "arguments": {{"seconds": {seconds}}}}}', 0)


def names(found: list[object]) -> list[str]:
    return [getattr(ref, "name") for ref in found]  # noqa: B009


def test_a_tree_of_snapshots(client: Caller, dom: DomainRef) -> None:
    one, two, three = (client.domain_snapshot_create_xml(dom, SNAPSHOT.format(n), 0) for n in ("1", "2", "3"))
    assert client.domain_snapshot_get_parent(three, 0) == two
    client.domain_revert_to_snapshot(one, 0)
    client.domain_snapshot_create_xml(dom, SNAPSHOT.format("other"), 0)
    assert names(client.domain_list_all_snapshots(dom, List.ROOTS)) == ["1"]
    assert names(client.domain_list_all_snapshots(dom, List.LEAVES)) == ["3", "other"]
    assert names(client.domain_snapshot_list_all_children(one, 0)) == ["2", "other"]
    assert names(client.domain_snapshot_list_all_children(one, List.DESCENDANTS)) == ["2", "3", "other"]
    client.domain_snapshot_delete(two, 0)
    assert client.domain_snapshot_get_parent(three, 0) == one
    client.domain_snapshot_delete(one, DomainSnapshotDeleteFlags.CHILDREN)
    assert client.domain_list_all_snapshots(dom, 0) == []


def test_going_back(client: Caller, dom: DomainRef) -> None:
    snapshot = client.domain_snapshot_create_xml(dom, SNAPSHOT.format("s"), 0)
    client.domain_set_memory_flags(dom, 1024, 1)
    client.domain_revert_to_snapshot(snapshot, Revert.PAUSED)
    assert client.domain_get_info(dom)[:3] == (DomainState.PAUSED, 8388608, 2097152)
    client.domain_destroy_flags(dom, 0)
    offline = client.domain_snapshot_create_xml(dom, SNAPSHOT.format("off"), 0)
    client.domain_revert_to_snapshot(snapshot, 0)
    assert client.domain_get_state(dom, 0)[0] == DomainState.RUNNING
    client.domain_revert_to_snapshot(offline, 0)
    assert client.domain_get_state(dom, 0)[0] == DomainState.SHUTOFF


@pytest.mark.parametrize(
    ("running", "wish", "place"),
    [
        (True, "", "<memory snapshot='internal'/>"),
        (True, "<memory snapshot='no'/>", "<memory snapshot='internal'/>"),
        (True, "<memory file='/m'/>", "<memory snapshot='external' file='/m'/>"),
        (False, "<memory snapshot='internal'/>", "<memory snapshot='no'/>"),
        (False, "<memory file='/m'/>", "<memory snapshot='external' file='/m'/>"),
    ],
)
def test_where_the_memory_goes(client: Caller, dom: DomainRef, running: bool, wish: str, place: str) -> None:
    if not running:
        client.domain_destroy_flags(dom, 0)
    xml = f"<domainsnapshot><name>s</name>{wish}</domainsnapshot>"
    shown = client.domain_snapshot_get_xml_desc(client.domain_snapshot_create_xml(dom, xml, 0), 0)
    assert place in shown
    assert ("<disk name='vda' snapshot='external'" in shown) == ("external" in place)


def test_a_name_is_used_once(client: Caller, dom: DomainRef) -> None:
    client.domain_snapshot_create_xml(dom, SNAPSHOT.format("s"), 0)
    with pytest.raises(VirtError, match="domain moment s already exists"):
        client.domain_snapshot_create_xml(dom, SNAPSHOT.format("s"), 0)
    with pytest.raises(VirtError, check=lambda error: error.code == Code.NO_DOMAIN_SNAPSHOT):
        client.domain_snapshot_lookup_by_name(dom, "t", 0)


def test_snapshots_are_not_forgotten_by_accident(client: Caller, dom: DomainRef) -> None:
    client.domain_snapshot_create_xml(dom, SNAPSHOT.format("s"), 0)
    client.domain_destroy_flags(dom, 0)
    with pytest.raises(VirtError, match="cannot delete inactive domain with 1 snapshots"):
        client.domain_undefine_flags(dom, 0)
    client.domain_undefine_flags(dom, DomainUndefineFlags.SNAPSHOTS_METADATA)
    assert client.connect_list_all_domains(0) == []


def test_a_snapshot_can_be_described_again(client: Caller, dom: DomainRef) -> None:
    snapshot = client.domain_snapshot_create_xml(dom, SNAPSHOT.format("s"), 0)
    xml = client.domain_snapshot_get_xml_desc(snapshot, 0)
    client.domain_snapshot_delete(snapshot, 0)
    client.domain_snapshot_create_xml(dom, xml, Create.REDEFINE | Create.CURRENT)
    assert client.domain_snapshot_current(dom, 0).name == "s"
    assert client.domain_snapshot_get_xml_desc(snapshot, 0) == xml


def test_a_snapshot_described_again_is_of_the_same_machine(client: Caller, dom: DomainRef) -> None:
    snapshot = client.domain_snapshot_create_xml(dom, SNAPSHOT.format("s"), 0)
    xml = client.domain_snapshot_get_xml_desc(snapshot, 0)
    with pytest.raises(ConfError, match="Target domain vCPU max 3 does not match source 2"):
        client.domain_snapshot_create_xml(dom, xml.replace(">2</vcpu>", ">3</vcpu>"), Create.REDEFINE)
    orphan = "<parent><name>x</name></parent>"
    with pytest.raises(ConfError, match="parent x for moment s not found"):
        client.domain_snapshot_create_xml(dom, xml.replace("<memory ", f"{orphan}<memory ", 1), Create.REDEFINE)
    assert client.domain_snapshot_get_xml_desc(snapshot, 0) == xml


async def test_checkpoints(client: Caller, dom: DomainRef) -> None:
    first, second = [
        await client.domain_checkpoint_create_xml(dom, f"<domaincheckpoint><name>{n}</name></domaincheckpoint>", 0)
        for n in ("1", "2")
    ]
    assert client.domain_checkpoint_get_parent(second, 0) == first
    client.domain_checkpoint_delete(first, 0)
    assert client.domain_list_all_checkpoints(dom, 0) == [second]
    with pytest.raises(VirtError, match="does not have a parent"):
        client.domain_checkpoint_get_parent(second, 0)


def test_a_saved_guest_goes_on(client: Caller, dom: DomainRef) -> None:
    client.domain_save_flags(dom, "/somewhere", None, 0)
    assert client.domain_is_active(dom) == 0
    assert "<name>test</name>" in client.domain_save_image_get_xml_desc("/somewhere", 0)
    client.domain_restore_flags("/somewhere", None, 0)
    assert client.domain_is_active(dom) == 1
    with pytest.raises(VirtError, match="cannot read domain image '/elsewhere'"):
        client.domain_restore_flags("/elsewhere", None, 0)
    client.domain_managed_save(dom, 0)
    with pytest.raises(VirtError, match="managed save image exists"):
        client.domain_undefine_flags(dom, 0)
    client.domain_create_with_flags(dom, 0)
    assert client.domain_has_managed_save_image(dom, 0) == 0


# Chains ------------------------------------------------------------------------------------------


@pytest.fixture
def chained(client: Caller, dom: DomainRef) -> DomainRef:
    """A guest whose disk has three images."""
    for name in ("one", "two"):
        client.domain_snapshot_create_xml(dom, SNAPSHOT.format(name), Create.DISK_ONLY)
    return dom


def chain(client: Caller, dom: DomainRef) -> list[str]:
    lines = client.domain_get_xml_desc(dom, 0).splitlines()
    return [line.split("'")[1] for line in lines if "<source file=" in line]


def test_external_snapshots_make_a_chain(client: Caller, chained: DomainRef) -> None:
    assert chain(client, chained) == ["/guest/diskimage1.two", "/guest/diskimage1.one", "/guest/diskimage1"]


def test_statistics_of_the_images_below(client: Caller, chained: DomainRef) -> None:
    ((_dom, params),) = client.connect_get_all_domain_stats([chained], DomainStatsTypes.BLOCK, Flags.BACKING)
    values = {param.field: param.value for param in params}
    assert values["block.count"] == 3
    assert values["block.2.path"] == "/guest/diskimage1"
    assert ("block.0.rd.reqs" in values, "block.1.rd.reqs" in values) == (True, False)


async def test_an_active_commit_becomes_ready_and_is_pivoted(
    client: Caller, chained: DomainRef, told: list[Event]
) -> None:
    client.domain_block_commit(chained, "vda", None, None, 0, Commit.ACTIVE)
    type_, _speed, done, size = client.domain_get_block_job_info(chained, "vda", 0)
    assert (type_, done < size) == (DomainBlockJobType.ACTIVE_COMMIT, True)
    pivot = DomainBlockJobAbortFlags.PIVOT
    with pytest.raises(VirtError, check=lambda error: error.code == Code.BLOCK_COPY_ACTIVE):
        client.domain_block_job_abort(chained, "vda", pivot)
    advance(client, chained, 10)
    _type, _speed, done, size = client.domain_get_block_job_info(chained, "vda", 0)
    assert done == size
    client.domain_block_job_abort(chained, "vda", pivot)
    assert chain(client, chained) == ["/guest/diskimage1"]
    statuses = [event.args[2] for event in told if event.event_id == DomainEventID.BLOCK_JOB_2]
    assert statuses == [Status.READY, Status.COMPLETED]


async def test_a_commit_in_the_middle_ends_by_itself(client: Caller, chained: DomainRef) -> None:
    client.domain_block_commit(chained, "vda", None, "/guest/diskimage1.one", 0, 0)
    advance(client, chained, 10)
    assert client.domain_get_block_job_info(chained, "vda", 0) is None
    assert chain(client, chained) == ["/guest/diskimage1.two", "/guest/diskimage1"]


async def test_a_pull_down_to_an_image(client: Caller, chained: DomainRef) -> None:
    client.domain_block_rebase(chained, "vda", "/guest/diskimage1", 0, 0)
    advance(client, chained, 10)
    assert chain(client, chained) == ["/guest/diskimage1.two", "/guest/diskimage1"]
    client.domain_block_pull(chained, "vda", 0, 0)
    advance(client, chained, 10)
    assert chain(client, chained) == ["/guest/diskimage1.two"]


async def test_a_copy_that_is_given_up(client: Caller, dom: DomainRef, told: list[Event]) -> None:
    xml = "<disk type='file'><driver type='raw'/><source file='/copy'/></disk>"
    client.domain_block_copy(dom, "vda", xml, [], 0)
    with pytest.raises(VirtError, match="already in active block job"):
        client.domain_block_pull(dom, "vda", 0, 0)
    assert "<mirror" in client.domain_get_xml_desc(dom, 0)
    client.domain_block_job_abort(dom, "vda", 0)
    assert chain(client, dom) == ["/guest/diskimage1"]
    assert "<mirror" not in client.domain_get_xml_desc(dom, 0)
    assert told[-1].args[2] == Status.CANCELED
    advance(client, dom, 10)
    assert told[-1].args[2] == Status.CANCELED, "nothing is left that could become ready"


async def test_the_speed_says_how_long_it_takes(client: Caller, dom: DomainRef) -> None:
    client.domain_block_pull(dom, "vda", 64, 0)  # 1 GiB at 64 MiB/s: 16 seconds
    advance(client, dom, 8)
    _type, speed, done, size = client.domain_get_block_job_info(dom, "vda", 0)
    assert speed == 64
    assert 0.4 < done / size < 0.6
    client.domain_block_job_set_speed(dom, "vda", 512, 0)
    advance(client, dom, 2)
    assert client.domain_get_block_job_info(dom, "vda", 0) is None


async def test_a_guest_that_ends_takes_its_jobs_along(client: Caller, dom: DomainRef, told: list[Event]) -> None:
    client.domain_block_pull(dom, "vda", 0, 0)
    client.domain_destroy_flags(dom, 0)
    count = len(told)
    advance(client, dom, 100)
    assert len(told) == count


async def test_a_disk_with_a_job_stays_as_it_is(client: Caller, dom: DomainRef) -> None:
    snapshot = client.domain_snapshot_create_xml(dom, SNAPSHOT.format("s"), 0)
    client.domain_block_pull(dom, "vda", 0, 0)
    disk = "<disk type='file'><source file='/guest/diskimage1'/><target dev='vda' bus='virtio'/></disk>"
    for change in (client.domain_detach_device_flags, client.domain_update_device_flags):
        with pytest.raises(VirtError, match="already in active block job"):
            change(dom, disk, 1)
    with pytest.raises(VirtError, match="already in active block job"):
        client.domain_snapshot_create_xml(dom, SNAPSHOT.format("t"), Create.DISK_ONLY)
    client.domain_revert_to_snapshot(snapshot, 0)
    assert client.domain_get_block_job_info(dom, "vda", 0) is None
