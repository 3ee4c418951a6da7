# SPDX-License-Identifier: LGPL-2.1-or-later
"""The format of snapshots: what is read of new and existing ones, and how their disks are completed."""

from __future__ import annotations

import pytest

from conf.domain import Domain, parse_domain
from conf.errors import ConfError, ConfigUnsupportedError
from conf.moments import check_lineage
from conf.snapshot import Snapshot, align_disks, format_snapshot, parse_snapshot, settle_redefinition
from virtd.errors import From, VirtError

UUID = "0d6f5a5e-9a55-4c35-8d3e-6a1c8f6f9a10"
DISKS = """
<disk type='file' device='disk'><source file='/img/a.qcow2'/><target dev='vda' bus='virtio'/></disk>
<disk type='block' device='disk'><source dev='/dev/vg/b'/><target dev='vdb' bus='virtio'/></disk>
<disk type='file' device='cdrom'><target dev='sdc' bus='sata'/></disk>
<disk type='file' device='disk'><source file='/img/d'/><target dev='vdd' bus='virtio'/><readonly/></disk>
<disk type='file' device='disk' snapshot='external'><source file='/img.d/e'/><target dev='vde' bus='virtio'/></disk>
<disk type='file' device='disk' snapshot='no'><source file='/img/f'/><target dev='vdf' bus='virtio'/></disk>
"""
DOMAIN = (
    f"<domain type='kvm'><name>g</name><uuid>{UUID}</uuid><memory unit='KiB'>1024</memory>"
    f"<os><type arch='x86_64'>hvm</type></os><devices>{DISKS}</devices></domain>"
)


def domain() -> Domain:
    return parse_domain(DOMAIN)


def squeezed(text: str) -> str:
    return "".join(line.strip() for line in text.splitlines())


def new(inside: str, **options: bool) -> Snapshot:
    return parse_snapshot(f"<domainsnapshot>{inside}</domainsnapshot>", now=1234, **options)


def shown_disks(snapshot: Snapshot) -> str:
    return squeezed(format_snapshot(snapshot)).partition("<disks>")[2].partition("</disks>")[0]


def existing(state: str, inside: str = "", domain_xml: str = DOMAIN) -> str:
    return (
        f"<domainsnapshot><name>s</name><state>{state}</state><creationTime>5</creationTime>"
        f"{inside}{domain_xml}</domainsnapshot>"
    )


def accept(old: Domain, new_: Domain) -> None:
    """An ABI check that finds nothing."""


def redefined(state: str, inside: str = "", known: Snapshot | None = None, **options: bool) -> Snapshot:
    snapshot = parse_snapshot(existing(state, inside), redefine=True)
    settle_redefinition(snapshot, known, UUID, accept, is_file=lambda path: path.startswith("/img"), **options)
    return snapshot


def test_a_new_one_has_no_past() -> None:
    snapshot = new(
        "<description>&lt;d</description><state>running</state><parent><name>p</name></parent>"
        "<creationTime>9</creationTime><domain type='nonsense'/><inactiveDomain/><cookie><cpu mode='x'/></cookie>"
    )
    text = "<domainsnapshot><name>1234</name><description>&lt;d</description><creationTime>1234</creationTime>"
    assert squeezed(format_snapshot(snapshot)) == f"{text}</domainsnapshot>"
    owned = f"{text}<domain><uuid>{UUID}</uuid></domain></domainsnapshot>"
    assert squeezed(format_snapshot(snapshot, uuid=UUID)) == owned
    assert snapshot.owner is None


