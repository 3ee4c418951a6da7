# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that come, go and change; into a container by console and namespace; what a connection tells."""

from __future__ import annotations

import asyncio
import os
import platform
from pathlib import Path

import pytest

from conf.errors import ConfError
from drivers.lxc.api import inside
from drivers.lxc.emulators import EMULATOR
from tests.fakes.containers import Containers, container_xml
from virtd.calls import Connection, Identity
from virtd.enums import DomainInterfaceAddressesSource as Source
from virtd.errors import Code, VirtError

LIVE, CONFIG = 1, 2
MISC = "<hostdev mode='capabilities' type='misc'><source><char>/dev/full</char></source></hostdev>"
DISK = "<disk type='block'><source dev='/dev/loop0'/><target dev='sdb'/></disk>"
CARD = "<interface type='bridge'><mac address='52:54:00:00:00:02'/><source bridge='b'/></interface>"
NET = "<hostdev mode='capabilities' type='net'><source><interface>e</interface></source></hostdev>"
USB = "<hostdev type='usb'><source><vendor id='0x1234'/><product id='0xbeef'/></source></hostdev>"
FILESYSTEM = "<filesystem type='mount'><source dir='/a'/><target dir='/t'/></filesystem>"


@pytest.mark.parametrize("device", [MISC, DISK, CARD])
async def test_a_device_comes_and_goes(containers: Containers, device: str):
    ref = await containers.run()
    before = [containers.api.domain_get_xml_desc(ref, flags) for flags in (0, 2)]
    await containers.api.domain_attach_device_flags(ref, device, LIVE | CONFIG)
    mark = {MISC: "/dev/full", DISK: "/dev/loop0", CARD: "52:54:00:00:00:02"}[device]
    for flags in (0, 2):
        assert mark in containers.api.domain_get_xml_desc(ref, flags)
    assert containers.runtime.done[-1][0] == "attach"
    await containers.api.domain_detach_device_flags(ref, device, LIVE | CONFIG)
    assert containers.runtime.done[-1][0] == "detach"
    assert mark not in containers.api.domain_get_xml_desc(ref, 0)
    if device is not DISK:  # a controller that came with a disk stays
        assert [containers.api.domain_get_xml_desc(ref, flags) for flags in (0, 2)] == before


async def test_a_card_without_an_address_is_the_same_in_both_definitions(containers: Containers):
    ref = await containers.run()
    await containers.api.domain_attach_device_flags(
        ref, "<interface type='bridge'><source bridge='b'/></interface>", LIVE | CONFIG
    )
    guest = containers.guest(ref)
    macs = [d.devices.interfaces[0].mac.address for d in (guest.live, guest.persistent) if d is not None]
    assert macs[0] == macs[1]


@pytest.mark.parametrize(
    ("device", "live", "stored"),
    [
        (DISK, "target sdb already exists", "target sdb already exists."),
        (MISC, "host device already exists", "device is already in the domain configuration"),
    ],
)
async def test_what_is_there_does_not_come_again(containers: Containers, device: str, live: str, stored: str):
    ref = await containers.run()
    await containers.api.domain_attach_device_flags(ref, device, LIVE | CONFIG)
    for flags, text, code in ((LIVE, live, Code.OPERATION_FAILED), (CONFIG, stored, Code.INVALID_ARG)):
        with pytest.raises(VirtError) as raised:
            await containers.api.domain_attach_device_flags(ref, device, flags)
        assert (raised.value.code, raised.value.detail) == (code, text)


@pytest.mark.parametrize(
    ("device", "flags", "text"),
    [
        (FILESYSTEM, LIVE, "device type 'filesystem' cannot be attached"),
        (FILESYSTEM, CONFIG, "persistent attach of device is not supported"),
        ("<console type='pty'/>", LIVE, "device type 'chr' cannot be attached"),
        (NET, LIVE, "Unsupported host device type net"),
        (DISK.replace("block", "file").replace("dev=", "file=", 1), LIVE, "Can't setup disk for non-block device"),
        ("<foo/>", LIVE, "unknown device type 'foo'"),
    ],
)
async def test_what_does_not_come(containers: Containers, device: str, flags: int, text: str):
    ref = await containers.run()
    with pytest.raises((VirtError, ConfError), match=text):
        await containers.api.domain_attach_device_flags(ref, device, flags)


@pytest.mark.parametrize(
    ("device", "flags", "text"),
    [
        (DISK, LIVE, "disk sdb not found"),
        (DISK, CONFIG, "no target device sdb"),
        (MISC, LIVE, "hostdev /dev/full not found"),
        (USB, LIVE, "usb device not found"),
        (MISC, CONFIG, "device not present in domain configuration"),
        (CARD, LIVE, "no device found at address '\\(<null>\\)' matching MAC address '52:54:00:00:00:02'"),
        (FILESYSTEM, LIVE, "device type 'filesystem' cannot be detached"),
        (FILESYSTEM, CONFIG, "persistent detach of device is not supported"),
    ],
)
async def test_what_does_not_go(containers: Containers, device: str, flags: int, text: str):
    ref = await containers.run()
    with pytest.raises(VirtError, match=text):
        await containers.api.domain_detach_device_flags(ref, device, flags)


