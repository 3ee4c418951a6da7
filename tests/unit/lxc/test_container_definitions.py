# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a container's definition is completed with, and what no container can have."""

from __future__ import annotations

import re

import pytest

from conf.domain import format_domain
from conf.errors import ConfError
from drivers.lxc import prepare
from drivers.lxc.emulators import EMULATOR, architectures
from tests.fakes.containers import container_xml
from virtd.errors import VirtError

NAMESPACE = "xmlns:lxc='http://libvirt.org/schemas/domain/lxc/1.0'"


async def shown(xml: str) -> str:
    return format_domain(await prepare.definition(xml))


async def refusal(xml: str) -> str:
    with pytest.raises((VirtError, ConfError)) as raised:
        await prepare.definition(xml)
    error = raised.value
    return (error if isinstance(error, VirtError) else VirtError.from_conf(error)).message


async def test_what_is_left_open_is_decided():
    xml = "<domain type='lxc'><name>c</name><memory>1024</memory><os><type>exe</type><init>/i</init></os>"
    got = await shown(f"{xml}<devices><console/><interface type='ethernet'/></devices></domain>")
    assert f"<type arch='{architectures()[0]}'>exe</type>" in got
    assert f"<emulator>{EMULATOR}</emulator>" in got
    assert "<target type='lxc' port='0'/>" in got
    assert re.search("<mac address='52:54:00:..:..:..'/>", got)


async def test_completing_twice_changes_nothing():
    first = await shown(
        container_xml(devices="<console/><disk type='block'><source dev='/d'/><target dev='sdb'/></disk>")
    )
    assert "<address type='drive' controller='0' bus='0' target='0' unit='1'/>" in first
    assert "<controller type='scsi' index='0'/>" in first
    assert await shown(first) == first


async def test_a_console_keeps_the_kind_it_names():
    assert "<target type='serial' port='0'/>" in await shown(
        container_xml(devices="<console><target type='serial'/></console>")
    )


async def test_users_do_not_name_devices():
    assert "ua-x" not in await shown(container_xml(devices="<console><alias name='ua-x'/></console>"))


async def test_other_hypervisors_extensions_are_left_out():
    xml = container_xml(tail="<q:commandline><q:arg value='x'/></q:commandline>").replace(
        "<domain ", "<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0' "
    )
    assert "commandline" not in await shown(xml)


async def test_the_last_share_of_a_namespace_counts():
    share = "<lxc:sharenet type='name' value='{}'/>"
    xml = container_xml(tail=f"<lxc:namespace>{share.format('a')}{share.format('b')}</lxc:namespace>")
    got = await shown(xml.replace("<domain ", f"<domain {NAMESPACE} "))
    assert share.format("b") in got
    assert share.format("a") not in got


async def test_ids_in_order():
    idmap = (
        "<idmap><uid start='9' target='1' count='1'/><uid start='0' target='5' count='1'/>"
        "<gid start='0' target='1' count='1'/></idmap>"
    )
    got = await shown(container_xml(extra=idmap))
    assert got.index("<uid start='0'") < got.index("<uid start='9'")


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ("<init>/bin/sh</init>", "", "XML error: init binary must be specified"),
        ("exe", "hvm", "could not find capabilities for arch=x86_64 domaintype=lxc "),
        ("exe", "linux", "could not find capabilities for ostype=linux arch=x86_64 domaintype=lxc "),
        ("x86_64", "ppc64", "could not find capabilities for ostype=exe arch=ppc64 domaintype=lxc "),
        ("x86_64", "sesame", "unsupported configuration: Unknown architecture sesame"),
        ("type='lxc'", "type='kvm'", "could not find capabilities for ostype=exe arch=x86_64 domaintype=kvm "),
        ("</init>", "</init><initarg/>", "No data supplied for <initarg> element"),
        ("</init>", "</init><initenv name='A'/>", "No value supplied for <initenv name='A'> element"),
    ],
)
async def test_what_is_no_container(before: str, after: str, text: str):
    assert text in await refusal(container_xml().replace(before, after))


@pytest.mark.parametrize(
    ("extra", "text"),
    [
        (
            "<idmap><uid start='5' target='1' count='1'/><gid start='0' target='1' count='1'/></idmap>",
            "unsupported configuration: You must map the root user of container",
        ),
        ("<maxMemory slots='1' unit='G'>1</maxMemory>", "memory hotplug tunables <maxMemory> are not supported"),
        ("<vcpus><vcpu id='0' enabled='yes'/></vcpus>", "individual CPU state configuration is not supported"),
        ("<resource/>", "internal error"),
    ],
)
async def test_what_no_container_has(extra: str, text: str):
    assert text in await refusal(container_xml(extra=extra))


@pytest.mark.parametrize(
    ("device", "text"),
    [
        ("<input type='mouse'/>", "Input devices are not supported by this virtualization driver."),
        ("<graphics type='vnc'/>", "missing video model and cannot determine default"),
        ("<video/>", "missing video model and cannot determine default"),
        (
            "<redirdev bus='usb' type='tcp'><source mode='connect' host='h' service='1'/></redirdev>",
            "USB is disabled for this domain",
        ),
        (
            "<memory model='dimm'><target><size>1</size></target></memory>",
            "memory devices are not supported by this driver",
        ),
        ("<filesystem type='mount'><target dir='/t'/></filesystem>", "missing source information for device /t"),
    ],
)
async def test_devices_that_no_container_has(device: str, text: str):
    assert text in await refusal(container_xml(devices=device))


@pytest.mark.parametrize(
    ("tail", "text"),
    [
        ("<lxc:sharenet type='foo' value='x'/>", "internal error: Unknown LXC namespace source 'foo'"),
        ("<lxc:sharenet type='name'/>", "internal error: No lxc environment type specified"),
        ("<lxc:sharepid type='name' value='x'/>", "unsupported configuration: unsupported Namespace feature: sharepid"),
    ],
)
async def test_shares_that_there_are_not(tail: str, text: str):
    xml = container_xml(tail=f"<lxc:namespace>{tail}</lxc:namespace>")
    assert await refusal(xml.replace("<domain ", f"<domain {NAMESPACE} ")) == text
