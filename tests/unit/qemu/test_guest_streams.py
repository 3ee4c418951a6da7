# SPDX-License-Identifier: LGPL-2.1-or-later
"""Streams over terminals, sockets and files; who may have a console."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import socket
import tty
from pathlib import Path

import pytest

from conf.domain.devices.chardev_source import CharacterSource
from drivers.common.streams import DescriptorStream, FileStream
from tests.fakes.guests import World, guest_xml
from tests.fakes.qmp_server import FakeError
from virtd.errors import Code, From, VirtError


async def test_both_ways_over_a_socket_until_the_other_end_goes():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    closed: list[bool] = []
    stream = DescriptorStream(ours.detach(), lambda: closed.append(True))
    reading = asyncio.ensure_future(stream.read(100))
    await asyncio.sleep(0.01)
    theirs.send(b"hello")
    assert await reading == b"hello"
    await stream.write(b"x" * 100)
    assert theirs.recv(200) == b"x" * 100
    theirs.close()
    assert await stream.read(100) is None
    await stream.finish()
    await stream.abort()
    assert closed == [True]


async def test_who_loses_a_stream_to_another_is_told_so():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    stream = DescriptorStream(ours.detach(), lambda: None)
    reading = asyncio.ensure_future(stream.read(100))
    await asyncio.sleep(0.01)
    await stream.take_away()
    with pytest.raises(VirtError, match=r"^stream had I/O failure$") as caught:
        await reading
    assert (caught.value.code, caught.value.source) == (Code.RPC, From.STREAMS)
    theirs.close()


async def test_a_slow_reader_holds_the_writer_up_and_closing_frees_it():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    stream = DescriptorStream(ours.detach(), lambda: None)
    writing = asyncio.ensure_future(stream.write(bytes(1 << 22)))
    await asyncio.sleep(0.02)
    assert not writing.done()
    await stream.abort()
    with pytest.raises(VirtError, match="stream is closed"):
        await writing
    theirs.close()


async def test_a_file_to_its_end(tmp_path: Path):
    (tmp_path / "f").write_bytes(b"picture")
    stream = FileStream(os.open(tmp_path / "f", os.O_RDONLY))
    assert await stream.read(4) == b"pict"
    assert await stream.read(4) == b"ure"
    assert await stream.read(4) is None
    await stream.finish()


async def test_one_client_has_a_console_until_another_forces_it(world: World):
    ref = await world.define(guest_xml("g", "<serial type='pty'/>"))
    await world.run(ref)
    master, slave = pty.openpty()
    tty.setraw(slave)
    guest = world.guest(ref)
    assert guest.live is not None
    for device in (guest.live.devices.serials[0], guest.live.devices.consoles[0]):
        device.source = CharacterSource(path=os.ttyname(slave))
    first = (await world.api.domain_open_console(ref, None, 0)).stream
    os.write(master, b"boot\n")
    assert await first.read(100) == b"boot\n"
    with pytest.raises(VirtError, match="Active console session exists for this domain"):
        await world.api.domain_open_console(ref, "serial0", 0)
    second = (await world.api.domain_open_console(ref, None, 1)).stream
    with pytest.raises(VirtError, match="stream had I/O failure"):
        await first.read(100)
    await second.write(b"root\n")
    assert os.read(master, 100) == b"root\n"
    await second.finish()
    os.close(master)
    os.close(slave)


async def test_consoles_and_channels_that_are_not_there(world: World):
    ref = await world.define()
    with pytest.raises(VirtError, match="domain is not running"):
        await world.api.domain_open_console(ref, None, 0)
    await world.run(ref)
    with pytest.raises(VirtError, match="cannot find character device nope"):
        await world.api.domain_open_console(ref, "nope", 0)
    with pytest.raises(VirtError, match="cannot find channel nope"):
        await world.api.domain_open_channel(ref, "nope", 0)
    with pytest.raises(VirtError, match="No graphics backend with index 0"):
        await world.api.domain_open_graphics_fd(ref, 0, 0)


async def test_a_screens_socket_is_handed_out(world: World):
    ref = await world.define(guest_xml("g", "<graphics type='vnc'/>"))
    server = await world.run(ref)
    server.replies |= {"getfd": {}, "add_client": {}}
    answer = await world.api.domain_open_graphics_fd(ref, 0, 1)
    assert server.commands[-1] == ("add_client", {"protocol": "vnc", "fdname": "graphicsfd", "skipauth": True})
    theirs = socket.socket(fileno=server.fds.pop())
    theirs.send(b"RFB")
    assert os.read(answer.fds[0], 10) == b"RFB"
    os.close(answer.fds[0])
    theirs.close()


async def test_names_of_consoles_and_channels(world: World, tmp_path: Path):
    """A console is known by its own alias although it shows that of its port; a channel by its alias, too."""
    channel = "<channel type='unix'><target type='virtio' name='org.x'/></channel>"
    ref = await world.define(guest_xml("g", "<serial type='pty'/>" + channel))
    await world.run(ref)
    master, slave = pty.openpty()
    guest = world.guest(ref)
    assert guest.live is not None
    for device in (guest.live.devices.serials[0], guest.live.devices.consoles[0]):
        device.source, device.alias = CharacterSource(path=os.ttyname(slave)), "serial0"
    for name in ("serial0", "console0"):
        await (await world.api.domain_open_console(ref, name, 0)).stream.abort()
    with pytest.raises(VirtError, match="cannot find character device console1"):
        await world.api.domain_open_console(ref, "console1", 0)
    guest.live.devices.channels[0].alias = "channel0"
    guest.live.devices.channels[0].source = CharacterSource(path=str(tmp_path / "none"))
    for name, text in (("channel0", "unable to open stream"), ("org.x", "unable to open"), ("org.y", "cannot find")):
        with pytest.raises(VirtError, match=text):
            await world.api.domain_open_channel(ref, name, 0)
    os.close(master)
    os.close(slave)


async def test_qemu_itself_answers_what_is_no_command(world: World):
    ref = await world.define()
    server = await world.run(ref)
    server.replies |= {"query-name": {"name": "g"}, "none": FakeError("no 'execute'")}
    ask = world.api.qemu_domain_monitor_command
    assert json.loads(await ask(ref, '{"execute": "query-name"}', 0)) == {"return": {"name": "g"}, "id": "libvirt-1"}
    refusal = {"class": "GenericError", "desc": "no 'execute'"}
    assert json.loads(await ask(ref, '{"exec-oob": "none"}', 0)) == {"error": refusal}
    assert "must be a JSON object" in await ask(ref, "[]", 0)
    for text, complaint in (("{", "cannot parse json"), ('{"execute": "query-name", "id": "x"}', "command 'id'")):
        with pytest.raises(VirtError, match=complaint):
            await ask(ref, text, 0)
