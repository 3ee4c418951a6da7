# SPDX-License-Identifier: LGPL-2.1-or-later
"""What libvirtd wrote of a running guest becomes our record of it, or the guest is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from conf.binding import parse_document
from conf.domain import format_domain, parse_domain
from drivers.common.images.jobkinds import JobKind
from drivers.qemu import status
from drivers.qemu.adopt import strays
from drivers.qemu.adopt.document import format_status, is_libvirts, parse_status
from drivers.qemu.adopt.takeover import NotAdoptedError, take_over
from drivers.qemu.block.state import JobState
from drivers.qemu.hostside import cgroup, ownership
from drivers.qemu.lifecycle import reconnect
from drivers.qemu.runtime import Owner
from tests.fakes.guests import World, guest_xml
from tests.fakes.libvirt_status import NOTICE, UUID, LibvirtFile
from virtd.enums import DomainPausedReason, DomainRunningReason, DomainState
from virtd.errors import Code, VirtError


@pytest.fixture
def file(tmp_path: Path) -> Iterator[LibvirtFile]:
    """The status file of a guest whose process runs."""
    folder = tmp_path / "domain-5-left"
    command = [sys.executable, "-c", "import time; time.sleep(600)", f"{folder}/master-key.aes"]
    with subprocess.Popen(command) as process:
        yield LibvirtFile(folder, str(tmp_path / "disk.raw"), pid=process.pid)
        process.kill()


def adopted(file: LibvirtFile) -> status.Status:
    return take_over(document(file.text()))


def document(text: str) -> Any:
    return parse_document(text, "domstatus", what="test")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "before_devices": (
                "  <lockstate>here</lockstate>\n  <fakereboot/>\n"
                "  <job type='modify' async='backup' phase='none' flags='0x1' asyncStarted='5'>\n"
                "    <disk dev='vda' migrating='no'/>\n  </job>\n"
            ),
            "blockjobs": (
                "<blockjobs active='yes'>\n"
                "    <blockjob name='pull-vda-libvirt-1-format' type='pull' state='running' jobflags='0x0'>\n"
                "      <disk dst='vda'/>\n      <base node='libvirt-3-format'/>\n    </blockjob>\n"
                "    <blockjob name='make' type='create' state='running'>\n      <create mode='storage'/>\n"
                "      <src type='file' format='raw'>\n        <source file='/a&amp;b'/>\n      </src>\n"
                "    </blockjob>\n  </blockjobs>"
            ),
        },
    ],
)
def test_libvirts_form_there_and_back(file: LibvirtFile, changes: dict[str, str]) -> None:
    for name, value in changes.items():
        setattr(file, name, value)
    text = file.text()
    assert NOTICE + format_status(parse_status(document(text))) == text


def test_whose_file_it_is() -> None:
    assert not is_libvirts(etree.fromstring("<domstatus><directory path='/a'/></domstatus>"))
    assert is_libvirts(etree.fromstring("<domstatus><libDir path='/a'/></domstatus>"))


def test_what_is_taken_over(file: LibvirtFile) -> None:
    file.before_devices = "  <fakereboot/>\n"
    found = adopted(file)
    assert (found.state, found.reason, found.pid) == (DomainState.RUNNING, DomainRunningReason.BOOTED, file.pid)
    assert found.started > 0
    assert not found.ours
    assert found.taints == ["custom monitor control commands issued"]
    assert found.deprecations == ["something old"]
    runtime = found.runtime
    assert (runtime.domain_dir, str(runtime.channel_dir)) == (file.folder, f"{file.folder}-channels")
    assert (runtime.vcpu_threads, runtime.devices) == ({0: file.pid}, set(file.aliases))
    assert (runtime.fake_reboot, runtime.block.last_index, runtime.block.jobs) == (True, 4, {})
    assert runtime.asked_cpu is not None
    assert found.domain.id == 5
    assert found.domain.devices.disks[0].private_data is None
    assert "privateData" not in format_domain(found.domain, inactive=False, status=True)


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        ("paused", "user", (DomainState.PAUSED, DomainPausedReason.USER)),
        ("paused", "from snapshot", (DomainState.PAUSED, DomainPausedReason.FROM_SNAPSHOT)),
        ("paused", "of a later libvirt", (DomainState.PAUSED, DomainPausedReason.UNKNOWN)),
        ("shutdown", "user", (DomainState.SHUTDOWN, 1)),
        ("pmsuspended", "unknown", (DomainState.PMSUSPENDED, 0)),
        ("crashed", "panicked", (DomainState.CRASHED, 0)),
    ],
)
def test_states(file: LibvirtFile, state: str, reason: str, expected: tuple[int, int]) -> None:
    file.state, file.reason = state, reason
    found = adopted(file)
    assert (found.state, found.reason) == expected


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"before_devices": "  <job type='none' async='migration out'/>\n"}, "in the middle of a migration out"),
        ({"state": "paused", "reason": "starting up"}, "its start was interrupted"),
        ({"storage_node": "drive-virtio-disk0"}, "a block node called drive-virtio-disk0"),
        (
            {"mirror": "        <mirror type='file' file='/c' job='copy'>\n<source file='/c'/></mirror>\n"},
            "disk vda is being copied by a job that is not known",
        ),
        ({"interfaces": "<interface type='strange'/>\n"}, "its record is not understood"),
    ],
)
def test_what_is_left_alone(file: LibvirtFile, change: dict[str, str], why: str) -> None:
    for name, value in change.items():
        setattr(file, name, value)
    with pytest.raises(NotAdoptedError, match=why) as caught:
        adopted(file)
    assert (caught.value.name, caught.value.pid) == ("left", file.pid)
    assert caught.value.started > 0


def test_a_monitor_elsewhere_is_left_alone(file: LibvirtFile) -> None:
    text = file.text().replace(f"{file.folder}/monitor.sock", "/elsewhere.sock")
    with pytest.raises(NotAdoptedError, match=r"its monitor is at /elsewhere\.sock"):
        take_over(document(text))


def test_a_pid_that_is_another_programs_now_says_that_the_guest_has_ended(file: LibvirtFile) -> None:
    file.pid = os.getpid()
    assert adopted(file).started == 0
    file.before_devices = "  <job type='none' async='save'/>\n"
    assert adopted(file).started == 0


def test_a_backup_goes_on(file: LibvirtFile, caplog: pytest.LogCaptureFixture) -> None:
    file.before_devices = "  <job type='none' async='backup' phase='none'/>\n"
    file.blockjobs = _blockjob("<disk dst='vda'/>", "name='backup-vda' type='backup' state='running'")
    assert adopted(file).started > 0
    assert "backup-vda goes on, but is not followed" in caplog.text


def _blockjob(body: str, attributes: str) -> str:
    return f"<blockjobs active='yes'><blockjob {attributes}>{body}</blockjob></blockjobs>"


_BOTH = "<disk dst='vda'/><base node='libvirt-3-format'/><top node='libvirt-2-format'/>"


@pytest.mark.parametrize(
    ("attributes", "body", "expected"),
    [
        ("type='pull' state='running'", "<disk dst='vda'/>", (JobKind.PULL, JobState.RUNNING, 1, None)),
        ("type='pull' state='new'", _BOTH, (JobKind.PULL, JobState.NEW, 1, 3)),
        ("type='commit' state='concluded'", _BOTH, (JobKind.COMMIT, JobState.RUNNING, 2, 3)),
        ("type='active-commit' state='ready'", _BOTH, (JobKind.ACTIVE_COMMIT, JobState.READY, 1, 3)),
        ("type='copy' state='pivoting'", "<disk dst='vda' mirror='yes'/>", (JobKind.COPY, JobState.READY, 1, None)),
    ],
)
def test_block_jobs_are_known(
    file: LibvirtFile, attributes: str, body: str, expected: tuple[JobKind, JobState, int, int | None]
) -> None:
    file.blockjobs = _blockjob(body, f"name='a job' shallownew='yes' {attributes}")
    (job,) = adopted(file).runtime.block.jobs.values()
    assert (job.kind, job.state, job.top, job.base) == expected
    assert (job.id, job.disk, job.shallow, job.delete) == ("a job", "vda", True, False)


@pytest.mark.parametrize(
    ("attributes", "body"),
    [
        ("type='backup' state='running'", "<disk dst='vda'/>"),
        ("type='commit' state='running'", "<disk dst='vda'/><base node='odd'/><top node='libvirt-2-format'/>"),
        ("type='pull' state='running'", "<disk dst='vdz'/>"),
        ("type='broken' state='ready'", ""),
    ],
)
def test_other_block_jobs_go_on_unseen(
    file: LibvirtFile, attributes: str, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    file.blockjobs = _blockjob(body, f"name='odd-job' {attributes}")
    assert adopted(file).runtime.block.jobs == {}
    assert "odd-job goes on, but is not followed" in caplog.text


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ("<actual type='network'><source bridge='virbr7'/></actual>", ("network", "default", "virbr7", None)),
        ("<actual type='bridge'><source bridge='br0'/></actual>", ("bridge", "default", "br0", None)),
        ("<actual type='direct'><source dev='eth9' mode='vepa'/></actual>", ("direct", "default", None, "eth9")),
        ("", ("network", "default", None, None)),
    ],
)
def test_interfaces_are_what_they_became(file: LibvirtFile, actual: str, expected: tuple[str, ...]) -> None:
    file.interfaces = (
        f"<interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/>{actual}</interface>\n"
    )
    (interface,) = adopted(file).domain.devices.interfaces
    source = interface.source
    assert source is not None
    assert (interface.type, source.network, source.bridge, source.dev) == expected
    assert interface.actual is None


def test_what_an_interface_became_is_told_with_its_network(file: LibvirtFile) -> None:
    file.interfaces = (
        "<interface type='network'><mac address='52:54:00:00:00:01'/>"
        f"<source network='n' portgroup='p' portid='{UUID}'/>"
        "<actual type='bridge'><source bridge='br0'/></actual></interface>\n"
    )
    found = adopted(file)
    told = f"<source network='n' portgroup='p' portid='{UUID}' bridge='br0'/>"
    assert told in format_domain(found.domain, inactive=False)
    assert "<source bridge='br0'/>" in format_domain(found.domain, inactive=True)
    record = format_domain(found.domain, inactive=False, status=True)
    again = parse_domain(record, inactive=False, status=True)
    assert format_domain(again, inactive=False, status=True) == record
    # A client that shows this as a wish means the bridge.
    shown = format_domain(parse_domain(record, inactive=False), inactive=False)
    assert "<source bridge='br0'/>" in shown


def test_owners_that_libvirt_remembered(file: LibvirtFile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said: dict[str, bytes] = {file.image: b"+107:+108\0"}

    def getxattr(path: str, name: str) -> bytes:
        assert name == "trusted.libvirt.security.dac"
        if path not in said:
            raise OSError
        return said[path]

    monkeypatch.setattr(os, "getxattr", getxattr)
    found = adopted(file)
    assert found.runtime.owners == [Owner(file.image, 107, 108)]
    said[file.image] = b"somebody"
    assert list(ownership.remembered(found.domain)) == []


def test_groups_within_the_guests_group_go_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "_mounts", lambda: {"": tmp_path})
    inner = tmp_path / "machine/qemu-5-left.libvirt-qemu/vcpu0/deeper"
    inner.mkdir(parents=True)
    cgroup.remove("machine/qemu-5-left.libvirt-qemu")
    assert list((tmp_path / "machine").iterdir()) == []
    assert cgroup.of_libvirt(os.getpid()) is None


async def test_a_guest_that_is_left_alone_is_not_started_a_second_time(
    world: World, file: LibvirtFile, caplog: pytest.LogCaptureFixture
) -> None:
    paths = world.context.paths
    paths.state.mkdir(parents=True)
    file.before_devices = "  <job type='none' async='dump'/>\n"
    paths.status("left").write_text(file.text())
    await reconnect.load_all(world.context)
    ref = await world.define(guest_xml("left", extra=f"<uuid>{UUID}</uuid>"))
    assert f"guest left (QEMU is process {file.pid}) is left alone" in caplog.text
    assert paths.status("left").read_text() == file.text()
    with pytest.raises(VirtError, match="runs already, as process") as caught:
        await world.api.domain_create_with_flags(ref, 0)
    assert caught.value.code == Code.OPERATION_INVALID
    os.kill(file.pid, 9)
    os.waitid(os.P_PID, file.pid, os.WEXITED | os.WNOWAIT)
    strays.refuse_second_start(world.guest(ref))
    assert world.context.strays == []


async def test_a_half_written_file_is_set_aside(world: World, file: LibvirtFile) -> None:
    paths = world.context.paths
    paths.state.mkdir(parents=True)
    text = file.text()
    paths.status("left").write_text(text[: len(text) // 2])
    await reconnect.load_all(world.context)
    assert [p.name for p in paths.state.glob("left.xml.unreadable-*")]
    assert world.context.strays == []
