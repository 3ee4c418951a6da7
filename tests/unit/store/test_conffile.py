# SPDX-License-Identifier: LGPL-2.1-or-later
"""Configuration files in libvirt's syntax."""

import pytest

from virtd.errors import VirtError
from virtd.store import conffile


def test_all_kinds_of_values():
    text = '# a comment\nnumber = -1\nword="a # b"\nother = \'c\'\nlong = """d\n"e" """\nlist = [ "f", # g\n "h", ]\nnone = []\n'
    assert conffile.parse(text) == {
        "number": -1,
        "word": "a # b",
        "other": "c",
        "long": 'd\n"e" ',
        "list": ["f", "h"],
        "none": [],
    }


@pytest.mark.parametrize(
    ("text", "line"), [("a = \n", 2), ("a 1", 1), ("\nx = [ 'a' 'b' ]", 2), ("= 1", 1), ("a = 'b", 1), ("a = ?", 1)]
)
def test_a_mistake_is_named_with_its_line(text, line):
    with pytest.raises(VirtError, match=rf"configuration file syntax error: f:{line}: "):
        conffile.parse(text, "f")


def test_no_file_means_no_settings(tmp_path):
    assert conffile.read(tmp_path / "missing.conf") == {}
