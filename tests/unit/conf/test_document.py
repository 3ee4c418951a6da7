# SPDX-License-Identifier: LGPL-2.1-or-later
"""Untrusted documents: what is refused, how, and at what cost."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from conf.binding import parse_document
from conf.binding.document import MAX_BYTES
from conf.errors import XMLDetailError, XMLError

LAUGHS = "<!DOCTYPE x [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY a{i} '{f'&a{i - 1};' * 50 if i else '&a;'}'>" for i in range(9)
)


def refused(source: str | bytes) -> str:
    with pytest.raises(XMLDetailError) as caught:
        parse_document(source, "x", what="test_definition")
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("garbage", "(test_definition):1: Start tag expected, '<' not found\ngarbage\n^"),
        ("", "(test_definition):1: Document is empty\n(null)\n^"),
        (
            "<x>\n <a></b></x>",
            "(test_definition):2: Opening and ending tag mismatch: a line 2 and b\n <a></b></x>\n--------^",
        ),
        ("<x", "(test_definition):1: Couldn't find end of Start Tag x line 1\n<x\n--^"),
    ],
)
def test_syntax_errors_read_as_libvirts(source: str, message: str) -> None:
    assert refused(source) == message


def test_another_root_element() -> None:
    with pytest.raises(XMLError, match="expecting root element of 'x', not 'y'"):
        parse_document("<y/>", "x", what="test")


@pytest.mark.parametrize(
    "source",
    [
        LAUGHS + "]><x>&a8;</x>",
        "<?xml version='1.0'?>\n<!-- c -->\n<!DOCTYPE x SYSTEM 'file:///etc/passwd'><x/>",
        "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
        b"<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE x+AD4-<x/>",
        "\ufeff<!DOCTYPE x [<!ENTITY % p SYSTEM 'http://127.0.0.1/'> %p;]><x/>".encode(),
    ],
)
def test_document_types_are_refused(source: str | bytes) -> None:
    refused(source)


def test_doctype_as_text_is_text() -> None:
    element = parse_document("<x><![CDATA[<!DOCTYPE y>]]><!-- <!DOCTYPE z> --></x>", "x", what="test")
    assert element.text == "<!DOCTYPE y>"


def test_unknown_entity() -> None:
    assert "Entity 'e' not defined" in refused("<x>&e;</x>")


def test_depth_is_bounded() -> None:
    assert "depth" in refused("<x>" * 300 + "</x>" * 300).lower()
    parse_document("<x>" * 200 + "</x>" * 200, "x", what="test")


@pytest.mark.parametrize(
    "bomb",
    [
        b"<x>" + b"a" * (32 << 20) + b"</x>",
        b"<x>" + b"<a/>" * (1 << 20) + b"</x>",
        b"<x " + b" ".join(b"a%d=''" % i for i in range(300_000)) + b"/>",
    ],
    ids=["large", "elements", "attributes"],
)
def test_bombs_are_refused_at_once(bomb: bytes) -> None:
    start = time.process_time()
    refused(bomb)
    assert time.process_time() - start < 0.05


def test_bombs_do_not_take_memory() -> None:
    code = (
        "import resource, sys; from conf.domain import parse_domain; from conf.errors import ConfError\n"
        "bomb = '<domain>' + '<a/>' * (8 << 20) + '</domain>'\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: parse_domain(bomb)\n"
        "except ConfError: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 64 * 1024


def test_the_largest_document_stays_affordable() -> None:
    start = time.process_time()
    refused("<x>" + "<a b=''/>" * 199_000 + "</x" + " " * (MAX_BYTES - 199_000 * 9 - 6))
    assert time.process_time() - start < 1
