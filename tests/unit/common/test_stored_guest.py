# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest with files: which definition is shown, and when it is shown anew."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from conf.domain import parse_domain
from drivers.common.persistence import DefinitionFiles
from drivers.common.storedguest import StoredGuest
from virtd.errors import Code, VirtError
from virtd.events import EventBus
from virtd.store import files

XML = "<domain type='test'><name>g</name><memory>1</memory><os><type>hvm</type></os></domain>"


class Guest(StoredGuest):
    """Counts what is written of its state."""

    written = 0

    def write_status(self) -> bool:
        self.written += 1
        return self.written > 1  # the first time there is nothing to write about yet


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    found = Guest(EventBus(), parse_domain(XML), DefinitionFiles(tmp_path))
    found.set_persistent(parse_domain(XML))
    return found


def test_what_runs_is_shown_unless_the_inactive_is_asked_for(guest: Guest):
    guest.set_live(parse_domain(XML.replace("</name>", "</name><title>live</title>")))
    assert "<title>live</title>" in guest.xml()
    assert "<title>" not in guest.xml(inactive=True)
    guest.set_persistent(None)
    assert "<title>live</title>" in guest.xml(inactive=True)
    guest.set_live(None)


async def test_a_change_in_place_is_shown_once_it_is_saved(guest: Guest, tmp_path: Path):
    assert guest.persistent is not None
    before = guest.xml()
    guest.persistent.title = "new"
    assert guest.xml() is before
    await guest.save(None, guest.persistent)
    assert "<title>new</title>" in guest.xml()
    assert "<title>new</title>" in (tmp_path / "g.xml").read_text()


async def test_a_live_change_leaves_the_stored_xml_alone(guest: Guest):
    guest.set_live(parse_domain(XML))
    stored, live, status = guest.xml(inactive=True), guest.xml(), guest.status_xml()
    await guest.save_status()
    assert guest.xml(inactive=True) is stored
    assert guest.xml() is not live
    assert guest.status_xml() is not status


async def test_what_could_not_be_written_is_written_the_next_time(guest: Guest):
    guest.set_live(parse_domain(XML))
    await guest.save_status()
    await guest.status_saved()
    assert guest.written == 2
    await guest.status_saved()
    assert guest.written == 2, "nothing has changed since"


async def test_a_change_that_could_not_be_stored_is_no_change(
    guest: Guest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    await guest.save_persistent()
    before = guest.xml()

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "")

    monkeypatch.setattr(files, "write_atomic", full)
    assert guest.persistent is not None
    guest.persistent.title = "new"
    with pytest.raises(VirtError) as caught:
        await guest.save(None, guest.persistent)
    assert caught.value.code == Code.SYSTEM_ERROR
    assert caught.value.message == f"Failed to create file '{tmp_path}/g.xml': No space left on device"
    assert guest.persistent.title is None
    assert guest.xml() == before


def test_a_guest_that_does_not_run(guest: Guest):
    assert not guest.active
    with pytest.raises(VirtError) as caught:
        guest.require_active()
    assert caught.value.code == Code.OPERATION_INVALID
