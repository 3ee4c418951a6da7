# SPDX-License-Identifier: LGPL-2.1-or-later
"""Title, description, elements of applications."""

from __future__ import annotations

import pytest

from conf.errors import ConfError
from tests.fakes.guests import World
from virtd.enums import DomainEventID, DomainModificationImpact
from virtd.errors import Code, VirtError

LIVE, CONFIG = DomainModificationImpact.LIVE, DomainModificationImpact.CONFIG
DESCRIPTION, TITLE, ELEMENT = 0, 1, 2


async def test_an_element_comes_back_as_it_was_given(world: World):
    ref = await world.define()
    await world.api.domain_set_metadata(ref, ELEMENT, '<a b="1"><c/>x</a>', "key", "urn:x", 0)
    assert '<key:a xmlns:key="urn:x" b="1">' in world.api.domain_get_xml_desc(ref, 0)
    assert world.api.domain_get_metadata(ref, ELEMENT, "urn:x", 0).startswith('<a b="1">')
    await world.api.domain_set_metadata(ref, ELEMENT, "<other/>", "o", "urn:y", 0)
    await world.api.domain_set_metadata(ref, ELEMENT, None, "key", "urn:x", 0)
    with pytest.raises(VirtError) as caught:
        world.api.domain_get_metadata(ref, ELEMENT, "urn:x", 0)
    assert caught.value.code == Code.NO_DOMAIN_METADATA
    assert world.api.domain_get_metadata(ref, ELEMENT, "urn:y", 0) == "<other/>"
    assert world.told(DomainEventID.METADATA_CHANGE) == [(2, "urn:x"), (2, "urn:y"), (2, "urn:x")]


async def test_now_and_next_time_are_two_things(world: World):
    ref = await world.define()
    await world.run(ref)
    await world.api.domain_set_metadata(ref, TITLE, "now", None, None, LIVE)
    await world.api.domain_set_metadata(ref, TITLE, "later", None, None, CONFIG)
    assert world.api.domain_get_metadata(ref, TITLE, None, 0) == "now"
    assert world.api.domain_get_metadata(ref, TITLE, None, CONFIG) == "later"
    assert "<title>later</title>" in world.context.paths.definitions.path("g").read_text()
    assert "<title>now</title>" in world.context.paths.status("g").read_text()
    with pytest.raises(VirtError, match="mutually exclusive"):
        world.api.domain_get_metadata(ref, TITLE, None, LIVE | CONFIG)


@pytest.mark.parametrize(
    ("type_", "text", "message"),
    [
        (9, "x", "invalid argument: unknown metadata type '9'"),
        (ELEMENT, "<a", "(metadata_xml):1: "),
    ],
)
async def test_what_is_refused(world: World, type_: int, text: str, message: str):
    ref = await world.define()
    before = world.api.domain_get_xml_desc(ref, 0)
    with pytest.raises((VirtError, ConfError)) as caught:
        await world.api.domain_set_metadata(ref, type_, text, "k", "urn:x", 0)
    assert message in str(caught.value)
    assert world.api.domain_get_xml_desc(ref, 0) == before


async def test_removing_what_is_not_there_changes_nothing(world: World):
    ref = await world.define()
    await world.api.domain_set_metadata(ref, ELEMENT, None, "key", "urn:x", 0)
    assert "<metadata" not in world.api.domain_get_xml_desc(ref, 0)
    with pytest.raises(VirtError, match="domain is not running"):  # said before the kind is looked at
        await world.api.domain_set_metadata(ref, 9, "x", None, None, LIVE)
