# SPDX-License-Identifier: LGPL-2.1-or-later
"""The status file says all that a new daemon has to know, and a damaged one does no harm."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from drivers.qemu import status
from drivers.qemu.adopt import strays
from drivers.qemu.lifecycle import reconnect
from drivers.qemu.runtime import Owner
from tests.fakes.guests import World, guest_xml
from virtd.enums import DomainState
from virtd.errors import VirtError


async def test_what_is_saved_is_read_back(world: World):
    ref = await world.define(guest_xml("g", "<interface type='user'/>"))
    await world.run(ref)
    guest = world.guest(ref)
    runtime = guest.runtime
    assert runtime is not None
    runtime.vcpu_threads = {0: 71, 1: 72}
    runtime.devices = {"net0", "balloon0"}
    runtime.taps = ["vnet3"]
    runtime.owners = [Owner("/image", 1, 2)]
    runtime.cgroup = "machine/g"
    runtime.fake_reboot = runtime.autodestroy = True
    guest.taint("strange things & more")
    guest.messages.append("<settled>")
    await guest.save_status()
    found = status.understand(status.read_document(world.context.paths.status("g")))
    assert found.domain == guest.live
    assert (found.state, found.reason, found.pid) == (guest.state, guest.reason, None)
    for name in ("domain_dir", "channel_dir", "vcpu_threads", "devices", "taps", "owners", "cgroup", "fake_reboot"):
        assert getattr(found.runtime, name) == getattr(runtime, name), name
    assert found.runtime.autodestroy
    assert (found.taints, found.messages) == (["strange things & more"], ["<settled>"])


@pytest.mark.parametrize("name", ["g", "a--long name " * 9])
async def test_a_change_of_state_is_written_in_place(world: World, name: str):
    ref = await world.define(guest_xml(name))
    await world.run(ref)
    guest = world.guest(ref)
    await guest.save_status()
    path = world.context.paths.status(name)
    inode, size = path.stat().st_ino, path.stat().st_size
    for state, reason in ((DomainState.PMSUSPENDED, 0), (DomainState.PAUSED, 12), (DomainState.RUNNING, 1)):
        guest.set_state(state, reason)
        guest.save_state_soon()
        found = status.understand(status.read_document(path))
        assert (found.state, found.reason, found.domain) == (state, reason, guest.live)
    assert (path.stat().st_ino, path.stat().st_size) == (inode, size)
    path.unlink()
    guest.save_state_soon()
    await guest.status_saved()
    assert status.understand(status.read_document(path)).state == DomainState.RUNNING


@pytest.mark.parametrize("damage", ["", "<domstatus/>", "<domstatus state='running'><domain/></domstatus>", "<a", "\0"])
async def test_a_damaged_status_is_set_aside(world: World, damage: str):
    paths = world.context.paths
    paths.state.mkdir(parents=True)
    paths.status("g").write_text(damage)
    await reconnect.load_all(world.context)
    assert [p.name for p in paths.state.glob("*.unreadable-*")]
    assert list(world.context.guests) == []


async def test_a_guest_whose_record_is_lost_is_not_started_twice(world: World, caplog: pytest.LogCaptureFixture):
    paths = world.context.paths
    paths.state.mkdir(parents=True)
    paths.status("g,1").write_text("<a")
    ref = await world.define(guest_xml("g,1"))
    command = [
        "/bin/sh",
        "-c",
        "sleep 60; :",
        "guest=g,,1,debug-threads=on",
        f"{paths.domain_dir(1, 'g,1')}/master-key",
    ]
    with subprocess.Popen(command, start_new_session=True) as process:
        paths.pid_file("g,1").write_text(f"{process.pid}\n")
        try:
            await reconnect.load_all(world.context)
            assert f"guest g,1 runs on as process {process.pid}, out of reach" in caplog.text
            with pytest.raises(VirtError, match=f"runs already, as process {process.pid}"):
                await world.api.domain_create_with_flags(ref, 0)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert strays.left_running(world.context, "g,1") is None


async def test_a_definition_under_a_strange_name_is_set_aside(world: World):
    await world.define()
    file = world.context.paths.definitions.path("g")
    other = world.context.paths.definitions.path("other")
    other.write_bytes(file.read_bytes())
    file.unlink()
    second = World(Path(world.context.env.paths.etc.parents[1]))
    async with second:
        await reconnect.load_all(second.context)
        assert list(second.context.guests) == []
    assert [p.name for p in other.parent.glob("other.xml.unreadable-*")]


async def test_a_guest_without_a_process_has_ended_meanwhile(world: World):
    ref = await world.define()
    await world.run(ref)
    await world.guest(ref).save_status()
    second = World(Path(world.context.env.paths.etc.parents[1]))
    async with second:
        await reconnect.load_all(second.context)
        assert second.api.domain_is_active(ref) == 0
        assert (0, 5, 5) in second.told()
        assert not second.context.paths.status("g").exists()
        assert second.context.guests.next_id() > 1
