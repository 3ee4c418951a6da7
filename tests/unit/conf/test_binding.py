# SPDX-License-Identifier: LGPL-2.1-or-later
"""The words that bind fields to XML, each read and written."""

from __future__ import annotations

from copy import deepcopy
from typing import Annotated, ClassVar, Literal, TypeVar

import pytest

from conf.binding import (
    FormatOptions,
    Hex,
    Model,
    OnOff,
    ParseOptions,
    Positive,
    Scale,
    Uint,
    Ulong,
    Uuid,
    YesNo,
    attr,
    child,
    child_text,
    children,
    flag,
    format_document,
    irregular,
    on,
    parse_document,
    raw,
    text,
    texts,
    without,
)
from conf.binding.fields import Complaint
from conf.binding.reading import element_text, read
from conf.errors import (
    ConfError,
    ConfigUnsupportedError,
    InternalError,
    InvalidArgError,
    NoNameError,
    OverflowConfError,
    XMLError,
)

DEFINITION = ParseOptions()
LIVE = ParseOptions(inactive=False)


M = TypeVar("M", bound=Model)


def parse(model: type[M], xml: str, options: ParseOptions = DEFINITION) -> M:
    return read(model, parse_document(xml, "x", what="test"), options)


def written(model: Model, **options: bool) -> str:
    return format_document(model, "x", FormatOptions(**options))


class Pci(Model):
    type: Literal["pci"] = attr(default="pci")
    bus: Annotated[int, Hex(2)] = attr(default=0)


class Drive(Model):
    type: Literal["drive"] = attr(default="drive")
    bus: Uint = attr(default=0)


class Source(Model):
    file: str | None = attr(when=on("../type", "file"))
    dev: str | None = attr(when=on("../type", "block"), empty_is_unset=True)


class Common(Model):
    alias: str | None = attr("name", at="alias", live=True, kept=lambda name: name.startswith("ua-"))
    address: Pci | Drive | None = child(
        by="type",
        error=(ConfigUnsupportedError, "unknown address type '%s'"),
        missing=(InternalError, "no address type"),
    )


class Disk(Common):
    type: Literal["file", "block"] = attr(default="file")
    rawio: YesNo | None = attr()
    queues: Uint | None = attr(omit=0)
    source: Source | None = child()
    readonly: bool = flag()
    serial: str | None = child_text(when=without("type", "block"))
    order: Positive | None = attr(at="boot")


class Ring(Model):
    name: str | None = attr()
    inner: Ring | None = child(keep_empty=True)


class Document(Model):
    id: Uint | None = attr(live=True)
    uuid: Uuid | None = child_text()
    memory: Ulong = child_text(default=0, scale=Scale("KiB"))
    dump: OnOff | None = attr("dumpCore", at="memory")
    password: str | None = attr(secret=True)
    metadata: str | None = raw()
    disks: list[Disk] = children("disk", within="devices")
    names: list[str] = texts("name")
    ring: Ring | None = child()
    note: str | None = irregular(
        "note",
        parse=lambda element, _options: element_text(element),
        format=lambda value, _options: [f"<note>{value}</note>"],
    )


def test_attributes_children_and_brackets() -> None:
    xml = """<x><uuid>C7A5FDBDEDAF9455926AD65C16DB1809</uuid><memory unit='MiB' dumpCore='on'>2</memory>
    <devices><disk type='block' rawio='yes' unknown='1'><source dev='/dev/x' file='/ignored'/><readonly/><boot order='3'/>
    <address type='pci' bus='0x1f'/><unknown/></disk><disk><source file='/f' dev='/ignored'/><serial>s</serial>
    <address type='drive' bus='7'/></disk></devices><name>a</name><name>b</name><note>n</note></x>"""
    document = parse(Document, xml)
    first, second = document.disks
    assert document.uuid == "c7a5fdbd-edaf-9455-926a-d65c16db1809"
    assert (document.memory, document.dump, document.names, document.note) == (2048, True, ["a", "b"], "n")
    assert first.source == Source(dev="/dev/x")
    assert second.source == Source(file="/f")
    assert (first.rawio, first.readonly, first.order) == (True, True, 3)
    assert (second.rawio, second.readonly, second.order) == (None, False, None)
    assert first.address == Pci(bus=0x1F)
    assert second.address == Drive(bus=7)
    assert (
        written(document)
        == """<x>
  <uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>
  <memory unit='KiB' dumpCore='on'>2048</memory>
  <devices>
    <disk type='block' rawio='yes'>
      <source dev='/dev/x'/>
      <readonly/>
      <boot order='3'/>
      <address type='pci' bus='0x1f'/>
    </disk>
    <disk type='file'>
      <source file='/f'/>
      <serial>s</serial>
      <address type='drive' bus='7'/>
    </disk>
  </devices>
  <name>a</name>
  <name>b</name>
  <note>n</note>
</x>
"""
    )


def test_conditions_hold_for_writing_too() -> None:
    disk = Disk(type="block", source=Source(file="/f", dev="/d"), serial="s")
    assert written(disk) == "<x type='block'>\n  <source dev='/d'/>\n</x>\n"