async def test_cards_change_in_stored_definitions_only(containers: Containers):
    ref = await containers.run(container_xml(devices=f"<console/>{CARD}"))
    limited = CARD.replace("</interface>", "<bandwidth><inbound average='100'/></bandwidth></interface>")
    with pytest.raises(VirtError, match="Unable to modify live devices"):
        await containers.api.domain_update_device_flags(ref, limited, LIVE)
    await containers.api.domain_update_device_flags(ref, limited, CONFIG)
    assert "<inbound average='100'/>" in containers.api.domain_get_xml_desc(ref, 2)
    with pytest.raises(VirtError, match="persistent update of device is not supported"):
        await containers.api.domain_update_device_flags(ref, DISK, CONFIG)


async def test_consoles(containers: Containers):
    ref = await containers.run(container_xml(devices="<console/><console/>"))
    for name, alias in ((None, "console0"), ("console1", "console1")):
        opened = containers.api.domain_open_console(ref, name, 0)
        assert containers.runtime.done[-1] == ("console", "c", alias)
        await opened.stream.abort()
    with pytest.raises(VirtError, match="cannot find console device 'x'"):
        containers.api.domain_open_console(ref, "x", 0)


async def test_namespaces(containers: Containers):
    ref = await containers.run()
    answer = containers.api.lxc_domain_open_namespace(ref, 0)
    assert [os.readlink(f"/proc/self/fd/{fd}").partition(":")[0] for fd in answer.fds] == ["net", "mnt"]
    for fd in answer.fds:
        os.close(fd)


async def test_addresses_that_the_host_has_heard_of(
    containers: Containers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    table = tmp_path / "arp"
    table.write_text(
        "IP address HW type Flags HW address Mask Device\n10.0.0.2 0x1 0x2 52:54:00:00:00:02 * br0\nbroken\n"
    )
    monkeypatch.setattr(inside, "_ARP", table)
    ref = await containers.run(container_xml(devices=f"<console/>{CARD}"))
    live = containers.guest(ref).require_active()
    live.devices.interfaces[0].target = type("Target", (), {"dev": "veth0"})()
    found = containers.api.domain_interface_addresses(ref, Source.ARP, 0)
    assert found == [("veth0", "52:54:00:00:00:02", [(0, "10.0.0.2", 0)])]
    assert containers.api.domain_interface_addresses(ref, Source.LEASE, 0) == []
    with pytest.raises(VirtError, match="Unknown IP address data source 1"):
        containers.api.domain_interface_addresses(ref, Source.AGENT, 0)
    with pytest.raises(VirtError, match="no hostname found for domain c"):
        containers.api.domain_get_hostname(ref, 0)


async def test_what_a_connection_tells(containers: Containers):
    assert containers.api.connect_get_type() == "LXC"
    major, minor = map(int, platform.release().split(".")[:2])
    assert containers.api.connect_get_version() // 1000 == major * 1000 + minor
    capabilities = await containers.api.connect_get_capabilities()
    assert "<os_type>exe</os_type>" in capabilities
    assert f"<emulator>{EMULATOR}</emulator>" in capabilities
    assert "<domain type='lxc'/>" in capabilities


@pytest.mark.parametrize("path", ["/system", "/", ""])
def test_uris(containers: Containers, path: str):
    connection = Connection("", readonly=False, identity=Identity())
    assert containers.driver.connect_open(connection, path) == "lxc:///system"
    with pytest.raises(VirtError, match="Unexpected LXC URI path '/session', try lxc:///system"):
        containers.driver.connect_open(connection, "/session")


async def test_definitions_from_elsewhere(containers: Containers):
    xml = containers.api.connect_domain_xml_from_native("lxc-tools", "lxc.rootfs = /r\nlxc.utsname = m\n", 0)
    assert "<name>m</name>" in xml
    with pytest.raises(VirtError, match="unsupported config type qemu-argv"):
        containers.api.connect_domain_xml_from_native("qemu-argv", "", 0)


async def test_labels(containers: Containers):
    ref = await containers.run()
    assert containers.api.domain_get_security_label(ref) == ("", 0)
    assert containers.api.domain_has_managed_save_image(ref, 0) == 0


async def test_metadata(containers: Containers):
    ref = await containers.run()
    await containers.api.domain_set_metadata(ref, 1, "A title", None, None, LIVE)
    assert containers.api.domain_get_metadata(ref, 1, None, LIVE) == "A title"
    await asyncio.sleep(0)