def test_an_existing_one_comes_back() -> None:
    text = (
        "<domainsnapshot><name>s</name><state>running</state><parent><name>p</name></parent>"
        "<creationTime>5</creationTime><memory snapshot='external' file='/m'/><disks>"
        "<disk name='vda' snapshot='external' type='network'><snapshotDeleteInProgress/>"
        "<driver type='qcow2'><metadata_cache><max_size unit='bytes'>7</max_size></metadata_cache></driver>"
        "<source protocol='nbd' name='n'><host name='h' port='1'/></source></disk>"
        "<disk name='vdb' snapshot='manual'/></disks>"
    )
    end = "<cookie><cpu mode='host-passthrough'/><slirpHelper/></cookie>"
    document = f"{text}{DOMAIN}{DOMAIN.replace('domain', 'inactiveDomain')}{end}<active>1</active></domainsnapshot>"
    snapshot = parse_snapshot(document, redefine=True, internal=True)
    assert snapshot.active
    shown = squeezed(format_snapshot(snapshot, internal=True))
    assert shown.startswith(f"{text}<domain type='kvm'>")
    assert "</domain><inactiveDomain type='kvm'>" in shown
    assert shown.endswith(f"</inactiveDomain>{end}<active>1</active></domainsnapshot>")
    assert format_snapshot(parse_snapshot(shown, redefine=True, internal=True), internal=True) == format_snapshot(
        snapshot, internal=True
    )
    assert "active>" not in format_snapshot(snapshot)


def test_labels_stay_and_what_only_a_running_disk_has_goes() -> None:
    source = "<source file='/n' index='x' startupPolicy='y'><seclabel model='dac'/><privateData/></source>"
    snapshot = new(f"<disks><disk name='vda'>{source}</disk></disks>")
    assert shown_disks(snapshot) == (
        "<disk name='vda' snapshot='external' type='file'>"
        "<source file='/n'><seclabel model='dac' relabel='yes'/></source></disk>"
    )


@pytest.mark.parametrize("kind", ["nvme", "block"])
def test_a_source_without_path_says_nothing(kind: str) -> None:
    source = "<source type='pci' namespace='1'><address domain='0' bus='0' slot='1' function='0'/></source>"
    snapshot = new(f"<disks><disk name='vda' type='{kind}'>{source}</disk></disks>")
    assert shown_disks(snapshot) == "<disk name='vda'/>"


@pytest.mark.parametrize(
    ("inside", "complaint"),
    [
        ("<disks><disk/></disks>", "1: missing name from disk snapshot element"),
        ("<disks><x/></disks>", "1: missing name from disk snapshot element"),
        ("<disks><disk name='a' type='dir'/></disks>", "27: unsupported disk snapshot type 'dir'"),
        (
            "<disks><disk name='a'><source file='r'/></disk></disks>",
            "27: disk snapshot image path 'r' must be absolute",
        ),
        ("<disks><disk name='a'><driver type='x'/></disk></disks>", "67: unknown disk snapshot driver 'x'"),
        ("<memory snapshot='manual'/>", "27: 'manual' memory snapshot mode not supported"),
        ("<memory snapshot='internal' file='/x'/>", "27: memory filename '/x' requires external snapshot"),
        ("<memory snapshot='external'/>", "27: external memory snapshots require a filename"),
        ("<memory file='x'/>", "27: memory snapshot file path (x) must be absolute"),
    ],
)
def test_complaints_about_new_ones(inside: str, complaint: str) -> None:
    with pytest.raises(ConfError) as caught:
        new(inside)
    assert f"{caught.value.code}: {caught.value}" == complaint


def test_without_memory_none_may_be_asked_for() -> None:
    with pytest.raises(ConfError, match="memory state cannot be saved with offline or disk-only snapshot"):
        new("<memory snapshot='internal'/>", offline=True)
    assert new("<memory snapshot='no'/>", offline=True).memory_location == "no"


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("<domainsnapshot/>", "27: a redefined snapshot must have a name"),
        ("<domainsnapshot><name>s</name></domainsnapshot>", "1: missing creationTime from existing snapshot"),
        (existing("running").replace("5<", "x<"), "1: missing creationTime from existing snapshot"),
        (existing("running").replace("<state>running</state>", ""), "27: missing state from existing snapshot"),
        (existing("nostate"), "67: Invalid state 'nostate' in domain snapshot XML"),
        (existing("shutoff", "<memory snapshot='internal'/>"), "27: memory state cannot be saved with offline or"),
        (existing("running", domain_xml="<domain type='kvm'/>"), "21: "),
        (existing("running", "<cookie><cpu mode='x'/></cookie>"), "67: Invalid mode attribute 'x'"),
    ],
)
def test_complaints_about_existing_ones(document: str, complaint: str) -> None:
    with pytest.raises(ConfError) as caught:
        parse_snapshot(document, redefine=True)
    assert f"{caught.value.code}: {caught.value}".startswith(complaint)


