# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ports and addresses of graphics that leave the choice to us."""

from __future__ import annotations

import socket

import pytest

from drivers.qemu.hostside import graphics
from tests.fakes.guests import World, guest_xml
from virtd.errors import VirtError


async def test_the_first_port_that_nobody_has(world: World):
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = world.context.settings
        object.__setattr__(settings, "remote_display_port_min", port)
        object.__setattr__(settings, "remote_display_port_max", port + 40)
        refs = [await world.define(guest_xml(n, "<graphics type='vnc'/>")) for n in ("one", "two")]
        for ref in refs:
            await world.run(ref)
            graphics.assign(world.guest(ref))
        chosen = [world.guest(ref).definition.devices.graphics[0].port for ref in refs]
    assert port not in chosen
    assert len(set(chosen)) == 2
    listen = world.guest(refs[0]).definition.devices.graphics[0].listens[0]
    assert (listen.address, listen.from_config) == ("127.0.0.1", True)


async def test_none_is_left(world: World):
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        for name in ("remote_display_port_min", "remote_display_port_max"):
            object.__setattr__(world.context.settings, name, taken.getsockname()[1])
        ref = await world.define(guest_xml("g", "<graphics type='vnc'/>"))
        await world.run(ref)
        with pytest.raises(VirtError, match="Unable to find an unused port in range 'VNC'"):
            graphics.assign(world.guest(ref))


async def test_what_was_chosen_stays(world: World):
    xml = "<graphics type='vnc' port='5999' autoport='no' listen='127.0.0.9'/>"
    ref = await world.define(guest_xml("g", xml))
    await world.run(ref)
    graphics.assign(world.guest(ref))
    (screen,) = world.guest(ref).definition.devices.graphics
    assert (screen.port, screen.listens[0].address) == (5999, "127.0.0.9")


async def test_a_socket_without_a_path(world: World):
    ref = await world.define(guest_xml("g", "<graphics type='vnc'><listen type='socket'/></graphics>"))
    await world.run(ref)
    guest = world.guest(ref)
    graphics.assign(guest)
    assert guest.runtime is not None
    listen = guest.definition.devices.graphics[0].listens[0]
    assert listen.socket == str(guest.runtime.domain_dir / "vnc.sock")
