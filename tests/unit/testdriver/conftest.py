# SPDX-License-Identifier: LGPL-2.1-or-later
"""A test driver, a caller at its default host, and what the host tells."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from drivers.test import driver as test_driver
from tests.fakes.make_believe import Caller, make_driver
from virtd.enums import DomainEventID
from virtd.events import Event


@pytest.fixture
async def driver() -> AsyncIterator[test_driver.TestDriver]:
    found = make_driver()
    yield found
    await found.stop()


@pytest.fixture
async def client(driver: test_driver.TestDriver) -> Caller:
    return await Caller(driver).open()


@pytest.fixture
def told(driver: test_driver.TestDriver, client: Caller) -> list[Event]:
    """All events of the default host."""
    found: list[Event] = []
    driver.events_for(client.connection).subscribe(found.append)
    return found


@pytest.fixture
def seen(driver: test_driver.TestDriver, client: Caller) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []

    def listen(event: Event) -> None:
        if event.event_id == DomainEventID.LIFECYCLE:
            found.append(event.args)

    driver.events_for(client.connection).subscribe(listen)
    return found
