# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls, their order and limits, errors, keepalive beside them, and what a vanished client leaves."""

from __future__ import annotations

import asyncio
import os
import struct

import pytest

from tests.fakes.client import Closed, WireClient
from tests.fakes.driver import DOMAIN
from tests.fakes.house import House, until
from virtd.calls import Identity
from virtd.errors import Code, From, VirtError
from virtd.params import TypedParam
from virtd.wire.message import Header, Status, Type, pack_message
from virtd.wire.programs import QEMU, REMOTE


async def test_a_session_from_open_to_close(house: House) -> None:
    client = house.connect()
    assert await client.call("AUTH_LIST") == [0]
    assert await client.call("CONNECT_SUPPORTS_FEATURE", 10) == 1
    await client.call("CONNECT_OPEN", "fake:///here", 0)
    assert await client.call("CONNECT_GET_URI") == "fake:///here"
    assert await client.call("CONNECT_GET_LIB_VERSION") == 9_000_000
    assert await client.call("CONNECT_GET_HOSTNAME") == "host"
    assert await client.call("CONNECT_IS_SECURE") == 1
    await client.call("CONNECT_REGISTER_CLOSE_CALLBACK")
    await client.call("CONNECT_UNREGISTER_CLOSE_CALLBACK")
    await client.call("CONNECT_CLOSE")
    await asyncio.wait_for(client.closed.wait(), 5)
    await until(lambda: not house.server.clients)


@pytest.mark.parametrize(
    ("feature", "answer"), [(0, 0), (2, 0), (3, 1), (5, 0), (8, 1), (9, 1), (10, 1), (14, 1), (15, 1), (16, 1), (17, 0)]
)
async def test_features(house: House, feature: int, answer: int) -> None:
    client = await house.open()
    assert await client.call("CONNECT_SUPPORTS_FEATURE", feature) == answer


@pytest.mark.parametrize(
    ("uri", "code", "source", "message"),
    [
        (None, Code.INTERNAL_ERROR, From.RPC, "internal error: connection not open"),
        ("foo:///bar", Code.NO_CONNECT, From.NONE, "no connection driver available for foo:///bar"),
        ("fake://host/here", Code.NO_CONNECT, From.NONE, "no connection driver available for fake://host/here"),
        (
            "fake",
            Code.NO_CONNECT,
            From.NONE,
            "no connection driver available for URI 'fake' does not include a driver name",
        ),
        ("://x y", Code.INTERNAL_ERROR, From.URI, "internal error: Unable to parse URI ://x y"),
        ("", Code.NO_CONNECT, From.NONE, "no connection driver available"),
    ],
)
async def test_uris_that_are_refused(house: House, uri: str, code: Code, source: From, message: str) -> None:
    client = house.connect()
    await client.call("AUTH_LIST")
    error = await client.refused("CONNECT_OPEN", uri, 0)
    assert (error.code, error.source, error.message) == (code, source, message)
    await client.call("CONNECT_OPEN", "fake:///here", 0)  # a refused open leaves the session as it was


async def test_a_connection_opens_once(house: House) -> None:
    client = await house.open()
    error = await client.refused("CONNECT_OPEN", "fake:///here", 0)
    assert error.message == "internal error: connection already open"


async def test_calls_before_open_are_refused(house: House) -> None:
    client = house.connect()
    await client.call("AUTH_LIST")
    for name, args in (("CONNECT_GET_URI", ()), ("DOMAIN_CREATE", (DOMAIN,)), ("CONNECT_SUPPORTS_FEATURE", (14,))):
        error = await client.refused(name, *args)
        assert error.message == "internal error: hypervisor connection not open"


async def test_protocol_errors_are_answered(house: House) -> None:
    client = await house.open()
    cases = [
        (Header(REMOTE.number, 1, 9999, Type.CALL, 50, Status.OK), "unknown procedure: 9999"),
        (Header(REMOTE.number, 1, 107, Type.CALL, 51, Status.OK), "unknown procedure: 107"),
        (Header(REMOTE.number, 2, 1, Type.CALL, 52, Status.OK), "Cannot find program 536903814 version 2"),
        (Header(0x20008080, 1, 1, Type.CALL, 53, Status.OK), "Cannot find program 536903808 version 1"),
        (Header(REMOTE.number, 1, 157, Type.CALL, 54, Status.ERROR), "Unexpected message status 1"),
        (Header(REMOTE.number, 1, 9, Type.CALL, 55, Status.OK), "Unable to decode message payload"),
    ]
    for header, message in cases:
        with pytest.raises(VirtError) as raised:
            await client.finish(client.start_raw(header, b""))
        assert (raised.value.code, raised.value.source, raised.value.message) == (Code.RPC, From.RPC, message)


