# SPDX-License-Identifier: LGPL-2.1-or-later
"""Words, comma lists and shell quotes."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.qemu.command.line import CommandLine, comma_list, dump_json, props, quote


def test_comma_lists_leave_out_what_says_nothing() -> None:
    assert (
        comma_list(["socket", ("id", "a,b"), ("path", None), ("server", True), ("n", 0)])
        == "socket,id=a,,b,server=on,n=0"
    )


def test_properties_keep_their_order_and_drop_nothing_but_none() -> None:
    assert list(props({"b": 1, "a": False, "c": None, "d": 0, "e": ""}).items()) == [
        ("b", 1),
        ("a", False),
        ("d", 0),
        ("e", ""),
    ]
    assert dump_json({"ä": [True, None], "x": "y"}) == '{"ä":[true,null],"x":"y"}'


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("a=b,c", "a=b,c"),
        ("", "''"),
        ("a b", "'a b'"),
        ('{"a":1}', "'{\"a\":1}'"),
        ("it's", "'it'\\''s'"),
        ("[::]:1", "'[::]:1'"),
    ],
)
def test_only_what_a_shell_would_touch_is_quoted(word: str, quoted: str) -> None:
    assert quote(word) == quoted


@given(st.lists(st.text(st.characters(min_codepoint=9, max_codepoint=126, exclude_categories=["Cc"])), min_size=1))
def test_a_shell_reads_the_same_words(words: list[str]) -> None:
    assert shlex.split(CommandLine(argv=words).as_shell()) == words
