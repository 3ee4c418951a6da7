# SPDX-License-Identifier: LGPL-2.1-or-later
"""Streams both ways, holes, ends of every kind; descriptors both ways."""

from __future__ import annotations

import asyncio
import os

import pytest

from tests.fakes.client import WireClient
from tests.fakes.driver import DOMAIN, VOLUME, FakeStream
from tests.fakes.house import House, until
from virtd.errors import Code, VirtError
from virtd.streams import Hole
from virtd.wire.message import MAX_STREAM_DATA, Status, Type, decode_error, decode_hole, encode_hole

SPARSE = 1


async def download(house: House, stream: FakeStream, flags: int = 0) -> tuple[WireClient, int]:
    client = await house.open()
    house.driver.stream = stream
    _, serial = await client.call_with_serial("STORAGE_VOL_DOWNLOAD", VOLUME, 0, 0, flags)
    return client, serial


async def upload(house: House, stream: FakeStream, flags: int = 0) -> tuple[WireClient, int]:
    client = await house.open()
    house.driver.stream = stream
    _, serial = await client.call_with_serial("STORAGE_VOL_UPLOAD", VOLUME, 0, 0, flags)
    return client, serial


async def test_download_to_its_end(house: House) -> None:
    stream = FakeStream([b"one", b"two" * 1000])
    client, serial = await download(house, stream)
    assert await client.packet(serial) == (Type.STREAM, Status.CONTINUE, b"one")
    assert await client.packet(serial) == (Type.STREAM, Status.CONTINUE, b"two" * 1000)
    assert await client.packet(serial) == (Type.STREAM, Status.CONTINUE, b"")
    assert stream.ends == []
    client.send_packet("STORAGE_VOL_DOWNLOAD", serial, Status.OK)
    assert await client.packet(serial) == (Type.STREAM, Status.OK, b"")
    assert stream.ends == ["finish"]


async def test_a_call_may_answer_and_open_a_stream(house: House) -> None:
    client = await house.open()
    house.driver.stream = FakeStream([b"pixels"])
    mime, serial = await client.call_with_serial("DOMAIN_SCREENSHOT", DOMAIN, 0, 0)
    assert mime == "image/png"
    assert (await client.packet(serial))[2] == b"pixels"


async def test_download_with_holes(house: House) -> None:
    client, serial = await download(house, FakeStream([b"data", Hole(1 << 40), b"more"]), SPARSE)
    packets = [await client.packet(serial) for _ in range(4)]
    assert [p[0] for p in packets] == [Type.STREAM, Type.STREAM_HOLE, Type.STREAM, Type.STREAM]
    assert decode_hole(packets[1][2]) == 1 << 40


async def test_download_that_fails(house: House) -> None:
    stream = FakeStream([b"data", VirtError(Code.OPERATION_FAILED, "disk on fire")])
    client, serial = await download(house, stream)
    await client.packet(serial)
    type_, status, data = await client.packet(serial)
    assert (type_, status) == (Type.STREAM, Status.ERROR)
    assert decode_error(data).message == "operation failed: disk on fire"
    await until(lambda: stream.ends)
    assert stream.ends == ["abort"]


async def test_download_that_the_client_aborts(house: House) -> None:
    stream = FakeStream([b"data"])
    stream.endless = True
    client, serial = await download(house, stream)
    await client.packet(serial)
    client.send_packet("STORAGE_VOL_DOWNLOAD", serial, Status.ERROR)
    assert await client.packet(serial) == (Type.STREAM, Status.OK, b"")
    assert stream.ends == ["abort"]
    client.send_packet("STORAGE_VOL_DOWNLOAD", serial, Status.ERROR)  # stale: nothing happens
    assert await client.call("CONNECT_GET_HOSTNAME") == "host"


async def test_a_slow_reader_slows_the_source(house: House) -> None:
    stream = FakeStream([bytes(MAX_STREAM_DATA)] * 100)
    client = await house.open()
    house.driver.stream = stream
    _, serial = await client.call_with_serial("STORAGE_VOL_DOWNLOAD", VOLUME, 0, 0, 0)
    client.pause()
    await asyncio.sleep(0.05)
    assert len(stream.items) > 90
    client.resume()
    for _ in range(100):
        assert len((await client.packet(serial))[2]) == MAX_STREAM_DATA


async def test_upload_with_holes(house: House) -> None:
    stream = FakeStream(writable=True)
    client, serial = await upload(house, stream, SPARSE)
    client.send_packet("STORAGE_VOL_UPLOAD", serial, Status.CONTINUE, b"start")
    client.send_packet("STORAGE_VOL_UPLOAD", serial, Status.CONTINUE, encode_hole(4096), Type.STREAM_HOLE)
    client.send_packet("STORAGE_VOL_UPLOAD", serial, Status.CONTINUE, b"end")
    client.send_packet("STORAGE_VOL_UPLOAD", serial, Status.OK)
    assert await client.packet(serial) == (Type.STREAM, Status.OK, b"")
    assert stream.taken == [b"start", Hole(4096), b"end"]
    assert stream.ends == ["finish"]


async def test_holes_only_where_they_were_asked_for(house: House) -> None:
    stream = FakeStream(writable=True)
    client, serial = await upload(house, stream)
    client.send_packet("STORAGE_VOL_UPLOAD", serial, Status.CONTINUE, encode_hole(4096), Type.STREAM_HOLE)
    assert (await client.packet(serial))[1] == Status.ERROR
    await until(lambda: stream.ends == ["abort"])