def test_only_the_first_of_single_children_counts() -> None:
    disk = parse(Disk, "<x><serial>1</serial><serial>2</serial><boot order='1'/><boot order='2'/></x>")
    assert (disk.serial, disk.order) == ("1", 1)


def test_omitted_and_unset_values() -> None:
    disk = parse(Disk, "<x type='block' queues='0'><source dev=''/></x>")
    assert disk.queues == 0
    assert disk.source == Source()
    assert written(disk) == "<x type='block'/>\n"


@pytest.mark.parametrize(("alias", "kept"), [("net0", None), ("ua-mine", "ua-mine")])
def test_live_fields_of_a_definition(alias: str, kept: str | None) -> None:
    xml = f"<x><alias name='{alias}'/></x>"
    assert parse(Disk, xml).alias == kept
    live = parse(Disk, xml, LIVE)
    assert live.alias == alias
    assert (alias in written(live)) == (kept is not None)
    assert alias in written(live, inactive=False)


def test_live_attribute() -> None:
    assert parse(Document, "<x id='3'/>").id is None
    assert "id='3'" in written(parse(Document, "<x id='3'/>", LIVE), inactive=False)


def test_secrets_are_written_on_request_only() -> None:
    document = parse(Document, "<x password='p'/>")
    assert document.password == "p"
    assert "password" not in written(document)
    assert "password='p'" in written(document, secure=True)


def test_models_may_contain_themselves() -> None:
    document = parse(Document, "<x><ring name='1'><inner name='2'><inner/></inner></ring></x>")
    assert document.ring == Ring(name="1", inner=Ring(name="2", inner=Ring()))
    assert written(document).count("<inner") == 2


def test_foreign_subtrees_have_one_namespace_each() -> None:
    xml = "<x><metadata>text<a xmlns='urn:a'><![CDATA[<&]]></a><!-- c --><b/><c xmlns='urn:a'/>tail</metadata></x>"
    assert parse(Document, xml).metadata == '<metadata><a xmlns="urn:a"><![CDATA[<&]]></a></metadata>'


def test_foreign_subtree_keeps_namespaces_and_text() -> None:
    xml = "<x xmlns:o='urn:o'><metadata><a:b xmlns:a='urn:a' q=\"it's\">text &lt; <c/></a:b>\n<o:p>x\ny</o:p></metadata></x>"
    document = parse(Document, xml)
    again = parse(Document, written(document))
    assert written(again) == written(document)
    assert '  <metadata xmlns:o="urn:o">\n    <a:b xmlns:a="urn:a" q="it\'s">' in written(document)
    assert "text &lt; <c/></a:b>" in written(document)
    assert "x\ny</o:p>" in written(document)


@pytest.mark.parametrize("value", ["<>&'\"", "ü 漢 \U0001f600"])
def test_escaping_there_and_back(value: str) -> None:
    text_of = written(Ring(name=value))
    assert parse(Ring, text_of).name == value
    assert written(Disk(serial=value)) == f"<x type='file'>\n  <serial>{text_of[9:-4]}</serial>\n</x>\n"


def test_escapes_are_libvirts() -> None:
    assert written(Ring(name="<>&'\"\x01")) == "<x name='&lt;&gt;&amp;&apos;&quot;'/>\n"


@pytest.mark.parametrize(
    ("xml", "error", "message"),
    [
        ("<x type='q'/>", XMLError, "Invalid value for attribute 'type' in element 'x': 'q'."),
        ("<x rawio='on'/>", XMLError, "Invalid value for attribute 'rawio' in element 'x': 'on'."),
        (
            "<x queues='-1'/>",
            XMLError,
            "Invalid value for attribute 'queues' in element 'x': '-1'. Expected non-negative integer value",
        ),
        (
            "<x queues='1_0'/>",
            XMLError,
            "Invalid value for attribute 'queues' in element 'x': '1_0'. Expected non-negative integer value",
        ),
        (
            "<x queues='4294967296'/>",
            XMLError,
            "Invalid value for attribute 'queues' in element 'x': '4294967296'. Expected non-negative integer value",
        ),
        (
            "<x><boot order='0'/></x>",
            XMLError,
            "Invalid value for attribute 'order' in element 'boot': Zero is not permitted",
        ),
        ("<x><address/></x>", InternalError, "no address type"),
        ("<x><address type='q'/></x>", ConfigUnsupportedError, "unknown address type 'q'"),
        (
            "<x><address type='pci' bus='zz'/></x>",
            XMLError,
            "Invalid value for attribute 'bus' in element 'address': 'zz'. Expected non-negative integer value",
        ),
    ],
)
def test_complaints(xml: str, error: type[ConfError], message: str) -> None:
    with pytest.raises(error) as caught:
        parse(Disk, xml)
    assert str(caught.value) == message


class Strict(Model):
    unknown_child: ClassVar[Complaint | None] = (ConfigUnsupportedError, "unexpected '%s'")

    name: str = child_text(required=(NoNameError, "no name"))
    kind: Literal["a"] = attr(required=True)
    size: int | None = child_text(scale=Scale("B", pretty=True))
    checked: int = attr(default=0)

    def check(self, options: ParseOptions) -> None:
        if self.checked == 13:
            raise XMLError("unlucky")
        self.checked += 1


