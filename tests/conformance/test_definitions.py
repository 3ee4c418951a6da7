# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stored definitions: names and uuids, redefinition, renaming, autostart, titles and metadata."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.conformance.bench import Bench
from tests.conformance.client import refused
from tests.conformance.hypervisors import REDEFINED, RENAMED
from virtd.enums import DomainDefineFlags, DomainEventID, DomainMetadataType, DomainXMLFlags
from virtd.errors import Code

LIVE, CONFIG = 1, 2
TITLE, DESCRIPTION, ELEMENT = DomainMetadataType.TITLE, DomainMetadataType.DESCRIPTION, DomainMetadataType.ELEMENT
METADATA_CHANGE = int(DomainEventID.METADATA_CHANGE)
NAMESPACE = "http://conform.example/1"


def test_a_guest_is_found_by_name_and_uuid(bench: Bench):
    guest = bench.define()
    name, uuid = guest.name(), guest.UUIDString()
    assert bench.connection.lookupByName(name).UUIDString() == uuid
    assert bench.connection.lookupByUUIDString(uuid).name() == name
    assert f"<name>{name}</name>" in guest.XMLDesc(0)
    assert f"<uuid>{uuid}</uuid>" in guest.XMLDesc(0)


def test_nobody_is_not_found(bench: Bench):
    unknown = str(uuid4())
    with refused(Code.NO_DOMAIN, "no domain with matching name 'nobody'"):
        bench.connection.lookupByName("nobody")
    with refused(Code.NO_DOMAIN, f"no domain with matching uuid '{unknown}'"):
        bench.connection.lookupByUUIDString(unknown)
    with refused(Code.NO_DOMAIN, "no domain with matching id 65000"):
        bench.connection.lookupByID(65000)


def test_a_definition_without_uuid_gets_one(bench: Bench):
    name = bench.new_name()
    xml = bench.xml(name, uuid="gone").replace("<uuid>gone</uuid>", "")
    first = bench.connection.defineXML(xml).UUIDString()
    with refused(Code.OPERATION_FAILED, f"domain '{name}' already exists with uuid {first}"):
        bench.connection.defineXML(xml)


def test_a_name_belongs_to_one_uuid(bench: Bench):
    guest = bench.define()
    with refused(Code.OPERATION_FAILED, f"domain '{guest.name()}' already exists with uuid {guest.UUIDString()}"):
        bench.connection.defineXML(bench.xml(guest.name()))


def test_a_uuid_belongs_to_one_name(bench: Bench):
    guest = bench.define()
    with refused(Code.OPERATION_FAILED, f"domain '{guest.name()}' is already defined with uuid {guest.UUIDString()}"):
        bench.connection.defineXML(bench.xml(uuid=guest.UUIDString()))


@pytest.mark.functions("virDomainCreateXML")
def test_names_and_uuids_of_transient_guests(bench: Bench):
    guest = bench.define()
    with refused(Code.OPERATION_FAILED, f"domain '{guest.name()}' already exists with uuid {guest.UUIDString()}"):
        bench.connection.createXML(bench.xml(guest.name()), 0)
    with refused(Code.OPERATION_FAILED, f"domain '{guest.name()}' is already defined with uuid {guest.UUIDString()}"):
        bench.connection.createXML(bench.xml(uuid=guest.UUIDString()), 0)


def test_a_running_guest_is_not_started_again(bench: Bench):
    guest = bench.start()
    with refused(Code.OPERATION_INVALID, "domain is already running"):
        guest.create()


@pytest.mark.functions("virDomainCreateXML")
def test_a_running_guest_is_not_made_again(bench: Bench):
    guest = bench.start()
    with refused(Code.OPERATION_INVALID, f"domain '{guest.name()}' is already active"):
        bench.connection.createXML(guest.XMLDesc(DomainXMLFlags.INACTIVE), 0)


def test_what_is_no_domain_is_refused(bench: Bench):
    with refused(Code.XML_DETAIL):
        bench.connection.defineXML("<domain")
    with refused(Code.XML_ERROR):
        bench.connection.defineXML("<network/>")


def test_what_does_not_fit_the_schema_is_refused_if_asked_to(bench: Bench):
    xml = bench.xml(extra="<nonsense/>")
    with refused(Code.XML_INVALID_SCHEMA, "failed to validate against schema"):
        bench.connection.defineXMLFlags(xml, DomainDefineFlags.VALIDATE)
    bench.define(xml)


def test_defining_what_is_shown_changes_nothing(bench: Bench):
    guest = bench.define()
    shown = guest.XMLDesc(DomainXMLFlags.INACTIVE)
    bench.connection.defineXML(shown)
    assert guest.XMLDesc(DomainXMLFlags.INACTIVE) == shown


def test_a_running_guest_keeps_what_it_was_started_with(bench: Bench):
    guest = bench.start()
    again = bench.xml(guest.name(), uuid=guest.UUIDString(), extra="<title>later</title>")
    bench.connection.defineXML(again)
    bench.told(guest, REDEFINED)
    assert "<title>later" not in guest.XMLDesc(0)
    assert "<title>later</title>" in guest.XMLDesc(DomainXMLFlags.INACTIVE)
    guest.destroy()
    assert "<title>later</title>" in guest.XMLDesc(0)


def test_the_running_definition_alone_has_the_id(bench: Bench):
    guest = bench.start()
    assert f" id='{bench.connection.lookupByName(guest.name()).ID()}'" in guest.XMLDesc(0).split(">")[0]
    assert " id=" not in guest.XMLDesc(DomainXMLFlags.INACTIVE).split(">")[0]