async def test_other_messages_are_dropped(house: House) -> None:
    client = await house.open()
    for type_ in (Type.REPLY, Type.MESSAGE, Type.STREAM, Type.STREAM_HOLE, 77):
        client.sock.sendall(pack_message(Header(REMOTE.number, 1, 157, type_, 60, Status.OK), b"1234"))
    assert await client.call("CONNECT_GET_LIB_VERSION") == 9_000_000


async def test_what_the_driver_lacks_and_what_it_breaks(house: House) -> None:
    client = await house.open()
    error = await client.refused("DOMAIN_RESUME", DOMAIN)
    assert (error.code, error.source) == (Code.NO_SUPPORT, From.DOMAIN)
    assert error.message == "this function is not supported by the connection driver: virDomainResume"
    error = await client.refused("CONNECT_GET_MAX_VCPUS", None)
    assert error.code == Code.INTERNAL_ERROR


async def test_replies_overtake_slow_calls(house: House) -> None:
    client = await house.open()
    slow = client.start("DOMAIN_CREATE", DOMAIN)
    assert await client.call("CONNECT_GET_HOSTNAME") == "host"
    assert not slow.done()
    house.driver.release.set()
    await client.finish(slow)


async def test_calls_above_the_limit_wait_but_keepalive_does_not(house: House) -> None:
    client = await house.open()
    slow = [client.start("DOMAIN_CREATE", DOMAIN) for _ in range(7)]
    late = client.start("CONNECT_GET_HOSTNAME")
    client.ping()
    await until(lambda: client.pongs)
    assert len(house.driver.calls) == 5
    assert not late.done()
    house.driver.release.set()
    await asyncio.gather(*(client.finish(call) for call in slow))
    assert (await client.finish(late))[0] == "host"
    assert len(house.driver.calls) == 7


async def test_read_only_by_socket_and_by_flag(house: House) -> None:
    for client in (await house.open(house.ro_service), await house.open(flags=1)):
        error = await client.refused("DOMAIN_SUSPEND", DOMAIN)
        assert (error.code, error.source) == (Code.OPERATION_DENIED, From.DOMAIN)
        assert error.message == "operation forbidden: read only access prevents virDomainSuspend"
        error = await client.refused("CONNECT_DOMAIN_MONITOR_EVENT_REGISTER", None, None, 0, program=QEMU)
        assert error.code == Code.OPERATION_DENIED
        assert await client.call("CONNECT_GET_HOSTNAME") == "host"
    assert house.driver.calls == []


async def test_identity_is_the_kernels_until_it_is_replaced(house: House) -> None:
    client = await house.open()
    connection = house.driver.connections[-1]
    assert (connection.identity.uid, connection.identity.pid) == (os.getuid(), os.getpid())
    await client.call("CONNECT_SET_IDENTITY", [TypedParam("user-name", 7, "joe"), TypedParam("unix-user-id", 4, 5)], 0)
    assert connection.identity == Identity(uid=5, user="joe")
    error = await client.refused("CONNECT_SET_IDENTITY", [TypedParam("shoe-size", 4, 5)], 0)
    assert error.code == Code.ARGUMENT_UNSUPPORTED


async def test_calls_of_a_vanished_client_end_and_then_it_leaves_nothing(house: House) -> None:
    client = await house.open()
    gone: list[int] = []
    house.driver.connections[-1].on_close(lambda: gone.append(1))
    for _ in range(6):
        client.start("DOMAIN_CREATE", DOMAIN)
    await until(lambda: len(house.driver.calls) == 5)
    client.close()
    await asyncio.sleep(0.01)
    assert gone == []
    house.driver.release.set()
    await until(lambda: not house.server.clients)
    assert (house.driver.cancelled, len(house.driver.calls), gone) == (0, 5, [1])


