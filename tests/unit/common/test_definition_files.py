# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stored definitions: files, autostart links, and those that are of no use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conf.domain import Domain, parse_domain
from drivers.common.guestlist import GuestList
from drivers.common.persistence import DefinitionFiles
from drivers.common.startup import load_stored
from drivers.common.storedguest import StoredGuest
from virtd.events import EventBus

UUID = "11111111-2222-3333-4444-5555555555{:02}"


def xml(name: str, number: int = 1) -> str:
    uuid = UUID.format(number)
    return f"<domain type='test'><name>{name}</name><uuid>{uuid}</uuid><memory>1</memory><os><type>hvm</type></os></domain>"


@pytest.fixture
def stored(tmp_path: Path) -> DefinitionFiles:
    return DefinitionFiles(tmp_path / "driver")


def loaded(stored: DefinitionFiles) -> list[tuple[str, bool]]:
    return [(domain.name, autostart) for domain, autostart in stored.load(parse_domain)]


async def test_what_is_saved_is_loaded(stored: DefinitionFiles):
    await stored.save("b", xml("b", 2))
    await stored.save("a", xml("a"))
    await stored.set_autostart("a", on=True)
    assert loaded(stored) == [("a", True), ("b", False)]
    await stored.set_autostart("a", on=False)
    assert loaded(stored) == [("a", False), ("b", False)]


async def test_what_is_removed_leaves_no_link(stored: DefinitionFiles):
    await stored.save("a", xml("a"))
    await stored.set_autostart("a", on=True)
    await stored.remove("a")
    assert [path for path in stored.folder.rglob("*") if not path.is_dir()] == []


def test_a_folder_that_is_not_there_holds_nothing(stored: DefinitionFiles):
    assert loaded(stored) == []


async def test_what_a_killed_daemon_was_writing_is_removed(stored: DefinitionFiles):
    await stored.save("a", xml("a"))
    (stored.folder / ".new-4711-3").write_text(xml("b")[:40])
    assert loaded(stored) == [("a", False)]
    assert [path.name for path in stored.folder.iterdir()] == ["a.xml"]


async def test_what_would_keep_a_reader_waiting_is_set_aside(stored: DefinitionFiles):
    await stored.save("a", xml("a"))
    os.mkfifo(stored.path("b"))
    stored.path("c").mkdir()
    assert loaded(stored) == [("a", False)]
    assert sorted(p.name.split("-")[0] for p in stored.folder.iterdir()) == [
        "a.xml",
        "b.xml.unreadable",
        "c.xml.unreadable",
    ]


@pytest.mark.parametrize("content", ["", "<domain", "<network/>", "<domain type='test'/>", xml("other")])
async def test_what_is_of_no_use_is_set_aside(stored: DefinitionFiles, content: str):
    await stored.save("good", xml("good"))
    stored.path("bad").write_text(content)
    assert loaded(stored) == [("good", False)]
    assert not stored.path("bad").exists()
    [aside] = [path for path in stored.folder.iterdir() if path.name.startswith("bad")]
    assert aside.read_text() == content


@pytest.mark.parametrize("name", ["a--b", "--", "a--->b"])
def test_no_name_ends_the_notice_early(stored: DefinitionFiles, name: str):
    notice, rest = stored.with_notice(name, "<x/>").decode().split("-->", 1)
    assert "--" not in notice.removeprefix("<!--")
    assert rest.strip() == "<x/>"


def test_the_notice_names_the_command(tmp_path: Path):
    pools = DefinitionFiles(tmp_path, kind="pool", edit="pool-edit")
    assert b"Change the pool by the API instead, for example with: virsh pool-edit p\n" in pools.with_notice("p", "")


async def test_two_files_of_one_uuid_are_no_two_guests(stored: DefinitionFiles):
    await stored.save("a", xml("a"))
    await stored.save("b", xml("b"))
    guests: GuestList[StoredGuest] = GuestList()

    def new(domain: Domain) -> StoredGuest:
        return StoredGuest(EventBus(), domain, stored)

    await load_stored(guests, stored, new)
    assert [guest.name for guest in guests] == ["a"]
    assert not stored.path("b").exists()