def test_autostart(bench: Bench):
    guest = bench.define()
    assert guest.autostart() == 0
    guest.setAutostart(1)
    assert guest.autostart() == 1
    bench.connection.defineXML(guest.XMLDesc(0))
    assert guest.autostart() == 1, "redefining changes nothing of it"
    guest.setAutostart(0)
    assert guest.autostart() == 0


@pytest.mark.functions("virDomainRename")
def test_rename(bench: Bench):
    guest, name = bench.define(), bench.new_name()
    guest.rename(name, 0)
    found = bench.connection.lookupByName(name)
    assert found.UUIDString() == guest.UUIDString()
    assert f"<name>{name}</name>" in found.XMLDesc(0)


@pytest.mark.functions("virDomainRename")
def test_what_cannot_be_renamed(bench: Bench):
    guest, other = bench.define(), bench.define()
    with refused(Code.OPERATION_INVALID, f"domain with name '{other.name()}' already exists"):
        guest.rename(other.name(), 0)
    guest.create()
    with refused(Code.OPERATION_INVALID, "cannot rename active domain"):
        guest.rename("else", 0)


@pytest.mark.functions("virDomainRename")
def test_renaming_is_told_as_an_end_and_a_beginning(bench: Bench):
    guest, new = bench.define(), bench.new_name()
    old = guest.name()
    guest.rename(new, 0)
    bench.told(guest, RENAMED[0], name=old)
    bench.told(guest, RENAMED[1], name=new)


@pytest.mark.functions("virDomainSetMetadata")
@pytest.mark.parametrize(("kind", "element"), [(TITLE, "title"), (DESCRIPTION, "description")])
def test_title_and_description(bench: Bench, kind: int, element: str):
    guest = bench.define()
    with refused(Code.NO_DOMAIN_METADATA, "Requested metadata element is not present"):
        guest.metadata(kind, None, 0)
    guest.setMetadata(kind, "about it", None, None, CONFIG)
    bench.told(guest, (METADATA_CHANGE, kind, None))
    assert guest.metadata(kind, None, 0) == "about it"
    assert f"<{element}>about it</{element}>" in guest.XMLDesc(0)
    guest.setMetadata(kind, None, None, None, CONFIG)
    assert f"<{element}>" not in guest.XMLDesc(0)


@pytest.mark.functions("virDomainSetMetadata")
def test_metadata_of_applications(bench: Bench):
    guest = bench.define()
    guest.setMetadata(ELEMENT, "<note>one</note>", "app", NAMESPACE, CONFIG)
    bench.told(guest, (METADATA_CHANGE, ELEMENT, NAMESPACE))
    assert guest.metadata(ELEMENT, NAMESPACE, 0) == "<note>one</note>"
    assert f'<app:note xmlns:app="{NAMESPACE}">one</app:note>' in guest.XMLDesc(0)
    guest.setMetadata(ELEMENT, None, None, NAMESPACE, CONFIG)
    with refused(Code.NO_DOMAIN_METADATA):
        guest.metadata(ELEMENT, NAMESPACE, 0)


@pytest.mark.functions("virDomainSetMetadata")
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("<a>text <b/> and text</a>", '<app:a xmlns:app="{uri}">text <app:b/> and text</app:a>'),
        ("<a x='1'><b/></a>", '<app:a xmlns:app="{uri}" x="1">\n      <app:b/>\n    </app:a>'),
        ("<a xmlns='urn:own'><b/></a>", '<a xmlns="urn:own" xmlns:app="{uri}">\n      <b/>\n    </a>'),
    ],
    ids=["mixed", "nested", "own namespace"],
)
def test_how_metadata_of_applications_are_shown(bench: Bench, given: str, shown: str):
    guest = bench.define()
    guest.setMetadata(ELEMENT, given, "app", NAMESPACE, CONFIG)
    assert shown.format(uri=NAMESPACE) in guest.XMLDesc(0)


@pytest.mark.functions("virDomainSetMetadata")
def test_metadata_that_are_refused(bench: Bench):
    guest = bench.define()
    with refused(Code.XML_DETAIL, "(metadata_xml):1: Couldn't find end of Start Tag a line 1\n<a\n--^"):
        guest.setMetadata(ELEMENT, "<a", "app", NAMESPACE, CONFIG)
    with refused(Code.INTERNAL_ERROR, "failed to create a new XML namespace"):
        guest.setMetadata(ELEMENT, "<app:a xmlns:app='urn:other'/>", "app", NAMESPACE, CONFIG)
    bench.told(guest)


@pytest.mark.functions("virDomainSetMetadata")
def test_metadata_of_what_runs_and_of_what_is_stored(bench: Bench):
    guest = bench.start()
    guest.setMetadata(TITLE, "now", None, None, LIVE)
    with refused(Code.NO_DOMAIN_METADATA):
        guest.metadata(TITLE, None, CONFIG)
    guest.setMetadata(TITLE, "then", None, None, CONFIG)
    assert [guest.metadata(TITLE, None, which) for which in (0, LIVE, CONFIG)] == ["now", "now", "then"]
    guest.destroy()
    assert guest.metadata(TITLE, None, 0) == "then"


@pytest.mark.functions("virDomainSetMetadata", "virDomainCreateXML")
def test_a_transient_guest_has_nothing_stored(bench: Bench):
    guest = bench.start_transient()
    with refused(Code.OPERATION_INVALID, "cannot undefine transient domain"):
        guest.undefine()
    with refused(Code.OPERATION_INVALID, "cannot set autostart for transient domain"):
        guest.setAutostart(1)
    with refused(Code.OPERATION_INVALID, "transient domains do not have any persistent config"):
        guest.setMetadata(TITLE, "x", None, None, CONFIG)