async def test_a_thousand_come_and_go(house: House) -> None:
    witness = await house.open()
    for _ in range(1000):
        async with WireClient.connect(house.service.path) as client:
            await client.call("AUTH_LIST")
    await until(lambda: len(house.server.clients) == 1)
    assert await witness.call("CONNECT_GET_HOSTNAME") == "host"


BAD_STARTS = {
    "length 0": struct.pack(">I", 0),
    "length below the header": struct.pack(">7I", 27, REMOTE.number, 1, 66, 0, 2, 0),
    "length above the limit": struct.pack(">I", 32 * 1024 * 1024 + 5),
    "too many descriptors": struct.pack(">8I", 32, REMOTE.number, 1, 66, 4, 2, 0, 33),
    "no descriptor count": struct.pack(">7I", 28, REMOTE.number, 1, 66, 4, 2, 0),
    "a descriptor missing": struct.pack(">8I", 32, REMOTE.number, 1, 66, 4, 2, 0, 1) + b"\0",
}


@pytest.mark.parametrize("start", BAD_STARTS.values(), ids=BAD_STARTS.keys())
async def test_malformed_frames_end_the_connection_alone(house: House, start: bytes) -> None:
    witness = await house.open()
    client = house.connect()
    client.sock.sendall(start)
    await asyncio.wait_for(client.closed.wait(), 5)
    assert await witness.call("CONNECT_GET_HOSTNAME") == "host"


async def test_messages_arrive_in_pieces_and_in_heaps(house: House) -> None:
    client = await house.open()
    futures = []
    heap = b""
    for serial in range(100, 106):
        header = Header(REMOTE.number, 1, REMOTE.by_name["CONNECT_GET_HOSTNAME"].number, Type.CALL, serial, Status.OK)
        heap += pack_message(header)
        client.replies[serial] = client.loop.create_future()
        futures.append(client.replies[serial])
    for byte in heap[:40]:
        client.sock.send(bytes([byte]))
        await asyncio.sleep(0)
    client.sock.sendall(heap[40:])
    for future in futures:
        assert (await client.finish(future))[0] == "host"


async def test_half_a_message_and_then_nothing(house: House) -> None:
    client = await house.open()
    client.sock.sendall(struct.pack(">I", 1_000_000) + bytes(500))
    client.close()
    await until(lambda: not house.server.clients)


async def test_a_client_that_reads_nothing_is_read_no_more(house: House) -> None:
    witness, client = await house.open(), await house.open()
    client.pause()
    size = 1 << 20
    sent = 0
    try:
        for _ in range(4000):
            client.start("DOMAIN_GET_XML_DESC", DOMAIN, size)
            sent += 1
            await asyncio.sleep(0)
    except BlockingIOError:
        pass
    assert sent < 4000  # the socket is full: the server does not read
    stuck = house.server.clients[2]
    assert stuck._channel.unsent < 4 * size
    assert await witness.call("CONNECT_GET_HOSTNAME") == "host"


async def test_what_it_held_back_goes_on_when_it_reads_again(house: House) -> None:
    client = await house.open()
    client.pause()
    replies = [client.start("DOMAIN_GET_XML_DESC", DOMAIN, 1 << 20) for _ in range(12)]
    await asyncio.sleep(0.05)
    client.resume()
    for reply in replies:
        assert len((await client.finish(reply))[0]) == 1 << 20


async def test_shutdown_answers_what_is_under_way(house: House) -> None:
    client = await house.open()
    slow = client.start("DOMAIN_CREATE", DOMAIN)
    await until(lambda: house.driver.calls)
    closing = asyncio.ensure_future(house.server.close())
    await asyncio.sleep(0.01)
    house.driver.release.set()
    await client.finish(slow)
    await closing
    await asyncio.wait_for(client.closed.wait(), 5)
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
        house.connect()


async def test_shutdown_with_a_call_that_never_ends(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("virtd.server.server.SHUTDOWN_TIMEOUT", 0.05)
    client = await house.open()
    slow = client.start("DOMAIN_CREATE", DOMAIN)
    await until(lambda: house.driver.calls)
    await house.server.close()
    with pytest.raises(Closed):
        await slow
    assert house.driver.cancelled == 1
