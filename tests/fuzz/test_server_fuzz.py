# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hostile clients at a server's socket: it lives, logs no failure of its own, and others notice nothing."""

from __future__ import annotations

import asyncio
import logging
import random
import resource
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fakes.client import WireClient
from tests.fakes.driver import DOMAIN, FakeDriver
from tests.fakes.house import House, until
from virtd.wire.message import Header, Type, pack_message
from virtd.wire.programs import PROGRAMS, REMOTE

SEED = 20231122
CLIENTS = 60
MESSAGES = 40
#: Seconds in which an honest client must get its answer meanwhile.
PATIENCE = 2.0
#: KiB that all of it may leave behind.
GROWTH = 64 * 1024

PROCEDURES = [procedure for program in PROGRAMS.values() for procedure in program.by_name.values()]


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    # the fake's answer is as long as the flags say
    monkeypatch.setattr(FakeDriver, "domain_get_xml_desc", lambda self, dom, flags: "x" * (flags % 5000))
    house = House(tmp_path)
    yield house
    await house.close()


def hostile_message(dice: random.Random) -> bytes:
    """A message with something wrong, more or less."""
    procedure = dice.choice(PROCEDURES)
    header = Header(
        dice.choice([procedure.program] * 9 + [dice.getrandbits(32)]),
        dice.choice([1] * 9 + [2]),
        dice.choice([procedure.number] * 9 + [dice.randrange(-9, 999)]),
        dice.choice([Type.CALL] * 6 + [Type.STREAM, Type.STREAM_HOLE, Type.CALL_WITH_FDS, Type.MESSAGE, Type.REPLY, 9]),
        dice.randrange(1, 9),
        dice.choice([0] * 6 + [1, 2, 77]),
    )
    words = [
        dice.choice([b"\0\0\0\0", b"\0\0\0\1", b"\xff\xff\xff\xff", dice.randbytes(4)])
        for _ in range(dice.randrange(30))
    ]
    domain = REMOTE.by_name["DOMAIN_CREATE"].encode_args((DOMAIN,))
    payload = dice.choice([b"", domain]) + b"".join(words)
    message = bytearray(pack_message(header, payload))
    if dice.random() < 0.03:
        message[:4] = struct.pack(">I", dice.choice([0, 3, 27, len(message) + 4, 32 << 20, (32 << 20) + 5, 2**32 - 1]))
    return bytes(message)


async def attack(house: House, dice: random.Random) -> None:
    """A client that opens its connection in good order and then sends whatever comes to its mind."""
    client = await house.open()
    client.pause()
    try:
        for _ in range(MESSAGES):
            client.sock.send(hostile_message(dice))
            await asyncio.sleep(0)
            with suppress(BlockingIOError):
                client.sock.recv(1 << 16)
    except (BlockingIOError, ConnectionError):  # the server reads no more, or has hung up
        return
    finally:
        client.close()


async def ask(witness: WireClient) -> None:
    async with asyncio.timeout(PATIENCE):
        assert await witness.call("CONNECT_GET_HOSTNAME") == "host"


async def test_hostile_clients(house: House, caplog: pytest.LogCaptureFixture) -> None:
    dice = random.Random(SEED)
    witness = await house.open()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with caplog.at_level(logging.WARNING):
        for _ in range(CLIENTS):
            await attack(house, dice)
            await ask(witness)
    await until(lambda: len(house.server.clients) == 1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH
    failures = {record.getMessage() for record in caplog.records if record.exc_info}
    assert failures <= {"virConnectGetMaxVcpus failed in an unforeseen way"}  # the fake driver's own bug


async def test_many_large_messages_at_once(house: House) -> None:
    """Each announces 32 MiB and sends a little: nothing is set aside for what has not come."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    witness = await house.open()
    greedy = [house.connect() for _ in range(15)]
    for client in greedy:
        client.sock.send(struct.pack(">I", 32 << 20) + bytes(5000))
    await ask(witness)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH
