# SPDX-License-Identifier: LGPL-2.1-or-later
"""The test driver: guests in memory behave as guests do."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.test import driver as test_driver
from tests.fakes.make_believe import Caller
from virtd.dispatch import Dispatcher
from virtd.enums import (
    DomainCreateFlags,
    DomainDefineFlags,
    DomainEventDefinedDetailType,
    DomainEventStartedDetailType,
    DomainEventStoppedDetailType,
    DomainEventSuspendedDetailType,
    DomainEventType,
    DomainPausedReason,
    DomainState,
    DomainXMLFlags,
)
from virtd.errors import Code, VirtError
from virtd.wire.programs import REMOTE

XML = "<domain type='test'><name>{}</name><memory>1024</memory><os><type>hvm</type></os></domain>"


def test_default_host_has_one_running_guest(client: Caller) -> None:
    (dom,) = client.connect_list_all_domains(0)
    assert (dom.name, dom.id) == ("test", 1)
    assert client.domain_get_info(dom)[:4] == (DomainState.RUNNING, 8388608, 2097152, 2)


def test_life_of_a_stored_guest(client: Caller, seen: list[tuple[object, ...]]) -> None:
    dom = client.domain_define_xml_flags(XML.format("a"), 0)
    assert dom.id == -1
    assert client.domain_create_with_flags(dom, DomainCreateFlags.START_PAUSED).id == 2
    assert client.domain_get_state(dom, 0) == (DomainState.PAUSED, DomainPausedReason.USER)
    client.domain_resume(dom)
    client.domain_shutdown_flags(dom, 0)
    assert client.domain_get_state(dom, 0)[0] == DomainState.SHUTOFF
    client.domain_undefine_flags(dom, 0)
    with pytest.raises(VirtError) as error:
        client.domain_get_info(dom)
    assert error.value.code == Code.NO_DOMAIN
    assert seen[:3] == [
        (DomainEventType.DEFINED, DomainEventDefinedDetailType.ADDED),
        (DomainEventType.STARTED, DomainEventStartedDetailType.BOOTED),
        (DomainEventType.SUSPENDED, DomainEventSuspendedDetailType.PAUSED),
    ]
    assert seen[4] == (DomainEventType.STOPPED, DomainEventStoppedDetailType.SHUTDOWN)


def test_transient_guest_is_gone_when_it_ends(client: Caller) -> None:
    dom = client.domain_create_xml(XML.format("b"), 0)
    client.domain_destroy_flags(dom, 0)
    assert [d.name for d in client.connect_list_all_domains(0)] == ["test"]


async def test_autodestroy_ends_with_the_connection(driver: test_driver.TestDriver, client: Caller) -> None:
    other = await Caller(driver).open()
    other.domain_create_xml(XML.format("c"), DomainCreateFlags.START_AUTODESTROY)
    assert len(client.connect_list_all_domains(0)) == 2
    other.connection.closed()
    assert len(client.connect_list_all_domains(0)) == 1


def test_undefined_running_guest_goes_on_as_transient(client: Caller) -> None:
    (dom,) = client.connect_list_all_domains(0)
    client.domain_undefine_flags(dom, 0)
    assert client.domain_is_persistent(dom) == 0
    assert "<name>test</name>" in client.domain_get_xml_desc(dom, DomainXMLFlags.INACTIVE)
    client.domain_destroy_flags(dom, 0)
    assert client.connect_list_all_domains(0) == []


@pytest.mark.parametrize("name", ["domain_suspend", "domain_resume"])
def test_an_inactive_guest_cannot_be_paused(client: Caller, name: str) -> None:
    dom = client.domain_define_xml_flags(XML.format("d"), 0)
    with pytest.raises(VirtError, match="domain is not running"):
        getattr(client, name)(dom)


async def test_hosts_of_different_paths_are_apart(
    driver: test_driver.TestDriver, client: Caller, tmp_path: Path
) -> None:
    (tmp_path / "guest.xml").write_text(XML.format("in-a-file"))
    (tmp_path / "host.xml").write_text(f"<node>{XML.format('inline')}<domain file='guest.xml'/></node>")
    other = await Caller(driver).open(str(tmp_path / "host.xml"))
    assert [d.name for d in other.connect_list_all_domains(0)] == ["inline", "in-a-file"]
    assert [d.name for d in client.connect_list_all_domains(0)] == ["test"]


@pytest.mark.parametrize("content", ["", "<domain/>", "<!DOCTYPE x [<!ENTITY e 'x'>]><node>&e;</node"])
async def test_a_description_that_is_none_is_refused(
    driver: test_driver.TestDriver, tmp_path: Path, content: str
) -> None:
    (tmp_path / "host.xml").write_text(content)
    with pytest.raises(VirtError):
        await Caller(driver).open(str(tmp_path / "host.xml"))


async def test_documents_are_held_against_the_schema_on_request(client: Caller) -> None:
    bad = XML.format("v").replace("<memory>", "<memory><b/>")
    assert client.domain_is_active(client.domain_define_xml_flags(XML.format("v"), 0)) == 0
    with pytest.raises(VirtError) as error:
        await client.domain_define_xml_flags(bad, DomainDefineFlags.VALIDATE)
    assert error.value.code == Code.XML_INVALID_SCHEMA
    dom = await client.domain_define_xml_flags(XML.format("w"), DomainDefineFlags.VALIDATE)
    assert dom.name == "w"


def test_every_method_fits_the_wire(driver: test_driver.TestDriver) -> None:
    assert Dispatcher(driver).supports(REMOTE.by_name["DOMAIN_CREATE"])
