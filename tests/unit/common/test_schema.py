# SPDX-License-Identifier: LGPL-2.1-or-later
"""Validation against schemas."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.common import schema
from virtd.errors import Code, From, VirtError

RNG = """<element name='a' xmlns='http://relaxng.org/ns/structure/1.0'>
  <optional><attribute name='b'/></optional><zeroOrMore><element name='c'><empty/></element></zeroOrMore>
</element>"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(schema, "FOLDER", tmp_path)
    (tmp_path / "a.rng").write_text(RNG)
    return tmp_path


async def test_what_fits_and_what_does_not(folder: Path):
    await schema.validate("<a b='1'><c/></a>", "a.rng")
    with pytest.raises(VirtError) as caught:
        await schema.validate("<a><d/></a>", "a.rng")
    assert (caught.value.code, caught.value.source) == (Code.XML_INVALID_SCHEMA, From.XML)
    head = f"XML document failed to validate against schema: Unable to validate doc against {folder}/a.rng\n"
    assert caught.value.message.startswith(head)


async def test_another_root_is_left_to_the_parser(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(schema, "ROOTS", {"a.rng": "a"})
    await schema.validate("<b/>", "a.rng")
    with pytest.raises(VirtError):
        await schema.validate("<a><b/></a>", "a.rng")


async def test_no_schema_and_no_xml(folder: Path):
    with pytest.raises(VirtError, match="Unable to parse RNG"):
        await schema.validate("<a/>", "missing.rng")
    await schema.validate("<a", "a.rng")


@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-1", "UTF-16", "nonsense"])
async def test_a_document_that_names_its_encoding(folder: Path, encoding: str):
    await schema.validate(f"<?xml version='1.0' encoding='{encoding}'?><a b='é'><c/></a>", "a.rng")
