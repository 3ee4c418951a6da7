# SPDX-License-Identifier: LGPL-2.1-or-later
"""What outlives the daemon: definitions, autostart, status files; lxc.conf."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from conf.domain import Domain, parse_domain
from drivers.lxc import confinement, status
from drivers.lxc.settings import LxcSettings
from tests.fakes.containers import Containers, container_xml
from virtd.enums import DomainState
from virtd.errors import VirtError


async def again(containers: Containers, root: Path, *survivors: str) -> Containers:
    """The next daemon, which has not started yet; `survivors` run on."""
    new = Containers(root)
    new.runtime.survivors = set(survivors)
    new.runtime.next_pid = containers.runtime.next_pid
    return new


async def test_a_definition_and_its_autostart_are_kept(containers: Containers, tmp_path: Path):
    ref = await containers.define()
    await containers.api.domain_set_autostart(ref, 1)
    async with await again(containers, tmp_path) as new:
        assert new.api.domain_get_autostart(ref) == 1
        assert new.api.domain_get_xml_desc(ref, 2) == containers.api.domain_get_xml_desc(ref, 2)
        assert not new.guest(ref).active  # the host has not booted anew


async def test_the_host_boots_anew(containers: Containers, tmp_path: Path):
    ref = await containers.define()
    await containers.api.domain_set_autostart(ref, 1)
    (containers.context.paths.state / "autostarted").unlink()
    async with await again(containers, tmp_path) as new:
        await asyncio.sleep(0.01)
        assert new.api.domain_get_state(ref, 0)[0] == DomainState.RUNNING


async def test_running_containers_are_found_again(containers: Containers, tmp_path: Path):
    ref = await containers.run()
    await containers.api.domain_suspend(ref)
    async with await again(containers, tmp_path, "c") as new:
        assert new.api.domain_get_state(ref, 0) == (DomainState.PAUSED, 1)
        assert new.guest(ref).id == ref.id
        assert new.api.domain_get_xml_desc(ref, 0) == containers.api.domain_get_xml_desc(ref, 0)
        run, before = new.guest(ref).run, containers.guest(ref).run
        assert run is not None
        assert before is not None
        assert (run.controller_pid, run.init_pid) == (before.controller_pid, before.init_pid)


async def test_containers_that_ended_meanwhile(containers: Containers, tmp_path: Path):
    stored = await containers.run()
    await containers.api.domain_create_xml(container_xml("t"), 0)
    async with await again(containers, tmp_path) as new:
        assert new.api.domain_get_state(stored, 0) == (DomainState.SHUTOFF, 3)
        assert new.context.guests.by_name("t") is None
        assert {what[:2] for what in new.runtime.done} == {
            ("reconnect", "c"), ("stop", "c"), ("reconnect", "t"), ("stop", "t"),
        }  # fmt: skip
        assert list(new.context.paths.state.glob("*.xml")) == []


async def test_a_start_that_was_cut_off_is_undone(containers: Containers, tmp_path: Path):
    ref = await containers.run()
    guest = containers.guest(ref)
    guest.set_state(DomainState.SHUTOFF, 0)  # as it is until the start has come to its end
    await guest.save_status()
    async with await again(containers, tmp_path, "c") as new:
        assert new.api.domain_get_state(ref, 0) == (DomainState.SHUTOFF, 6)


async def test_a_container_bound_to_a_lost_connection_ends(containers: Containers, tmp_path: Path):
    ref = await containers.run()
    guest = containers.guest(ref)
    assert guest.run is not None
    guest.run.autodestroy = True
    await guest.save_status()
    guest.run.autodestroy = False
    async with await again(containers, tmp_path, "c") as new:
        assert new.api.domain_get_state(ref, 0) == (DomainState.SHUTOFF, 2)


async def test_status_files_hold_everything(containers: Containers):
    ref = await containers.run()
    guest = containers.guest(ref)
    assert guest.run is not None
    guest.run.veths, guest.run.cgroup, guest.run.autodestroy = ["vnet0", "vnet1"], "machine/x", True
    await guest.save_status()
    found = status.load(containers.context.paths.status("c"))
    assert (found.run.veths, found.run.cgroup, found.run.autodestroy) == (["vnet0", "vnet1"], "machine/x", True)
    assert (found.run.controller_pid, found.state, found.reason) == (guest.run.controller_pid, DomainState.RUNNING, 1)
    guest.run.autodestroy = False


async def test_files_that_cannot_be_used_are_set_aside(containers: Containers, tmp_path: Path):
    paths = containers.context.paths
    (paths.state / "x.xml").write_text("<domstatus/>")
    (paths.config / "y.xml").write_text("<domain")
    async with await again(containers, tmp_path) as new:
        assert len(new.context.guests) == 0
    assert len(list(paths.state.glob("x.xml.unreadable-*"))) == 1
    assert len(list(paths.config.glob("y.xml.unreadable-*"))) == 1


def test_sockets_have_short_names(containers: Containers):
    paths = containers.context.paths
    long = ["n" * 150 + end for end in "ab"]
    assert paths.socket("c").name == "c.sock"
    assert all(len(paths.socket(name).name) < 80 for name in long)
    assert len({paths.socket(name) for name in long}) == 2


def labelled(*labels: str) -> Domain:
    return parse_domain(container_xml(tail="".join(labels)))


STATIC = "<seclabel type='static' model='apparmor'><label>profile</label></seclabel>"
NONE = "<seclabel type='none'/>"


def test_containers_that_have_to_be_confined():
    strict = LxcSettings(security_require_confined=True)
    confinement.check_guest(labelled(STATIC), strict)
    for definition in (labelled(), labelled(NONE)):
        confinement.check_guest(definition, LxcSettings())
        with pytest.raises(VirtError, match="Unconfined guests are not allowed on this host"):
            confinement.check_guest(definition, strict)


def test_containers_that_are_confined_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    usual = LxcSettings(security_default_confined=True)
    monkeypatch.setattr(confinement, "MODELS", {"apparmor": str(tmp_path)})
    for definition in (labelled(STATIC), labelled(NONE)):
        confinement.check_guest(definition, usual)
    with pytest.raises(VirtError, match="names no label"):
        confinement.check_guest(labelled(), usual)
    monkeypatch.setattr(confinement, "MODELS", {"apparmor": str(tmp_path / "none")})
    confinement.check_guest(labelled(), usual)


def test_security_drivers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(confinement, "MODELS", {"apparmor": str(tmp_path), "selinux": str(tmp_path / "none")})
    for name in ("", "none", "apparmor"):
        confinement.check_driver(LxcSettings(security_driver=name))
    for name, text in (("selinux", "Security driver selinux not enabled"), ("foo", "Security driver foo not found")):
        with pytest.raises(VirtError, match=text):
            confinement.check_driver(LxcSettings(security_driver=name))


def test_settings(tmp_path: Path):
    file = tmp_path / "lxc.conf"
    assert LxcSettings.load(file) == LxcSettings()
    file.write_text('log_with_libvirtd = 1\nsecurity_driver = "none"\nsecurity_require_confined = 0\n')
    assert LxcSettings.load(file) == LxcSettings(log_with_libvirtd=True, security_driver="none")


@pytest.mark.parametrize("line", ["log_with_libvirtd = 2", "security_driver = 1", 'security_default_confined = "yes"'])
def test_settings_of_the_wrong_type(tmp_path: Path, line: str):
    file = tmp_path / "lxc.conf"
    file.write_text(line)
    with pytest.raises(VirtError, match=r"lxc\.conf:1: \w+: should be "):
        LxcSettings.load(file)
