# SPDX-License-Identifier: LGPL-2.1-or-later
"""The monitor against a server that misbehaves in every way a QEMU can."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from drivers.qemu.monitor import Monitor, MonitorGone, MonitorTimeout, QmpError
from tests.fakes.qmp_server import HANG_UP, SILENCE, FakeError, FakeQmpServer, Garbage
from virtd.errors import Code, VirtError


@asynccontextmanager
async def connected(tmp_path: Path) -> AsyncIterator[tuple[Monitor, FakeQmpServer]]:
    async with FakeQmpServer(tmp_path / "qmp") as qemu:
        monitor = Monitor("guest")
        await monitor.connect(qemu.path)
        try:
            yield monitor, qemu
        finally:
            await monitor.close()


async def test_execute_returns_what_qemu_returns(tmp_path: Path) -> None:
    async with connected(tmp_path) as (monitor, qemu):
        qemu.replies["query-status"] = {"running": True}
        assert await monitor.execute("query-status") == {"running": True}
        assert await monitor.execute("query-status", {"a": [1]}) == {"running": True}
        assert qemu.commands == [("query-status", {}), ("query-status", {"a": [1]})]


async def test_refusal_has_libvirts_words(tmp_path: Path) -> None:
    async with connected(tmp_path) as (monitor, qemu):
        qemu.replies["stop"] = FakeError("no way", "DeviceNotFound")
        with pytest.raises(QmpError) as caught:
            await monitor.execute("stop")
        assert caught.value.code is Code.INTERNAL_ERROR
        assert caught.value.message == "internal error: unable to execute QEMU command 'stop': no way"
        assert caught.value.error_class == "DeviceNotFound"


async def test_commands_overlap_and_a_slow_one_delays_nobody(tmp_path: Path) -> None:
    async with connected(tmp_path) as (monitor, qemu):
        qemu.replies |= {"slow": SILENCE, "echo": lambda arguments: arguments["n"]}
        slow = asyncio.ensure_future(monitor.execute("slow", timeout=0.2))
        answers = await asyncio.gather(*(monitor.execute("echo", {"n": n}) for n in range(50)))
        assert answers == list(range(50))
        with pytest.raises(MonitorTimeout) as caught:
            await slow
        assert caught.value.code is Code.OPERATION_TIMEOUT


async def test_hung_until_qemu_speaks_again(tmp_path: Path) -> None:
    async with connected(tmp_path) as (monitor, qemu):
        qemu.replies |= {"slow": SILENCE, "query-status": {}}
        with pytest.raises(MonitorTimeout):
            await monitor.execute("slow", timeout=0.05)
        assert monitor.hung
        await monitor.execute("query-status")
        assert not monitor.hung


async def test_late_reply_goes_to_nobody(tmp_path: Path) -> None:
    async with connected(tmp_path) as (monitor, qemu):
        qemu.replies |= {"slow": SILENCE, "fast": "mine"}
        with pytest.raises(MonitorTimeout):
            await monitor.execute("slow", timeout=0.05)
        qemu.send({"return": "late", "id": "1"})
        assert await monitor.execute("fast") == "mine"


async def test_events_in_order_and_a_failing_listener_harms_nobody(tmp_path: Path) -> None:
    async with connected(tmp_path) as (monitor, qemu):
        qemu.replies["query-status"] = {}
        seen: list[tuple[str, dict[str, object]]] = []

        def fail(*_: object) -> None:
            raise ValueError("listener")

        monitor.add_event_listener(fail)
        remove = monitor.add_event_listener(lambda name, data, s, us: seen.append((name, data)) if s else None)
        for n in range(5):
            qemu.event("STOP" if n % 2 else "RESUME", n=n)
        qemu.send({"event": 5, "data": {}})
        qemu.send({"event": "X", "data": [], "timestamp": {}})
        await monitor.execute("query-status")
        assert seen == [("STOP" if n % 2 else "RESUME", {"n": n}) for n in range(5)]
        remove()
        qemu.event("STOP")
        await monitor.execute("query-status")
        assert len(seen) == 5


async def test_large_reply(tmp_path: Path) -> None:
    async with connected(tmp_path) as (monitor, qemu):
        qemu.replies["query-qmp-schema"] = ["x" * 100] * 40_000
        assert len(await monitor.execute("query-qmp-schema")) == 40_000


@pytest.mark.parametrize("reply", [HANG_UP, Garbage(b"\0\xff{not json\n"), Garbage(b"[]\n")])
async def test_connection_that_breaks_fails_all_in_flight(tmp_path: Path, reply: object) -> None:
    async with connected(tmp_path) as (monitor, qemu):
        qemu.replies |= {"waiting": SILENCE, "bad": reply}
        waiting = asyncio.ensure_future(monitor.execute("waiting"))
        await asyncio.sleep(0)
        for attempt in (monitor.execute("bad"), waiting, monitor.execute("bad")):
            with pytest.raises(MonitorGone):
                await attempt
        assert isinstance(await asyncio.wait_for(monitor.closed, 5), str)


async def test_closed_is_told_without_a_command_under_way(tmp_path: Path) -> None:
    async with connected(tmp_path) as (monitor, qemu):
        qemu.hang_up()
        assert "file" in await asyncio.wait_for(monitor.closed, 5)


async def test_close_is_idempotent_and_needs_no_answer(tmp_path: Path) -> None:
    async with connected(tmp_path) as (monitor, qemu):
        qemu.get_stuck()
        call = asyncio.ensure_future(monitor.execute("query-status", {"big": "x" * 3_000_000}))
        await asyncio.sleep(0.05)
        await asyncio.wait_for(monitor.close(), 2)
        await monitor.close()
        with pytest.raises(MonitorGone):
            await call


async def test_unparseable_command_is_answered_although_qemu_gives_no_id(tmp_path: Path) -> None:
    async with connected(tmp_path) as (monitor, qemu):
        qemu.replies["bad"] = Garbage(b'{"error": {"class": "GenericError", "desc": "JSON parse error"}}\n')
        with pytest.raises(QmpError, match="JSON parse error"):
            await monitor.execute("bad")


async def test_malformed_reply(tmp_path: Path) -> None:
    async with connected(tmp_path) as (monitor, qemu):
        qemu.replies["bad"] = Garbage(b'{"id": "1", "neither": 1}\n')
        qemu.replies["worse"] = Garbage(b'{"id": "2", "error": "text"}\n')
        for command in ("bad", "worse"):
            with pytest.raises(VirtError) as caught:
                await monitor.execute(command)
            assert caught.value.code is Code.INTERNAL_ERROR


async def test_send_fd(tmp_path: Path) -> None:
    async with connected(tmp_path) as (monitor, qemu):
        qemu.replies["getfd"] = {}
        file = tmp_path / "file"
        file.write_bytes(b"content")
        fd = os.open(file, os.O_RDONLY)
        try:
            calls = (monitor.send_fd("getfd", {"fdname": f"f{n}"}, fd) for n in range(3))
            await asyncio.gather(*calls)
        finally:
            os.close(fd)
        assert [name for name, _ in qemu.commands] == ["getfd"] * 3
        assert [os.pread(received, 10, 0) for received in qemu.fds] == [b"content"] * 3


async def test_a_connected_socket_is_taken_over(tmp_path: Path) -> None:
    async with FakeQmpServer(tmp_path / "qmp") as qemu:
        qemu.replies["query-status"] = {}
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(qemu.path)
        monitor = Monitor("guest")
        await monitor.connect(sock)
        assert await monitor.execute("query-status") == {}
        await monitor.close()


@pytest.mark.parametrize("greeting", [b"", b"hello\n", b'{"QMP": 1}\n'])
async def test_no_greeting(tmp_path: Path, greeting: bytes) -> None:
    async with FakeQmpServer(tmp_path / "qmp") as qemu:
        qemu.greeting = greeting
        monitor = Monitor("guest")
        with pytest.raises(VirtError) as caught:
            await monitor.connect(qemu.path, timeout=0.3)
        assert caught.value.code is Code.OPERATION_FAILED
        assert monitor.closed.done()


async def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(VirtError):
        await Monitor("guest").connect(str(tmp_path / "nothing"))


@pytest.fixture(scope="module")
def uvloop_loaded() -> None:
    """The library's first loop opens a pipe that stays for good."""
    uvloop.new_event_loop().close()


@pytest.mark.usefixtures("uvloop_loaded")
def test_uvloop(tmp_path: Path) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test_send_fd(tmp_path))
