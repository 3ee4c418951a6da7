# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the binding leaves out to be quick, and what it must not leave out for that."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest

from conf.binding import (
    FormatOptions,
    Hex,
    Model,
    OnOff,
    ParseOptions,
    attr,
    child,
    child_text,
    children,
    format_document,
    on,
    parse_document,
)
from conf.binding.reading import Children, read
from conf.binding.scalars import BadValueError, read_number
from conf.binding.writing import source_of


class Part(Model):
    kind: Literal["a", "b"] | None = attr()
    slot: Annotated[int, Hex(2)] | None = attr(when=on("kind", "a"))
    removable: OnOff | None = attr(when=on("../kind", "x", "y"))
    title: str | None = child_text()


class Whole(Model):
    kind: Literal["x", "y", "<"] | None = attr()
    part: Part | None = child()
    others: list[Part] = children("other", within="others")


def test_only_known_children_are_remembered() -> None:
    table = Children(Whole)
    for i in range(10):
        table[f"unknown{i}"]
    table[parse_document("<x><!-- --></x>", "x", what="test")[0].tag]
    assert not table
    table["part"]
    assert list(table) == ["part"]


def test_no_validators_are_made() -> None:
    read(Whole, parse_document("<x kind='x'><part kind='a'/></x>", "x", what="test"), ParseOptions())
    assert not Whole.__pydantic_complete__
    assert not Part.__pydantic_complete__


def test_a_writer_can_be_read() -> None:
    source = source_of(Part)
    assert "if (value := values['slot']) is not None and values.get('kind') == 'a':" in source
    assert "around.get('kind') in ('x', 'y')" in source
    assert "head += f\" slot='{value:#04x}'\"" in source
    assert "head += f\" removable='{'on' if value else 'off'}'\"" in source


def test_words_are_escaped_if_any_of_them_asks_for_it() -> None:
    assert format_document(Whole(kind="<"), "x", FormatOptions()) == "<x kind='&lt;'/>\n"


def test_what_a_writer_leaves_out() -> None:
    whole = Whole(kind="y", part=Part(kind="b", slot=1, removable=True), others=[])
    assert format_document(whole, "x", FormatOptions()) == ("<x kind='y'>\n  <part kind='b' removable='on'/>\n</x>\n")


@pytest.mark.parametrize(
    ("text", "base", "number"),
    [
        ("17", 10, 17),
        ("017", 10, 17),
        (" +17", 10, 17),
        ("017", 0, 15),
        ("0", 0, 0),
        ("17", 8, 15),
        ("0x1f", 0, 31),
        ("-0X1F", 0, -31),
        ("1f", 16, 31),
        ("0x1f", 16, 31),
    ],
)
def test_numbers_of_c(text: str, base: int, number: int) -> None:
    assert read_number(text, base) == number


@pytest.mark.parametrize("base", [0, 8, 10, 16])
@pytest.mark.parametrize("text", ["", "0x", "1_0", "0o17", "0x1_f", "٣", "²", "17 ", "0xg", "1" * 65, "+-1"])
def test_no_numbers_of_c(text: str, base: int) -> None:
    with pytest.raises(BadValueError):
        read_number(text, base)