def test_the_daemons_own_record_says_whether_it_is_the_current_one() -> None:
    with pytest.raises(ConfError, match="Could not find 'active' element"):
        parse_snapshot(existing("running"), redefine=True, internal=True)
    record = existing("running", "<active>0</active>")
    assert not parse_snapshot(record, redefine=True, internal=True).active


@pytest.mark.parametrize(("state", "memory"), [("running", "internal"), ("shutoff", "no"), ("disk-snapshot", "no")])
def test_where_the_memory_of_an_existing_one_is(state: str, memory: str) -> None:
    assert parse_snapshot(existing(state), redefine=True).memory_location == memory


def test_internal_snapshots_take_every_disk_that_has_contents() -> None:
    snapshot = new("<disks><disk name='vde'/><disk name='/img/f'/></disks>")
    align_disks(snapshot, domain(), "internal")
    assert {disk.name: disk.snapshot for disk in snapshot.disks} == {
        "vda": "internal",
        "vdb": "internal",
        "sdc": "no",
        "vdd": "no",
        "vde": "internal",
        "vdf": "no",
    }
    assert [disk.name for disk in snapshot.disks] == [disk.target.dev for disk in domain().devices.disks]


def test_external_snapshots_get_names_beside_the_images() -> None:
    snapshot = new("<name>s</name><disks><disk name='vdb' snapshot='no'/></disks>")
    align_disks(snapshot, domain(), "external", is_file=lambda path: True)
    assert {disk.name: disk.path for disk in snapshot.disks if disk.path} == {"vda": "/img/a.s", "vde": "/img.d/e.s"}


@pytest.mark.parametrize(
    ("default", "disks", "complaint"),
    [
        ("internal", "<disk name='vdz'/>", "no disk named 'vdz'"),
        ("internal", "<disk name='vda'/><disk name='/img/a.qcow2'/>", "disk '/img/a.qcow2' specified twice"),
        ("internal", "<disk name='vda' snapshot='no'/>", "disk 'vda' must use snapshot mode 'internal'"),
        ("internal", "<disk name='vda' snapshot='internal'><source file='/x'/></disk>", "file '/x' for disk 'vda' req"),
        ("internal", "".join(f"<disk name='vd{c}'/>" for c in "abcdefg"), "too many disk snapshot requests for domain"),
        ("external", "<disk name='vda' type='block'/>", "for disk 'vda' on a 'block' device"),
        ("external", "<disk name='sdc' snapshot='external'/><disk name='vdb' snapshot='no'/>", "'sdc' without source"),
        ("external", "", "source for disk 'vdb' is not a regular file; refusing to generate"),
        (
            "external",
            "<disk name='vda'><source file='/img.d/e.s'/></disk><disk name='vdb' snapshot='no'/>",
            "cannot generate external snapshot name for disk 'vde': collision with disk 'vda'",
        ),
    ],
)
def test_wishes_that_do_not_fit(default: str, disks: str, complaint: str) -> None:
    snapshot = new(f"<name>s</name><disks>{disks}</disks>")
    with pytest.raises(ConfigUnsupportedError) as caught:
        align_disks(snapshot, domain(), default, is_file=lambda path: path.startswith("/img"))  # type: ignore[arg-type]
    assert complaint in str(caught.value)


