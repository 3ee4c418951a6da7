# SPDX-License-Identifier: LGPL-2.1-or-later
"""A virtio-mem device tells how much of it the guest has."""

from __future__ import annotations

from drivers.qemu.lifecycle import device_events, running
from tests.fakes.guests import World, guest_xml

MODULE = (
    "<memory model='virtio-mem'><target><size unit='KiB'>262144</size><node>0</node>"
    "<block unit='KiB'>2048</block><requested unit='KiB'>131072</requested></target></memory>"
)


async def test_at_the_start_and_later(world: World) -> None:
    extra = (
        "<maxMemory slots='2' unit='MiB'>2048</maxMemory><vcpu>1</vcpu>"
        "<cpu><numa><cell id='0' cpus='0' memory='65536'/></numa></cpu>"
    )
    ref = await world.define(guest_xml("g", MODULE, extra=extra))
    server = await world.run(ref)
    guest = world.guest(ref)
    module = guest.definition.devices.memories[0]
    module.alias = "virtiomem0"
    found = [{"type": "virtio-mem", "data": {"id": "virtiomem0", "size": 4096}}]
    server.replies["query-memory-devices"] = found
    await running.learn_sizes(guest)
    assert module.target.current == 4
    device_events.memory_size_changed(guest, {"id": "virtiomem0", "size": 8192})
    assert module.target.current == 8
