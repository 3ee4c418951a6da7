# SPDX-License-Identifier: LGPL-2.1-or-later
"""The format of filter bindings."""

from __future__ import annotations

import pytest

from conf.errors import InternalError
from conf.nwfilter.binding import format_binding, parse_binding

PARTS = {
    "no owner name": "<owner><name>g</name><uuid>5a1f2b3c-0d4e-4f60-8172-93a4b5c6d7e8</uuid></owner>",
    "no port dev name": "<portdev name='vnet0'/>",
    "": "<linkdev name='l'/>",
    "no MAC address": "<mac address='52:54:00:00:00:01'/>",
    "no filter reference": "<filterref filter='f'><parameter name='A' value='1'/></filterref>",
}


def test_canonical_text_comes_back() -> None:
    text = f"<filterbinding>{''.join(PARTS.values())}</filterbinding>"
    assert "".join(line.strip() for line in format_binding(parse_binding(text)).splitlines()) == text


@pytest.mark.parametrize("missing", [complaint for complaint in PARTS if complaint])
def test_a_missing_part_is_named(missing: str) -> None:
    rest = "".join(part for complaint, part in PARTS.items() if complaint != missing)
    with pytest.raises(InternalError, match=f"filter binding has {missing}"):
        parse_binding(f"<filterbinding>{rest}</filterbinding>")


def test_a_reference_names_a_filter() -> None:
    text = "".join(PARTS.values()).replace(" filter='f'", "")
    with pytest.raises(InternalError, match="filter binding has no filter reference"):
        parse_binding(f"<filterbinding>{text}</filterbinding>")