def test_redefining_takes_over_what_is_not_said_again() -> None:
    known = redefined("running")
    again = parse_snapshot(existing("paused", domain_xml=""), redefine=True)
    settle_redefinition(again, known, UUID, accept, is_file=bool)
    assert again.domain is known.domain
    assert [disk.name for disk in again.disks] == [disk.name for disk in known.disks]


def test_what_redefining_may_not_change() -> None:
    known = redefined("running")
    with pytest.raises(ConfError, match="cannot change between online and offline snapshot state in snapshot s"):
        redefined("shutoff", known=known)
    offline = redefined("shutoff")
    with pytest.raises(ConfError, match="cannot change between disk only and full system in snapshot s"):
        redefined("disk-snapshot", "<disks><disk name='vdb' snapshot='no'/></disks>", known=offline)
    with pytest.raises(ConfError, match="disk-only flag for snapshot s requires disk-snapshot state"):
        redefined("shutoff", disk_only=True)


def test_a_redefined_one_is_of_this_guest_and_has_a_domain() -> None:
    foreign = parse_snapshot(existing("running"), redefine=True)
    with pytest.raises(ConfError, match="definition for snapshot s must use uuid other"):
        settle_redefinition(foreign, None, "other", accept)
    bare = parse_snapshot(existing("running", domain_xml=f"<domain><uuid>{UUID}</uuid></domain>"), redefine=True)
    with pytest.raises(ConfError, match="missing domain in snapshot"):
        settle_redefinition(bare, None, UUID, accept)


def test_the_abi_check_sees_the_domains_and_no_stored_definitions() -> None:
    seen = []
    both = DOMAIN + DOMAIN.replace("domain", "inactiveDomain")
    known, snapshot = (parse_snapshot(existing("running", domain_xml=both), redefine=True) for _ in range(2))
    settle_redefinition(snapshot, known, UUID, lambda old, new_: seen.append((old, new_)), is_file=bool)
    assert seen == [(known.domain, snapshot.domain)]
    assert seen[0][0] is known.domain
    assert seen[0][1] is snapshot.domain
    without = parse_snapshot(existing("running", domain_xml=""), redefine=True)
    settle_redefinition(without, known, UUID, accept, is_file=bool)
    assert (without.domain, without.inactive_domain) == (known.domain, None)


def test_lineage() -> None:
    parents = {"a": None, "b": "a", "c": "b"}
    check_lineage("d", "c", parents)
    check_lineage("d", None, parents)
    check_lineage("d", "x", {"x": "y", "y": "x"})  # nobody's fault but a damaged file's
    for name, parent, complaint in (
        ("d", "d", "cannot set moment d as its own parent"),
        ("d", "x", "parent x for moment d not found"),
        ("a", "c", "parent c would create cycle to a"),
    ):
        with pytest.raises(ConfError, match=complaint):
            check_lineage(name, parent, parents)


@pytest.mark.parametrize(
    ("document", "source"),
    [
        (existing("nostate"), From.DOMAIN_SNAPSHOT),
        (existing("running", domain_xml="<domain type='kvm'/>"), From.DOMAIN),
        (existing("running", domain_xml="<domain type='kvm'><name>g</name></domain>"), From.DOMAIN),
        (existing("running", domain_xml=DOMAIN.replace("type='file'", "type='x'", 1)), From.XML),
        (existing("running", "<memory snapshot='x'/>"), From.XML),
    ],
)
def test_what_a_complaint_is_about(document: str, source: From) -> None:
    with pytest.raises(ConfError) as caught:
        parse_snapshot(document, redefine=True)
    assert VirtError.from_conf(caught.value, From.DOMAIN_SNAPSHOT).source == source


def test_complaints_about_parents_are_about_the_guest() -> None:
    with pytest.raises(ConfError) as caught:
        check_lineage("a", "a", {})
    assert VirtError.from_conf(caught.value, From.DOMAIN_SNAPSHOT).source == From.DOMAIN