async def test_upload_whose_end_fails(house: House) -> None:
    stream = FakeStream(writable=True)
    stream.on_finish = VirtError(Code.WRITE_FAILED, "no space")
    client, serial = await upload(house, stream)
    client.send_packet("STORAGE_VOL_UPLOAD", serial, Status.OK)
    _, status, data = await client.packet(serial)
    assert status == Status.ERROR
    assert decode_error(data).code == Code.WRITE_FAILED
    assert stream.ends == ["finish"]


async def test_an_upload_that_is_not_taken_stops_the_client_but_not_keepalive(house: House) -> None:
    stream = FakeStream(writable=True)
    stream.gate.clear()
    house.limits.keepalive_interval = 1
    client, serial = await upload(house, stream)
    await client.call("CONNECT_SUPPORTS_FEATURE", 10)
    client.sock.setblocking(False)
    sent = 0
    try:
        while sent < 1000:
            client.send_packet("STORAGE_VOL_UPLOAD", serial, Status.CONTINUE, bytes(MAX_STREAM_DATA))
            sent += 1
            await asyncio.sleep(0)
    except BlockingIOError:
        pass
    assert sent < 1000
    await until(lambda: client.pings)


async def test_console_goes_both_ways(house: House) -> None:
    stream = FakeStream([b"login: "], writable=True)
    stream.endless = True
    client = await house.open()
    house.driver.stream = stream
    _, serial = await client.call_with_serial("DOMAIN_OPEN_CONSOLE", DOMAIN, None, 0)
    assert (await client.packet(serial))[2] == b"login: "
    client.send_packet("DOMAIN_OPEN_CONSOLE", serial, Status.CONTINUE, b"root\n")
    await until(lambda: stream.taken)
    client.send_packet("DOMAIN_OPEN_CONSOLE", serial, Status.OK)
    assert await client.packet(serial) == (Type.STREAM, Status.OK, b"")
    assert stream.taken == [b"root\n"]
    assert stream.ends == ["finish"]


async def test_data_for_a_stream_that_only_reads(house: House) -> None:
    stream = FakeStream([])
    client, serial = await download(house, stream)
    await client.packet(serial)
    client.send_packet("STORAGE_VOL_DOWNLOAD", serial, Status.CONTINUE, b"what?")
    assert (await client.packet(serial))[1] == Status.ERROR


async def test_a_vanished_client_aborts_its_streams(house: House) -> None:
    stream = FakeStream([], writable=True)
    client, _ = await upload(house, stream)
    client.close()
    await asyncio.wait_for(stream.ended.wait(), 5)
    assert stream.ends == ["abort"]


async def test_one_stream_a_serial(house: House) -> None:
    stream = FakeStream(writable=True)
    client, serial = await upload(house, stream)
    client.serials = iter([serial])
    error = await client.refused("STORAGE_VOL_UPLOAD", VOLUME, 0, 0, 0)
    assert error.code == Code.RPC


async def test_descriptors_from_the_client(house: House) -> None:
    client = await house.open()
    reader, writer = os.pipe()
    extra = os.dup(reader)
    await client.call("DOMAIN_OPEN_GRAPHICS", DOMAIN, 0, 0, fds=[writer, extra])
    for fd in (writer, extra):
        os.close(fd)
    (_, got, others) = house.driver.calls[-1]
    assert others == 1  # the one that the driver left is closed by the server
    os.write(got, b"hello")
    os.close(got)
    assert os.read(reader, 100) == b"hello"
    assert os.read(reader, 100) == b""
    os.close(reader)


async def test_descriptors_to_the_client(house: House) -> None:
    client = await house.open()
    _, (fd,) = await client.call_for_fds("DOMAIN_OPEN_GRAPHICS_FD", DOMAIN, 0, 0)
    assert os.read(fd, 100) == b"through the pipe"
    os.close(fd)


async def test_descriptors_behind_much_data(house: House) -> None:
    """The reply with descriptors waits in a queue behind replies that the client has not read."""
    client = await house.open()
    client.pause()
    big = client.start("DOMAIN_GET_XML_DESC", DOMAIN, 900_000)
    fds = client.start("DOMAIN_OPEN_GRAPHICS_FD", DOMAIN, 0, 0)
    last = client.start("CONNECT_GET_HOSTNAME")
    await asyncio.sleep(0.02)
    client.resume()
    assert len((await client.finish(big))[0]) == 900_000
    assert (await client.finish(last))[0] == "host"
    _, _, (fd,) = await client.finish(fds)
    os.close(fd)


async def test_stray_descriptors_are_closed(house: House) -> None:
    import socket

    client = await house.open()
    reader, writer = os.pipe()
    procedure_call = client.start("CONNECT_GET_HOSTNAME")
    socket.send_fds(client.sock, [b"\0\0\0\x1c"], [writer])  # the first word of the next message
    os.close(writer)
    await client.finish(procedure_call)
    client.sock.sendall(bytes(24))
    await asyncio.sleep(0.01)
    client.close()
    assert os.read(reader, 1) == b""
    os.close(reader)


@pytest.mark.parametrize("count", [1, 32])
async def test_as_many_descriptors_as_the_protocol_allows(house: House, count: int) -> None:
    client = await house.open()
    fd = os.open("/dev/null", os.O_RDONLY)
    await client.call("DOMAIN_OPEN_GRAPHICS", DOMAIN, 0, 0, fds=[fd] * count)
    os.close(fd)
    os.close(house.driver.calls[-1][1])