@pytest.mark.parametrize(
    ("xml", "error", "message"),
    [
        ("<x kind='a'/>", NoNameError, "no name"),
        ("<x><name>n</name></x>", XMLError, "Missing required attribute 'kind' in element 'x'"),
        ("<x kind='a' checked='13'><name>n</name></x>", XMLError, "unlucky"),
        ("<x kind='a'><name>n</name><z/></x>", ConfigUnsupportedError, "unexpected 'z'"),
        ("<x kind='a'><size unit='zz'>5</size></x>", InvalidArgError, "unknown suffix 'zz'"),
        ("<x kind='a'><size unit='EiB'>16</size></x>", OverflowConfError, "value too large: 16EiB"),
        ("<x kind='a'><size>5five</size></x>", XMLError, "Invalid value '5five' for element or attribute './size'"),
    ],
)
def test_strict_complaints(xml: str, error: type[ConfError], message: str) -> None:
    with pytest.raises(error) as caught:
        parse(Strict, xml)
    assert str(caught.value) == message


def test_check_completes() -> None:
    assert parse(Strict, "<x kind='a'><!-- c --><name>n</name></x>").checked == 1


@pytest.mark.parametrize(
    ("number", "unit", "expected"),
    [
        ("3", "KB", "3000"),
        ("3", "K", "3072"),
        ("1", "MiB", "1048576"),
        ("5", "bytes", "5"),
        ("1", "m", "1048576"),
        ("1", "GB", "1000000000"),
    ],
)
def test_units(number: str, unit: str, expected: str) -> None:
    class Size(Model):
        size: int = text(scale=Scale("B"))

    assert parse(Size, f"<x unit='{unit}'>{number}</x>").size == int(expected)


@pytest.mark.parametrize(
    ("size", "shown"), [(48 << 20, "unit='MiB'>48<"), (0, "unit='B'>0<"), (1025, "unit='B'>1025<")]
)
def test_pretty_sizes(size: int, shown: str) -> None:
    assert shown in written(Strict(name="n", kind="a", size=size))


def test_text_and_children_exclude_comments() -> None:
    class Texts(Model):
        value: str | None = child_text()

    assert parse(Texts, "<x><value>a<!-- b -->c</value></x>").value == "ac"
    assert parse(Texts, "<x><value></value></x>").value is None


def test_models_are_values() -> None:
    document = parse(Document, "<x><devices><disk><source file='/f'/></disk></devices></x>")
    copy = deepcopy(document)
    assert copy == document
    assert copy.disks[0] is not document.disks[0]
    assert copy.disks[0].source is not None
    copy.disks[0].source.file = "/other"
    assert document.disks[0].source == Source(file="/f")


def test_a_shallow_copy_shares_all_but_its_own_values() -> None:
    disk = Disk(source=Source(file="/f"), serial="s")
    copy = disk.model_copy(update={"serial": "t"})
    assert (disk.serial, copy.serial) == ("s", "t")
    assert copy.source is disk.source
    assert vars(copy).keys() == vars(disk).keys()
    assert copy != disk
    assert disk.model_copy() == disk


def test_models_are_made_of_all_their_fields_and_no_others() -> None:
    first, second = Document(), Document()
    assert first.disks is not second.disks
    assert vars(first).keys() == Document.model_fields.keys()
    with pytest.raises(TypeError, match="Disk has no typ"):
        Disk(typ="file")  # type: ignore[call-arg]


def test_a_field_without_place_is_refused() -> None:
    class Unbound(Model):
        stray: int = 0

    with pytest.raises(TypeError, match="stray is not bound"):
        parse(Unbound, "<x/>")


class Wheel(Model):
    place: str = attr()
    size: Uint = attr(default=0)


class Cart(Model):
    left: Wheel | None = child("wheel", having=("place", "left"))
    right: Wheel | None = child("wheel", having=("place", "right"))


def test_children_of_one_name_are_told_apart_by_an_attribute() -> None:
    wheels = "<wheel place='right' size='2'/><wheel place='top'/><wheel/><wheel place='left' size='1'/>"
    cart = parse(Cart, f"<x>{wheels}<wheel place='left' size='9'/></x>")
    assert written(cart) == "<x>\n  <wheel place='left' size='1'/>\n  <wheel place='right' size='2'/>\n</x>\n"


class Inner(Model):
    alias: str | None = attr(live=True)
    name: str | None = attr()


class Outer(Model):
    defined: Inner | None = child(definition=True)
    running: Inner | None = child()


def test_a_definition_within_a_live_document_stays_a_definition() -> None:
    outer = parse(Outer, "<x><defined alias='a' name='n'/><running alias='b'/></x>", LIVE)
    assert (outer.defined, outer.running) == (Inner(name="n"), Inner(alias="b"))
    outer.defined = Inner(alias="c", name="n")
    assert written(outer, inactive=False) == "<x>\n  <defined name='n'/>\n  <running alias='b'/>\n</x>\n"
