# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon's end: what one guest is busy with is no other's loss."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from conf.domain import parse_domain
from drivers.common import farewell
from drivers.common.persistence import DefinitionFiles
from drivers.common.storedguest import StoredGuest
from virtd.events import EventBus

XML = "<domain type='test'><name>{}</name><memory>1</memory><os><type>hvm</type></os></domain>"


async def test_a_guest_that_hangs_or_fails_keeps_no_other_from_being_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(farewell, "PATIENCE", 0.05)
    names = ("hangs", "fails", "sound")
    guests = [StoredGuest(EventBus(), parse_domain(XML.format(n)), DefinitionFiles(tmp_path)) for n in names]
    released = []

    async def let_go(guest: StoredGuest) -> None:
        if guest.name == "hangs":
            await asyncio.Event().wait()
        if guest.name == "fails":
            raise OSError("no space")
        released.append(guest.name)

    async with asyncio.timeout(1):
        await farewell.let_go_all(guests, let_go)
    assert released == ["sound"]
    assert "guest hangs is still busy" in caplog.text
    assert "guest fails was not let go of" in caplog.text
