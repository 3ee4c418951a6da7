# SPDX-License-Identifier: LGPL-2.1-or-later
"""Descriptions of hosts in files: what they say, and who may read them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drivers.test import driver as test_driver
from tests.fakes.make_believe import Caller
from virtd.calls import Identity
from virtd.enums import DomainState
from virtd.errors import Code, VirtError

NOBODY = 65534
NS = "xmlns:test='http://libvirt.org/schemas/domain/test/1.0'"


def guest(name: str, more: str = "") -> str:
    os_ = "<os><type>hvm</type></os>"
    return f"<domain type='test' {NS}><name>{name}</name><memory>1024</memory>{os_}{more}</domain>"


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """Where the description goes; everybody may come here."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    return tmp_path / "host.xml"


async def opened(driver: test_driver.TestDriver, path: Path, content: str) -> Caller:
    path.write_text(f"<node xmlns:v='urn:virtd:test:1'>{content}</node>")
    return await Caller(driver).open(str(path))


async def test_the_host_itself(driver: test_driver.TestDriver, host: Path) -> None:
    xml = "<cpu><mhz>2000</mhz><model>x86_64</model><nodes>1</nodes><cores>4</cores></cpu><memory>1000</memory>"
    client = await opened(driver, host, xml)
    assert client.node_get_info() == ("x86_64", 1000, 16, 2000, 1, 2, 4, 2)
    assert "<cells num='1'>" in client.connect_get_capabilities()


async def test_all_kinds_of_objects(driver: test_driver.TestDriver, host: Path) -> None:
    (host.parent / "volume.xml").write_text("<volume><name>v</name><capacity>10</capacity></volume>")
    pool = "<pool type='dir'><name>p</name><target><path>/p</path></target><volume file='volume.xml'/></pool>"
    network = "<network><name>n</name><bridge name='br'/></network>"
    device = "<device><name>d</name><capability type='net'><interface>eth9</interface></capability></device>"
    interface = "<interface type='ethernet' name='e'/>"
    client = await opened(driver, host, guest("g") + pool + network + device + interface)
    (found,) = client.connect_list_all_storage_pools(0)
    assert [vol.key for vol in client.storage_pool_list_all_volumes(found, 0)] == ["/p/v"]
    assert [net.name for net in client.connect_list_all_networks(2)] == ["n"]
    assert client.node_list_devices(None, 0) == ["d"]
    assert [iface.name for iface in client.connect_list_all_interfaces(2)] == ["e"]


async def test_what_a_test_wants_of_guests(driver: test_driver.TestDriver, host: Path) -> None:
    snapshot = (
        "<test:domainsnapshot><name>s</name><creationTime>1</creationTime><state>shutoff</state>"
        "<active>1</active></test:domainsnapshot>"
    )
    content = (
        guest("off", "<test:runstate>5</test:runstate><test:hasmanagedsave>1</test:hasmanagedsave>")
        + guest("gone", "<test:transient>1</test:transient>")
        + guest("paused", f"<test:runstate>3</test:runstate>{snapshot}")
    )
    client = await opened(driver, host, content)
    off, gone, paused = client.connect_list_all_domains(0)
    assert client.domain_get_state(off, 0)[0] == DomainState.SHUTOFF
    assert client.domain_has_managed_save_image(off, 0) == 1
    assert client.domain_is_persistent(gone) == 0
    assert client.domain_get_state(paused, 0)[0] == DomainState.PAUSED
    assert client.domain_snapshot_current(paused, 0).name == "s"


async def test_our_own_elements(driver: test_driver.TestDriver, host: Path) -> None:
    fault = "<v:fault function='virDomainSuspend' code='9' message='as asked' times='1'/>"
    client = await opened(driver, host, f"<v:clock speed='0'/><v:jobs seconds='7'/>{fault}{guest('g')}")
    (dom,) = client.connect_list_all_domains(0)
    assert (client.world_of().clock.speed, client.world_of().job_seconds) == (0, 7)
    with pytest.raises(VirtError, match="as asked"):
        client.domain_suspend(dom)
    client.domain_suspend(dom)


@pytest.mark.parametrize(
    "content",
    [
        guest("a") + guest("a"),
        guest("a", "<test:runstate>77</test:runstate>"),
        guest("a", "<test:runstate>5</test:runstate><test:transient>1</test:transient>"),
        "<v:clock speed='-1'/>",
        "<v:clock speed='nan'/>",
        "<v:fault code='1'/>",
        "<v:fault function='f' code='99999'/>",
        "<cpu><nodes>many</nodes></cpu>",
        "<auth><user password='p'>u</user></auth>",
        "<domain file='missing.xml'/>",
    ],
)
async def test_what_cannot_be_is_refused(driver: test_driver.TestDriver, host: Path, content: str) -> None:
    with pytest.raises(VirtError):
        await opened(driver, host, content)


async def test_entities_are_not_expanded(driver: test_driver.TestDriver, host: Path) -> None:
    host.write_text("<!DOCTYPE node [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><node>&e;</node>")
    with pytest.raises(VirtError, match="document type declaration"):
        await Caller(driver).open(str(host))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who can be anybody")
async def test_a_file_is_read_with_the_rights_of_the_caller(driver: test_driver.TestDriver, host: Path) -> None:
    await opened(driver, host, "")
    host.chmod(0o600)
    with pytest.raises(VirtError, match="Permission denied"):
        await Caller(driver, uid=NOBODY).open(str(host))
    host.chmod(0o644)
    await Caller(driver, uid=NOBODY).open(str(host))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who can be anybody")
async def test_a_file_that_a_description_names_too(driver: test_driver.TestDriver, host: Path) -> None:
    secret = host.parent / "secret.xml"
    secret.write_text(guest("secret"))
    secret.chmod(0o600)
    host.write_text("<node><domain file='secret.xml'/></node>")
    host.chmod(0o644)
    with pytest.raises(VirtError, match="Permission denied"):
        await Caller(driver, uid=NOBODY).open(str(host))


async def test_a_caller_who_is_not_known_names_no_files(driver: test_driver.TestDriver, host: Path) -> None:
    await opened(driver, host, "")
    stranger = Caller(driver)
    stranger.connection.identity = Identity()
    with pytest.raises(VirtError, check=lambda error: error.code == Code.ACCESS_DENIED):
        await stranger.open(str(host))


async def test_hosts_of_users_are_apart(driver: test_driver.TestDriver, host: Path) -> None:
    one = await opened(driver, host, guest("g"))
    again = await Caller(driver).open(str(host))
    (dom,) = one.connect_list_all_domains(0)
    one.domain_destroy_flags(dom, 0)
    assert again.domain_is_active(dom) == 0


async def test_there_are_not_more_hosts_than_the_daemon_can_bear(
    driver: test_driver.TestDriver, host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_driver, "MAX_HOSTS", 1)
    await opened(driver, host, "")
    with pytest.raises(VirtError, match="too many"):
        await opened(driver, host.parent / "second.xml", "")
