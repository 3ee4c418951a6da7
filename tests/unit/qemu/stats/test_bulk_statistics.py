# SPDX-License-Identifier: LGPL-2.1-or-later
"""virConnectGetAllDomainStats: groups, filters, deadlines; statistics of single subjects."""

from __future__ import annotations

import struct
import time
from pathlib import Path
from typing import Any

import pytest

from drivers.common.images import layers
from drivers.qemu.block.nodes import number_images
from drivers.qemu.stats import blocks, kvm
from tests.fakes.guests import World, guest_xml
from tests.fakes.qmp_server import SILENCE
from virtd.enums import ConnectGetAllDomainStatsFlags as Flags
from virtd.enums import DomainStatsTypes as Stats
from virtd.errors import Code, VirtError
from virtd.refs import DomainRef

BLOCKSTATS = [
    {
        "device": "",
        "qdev": "/machine/peripheral/virtio-disk0/virtio-backend",
        "node-name": "libvirt-1-format",
        "stats": {
            "rd_operations": 1, "rd_bytes": 512, "rd_total_time_ns": 7, "wr_operations": 2, "wr_bytes": 1024,
            "wr_total_time_ns": 8, "flush_operations": 3, "flush_total_time_ns": 9, "wr_highest_offset": 512,
        },
        "parent": {"stats": {"wr_highest_offset": 4096}},
    }
]  # fmt: skip
NODES = [{"node-name": "libvirt-1-format", "image": {"virtual-size": 1 << 20, "actual-size": 8192}}]


def disk(path: Path) -> str:
    path.write_bytes(bytes(1 << 20))
    return (
        f"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{path}'/>"
        "<target dev='vda' bus='virtio'/></disk>"
    )


async def statistics(world: World, stats: int = 0, flags: int = 0, *refs: DomainRef) -> dict[str, dict[str, Any]]:
    found = await world.api.connect_get_all_domain_stats(list(refs), stats, flags)
    return {ref.name: {field: value for field, _, value in params} for ref, params in found}


async def test_inactive_guests_are_answered_from_memory(world: World):
    await world.define()
    assert await statistics(world) == {
        "g": {
            "state.state": 5,
            "state.reason": 0,
            "balloon.current": 65536,
            "balloon.maximum": 65536,
            "vcpu.current": 1,
            "vcpu.maximum": 1,
            "block.count": 0,
        }
    }


async def test_a_threshold_stands_at_the_images_file(world: World, tmp_path: Path):
    ref = await world.define(guest_xml("g", disk(tmp_path / "image")))
    server = await world.run(ref)
    number_images(world.guest(ref).require_active().devices.disks)
    file = {"node-name": "libvirt-1-storage", "write_threshold": 4096}
    server.replies |= {"query-blockstats": BLOCKSTATS, "query-named-block-nodes": [*NODES, file]}
    assert (await statistics(world, Stats.BLOCK))["g"]["block.0.threshold"] == 4096
    file["write_threshold"] = 0
    assert "block.0.threshold" not in (await statistics(world, Stats.BLOCK))["g"]


async def test_a_running_guests_disks_and_memory(world: World, tmp_path: Path):
    ref = await world.define(guest_xml("g", disk(tmp_path / "image")))
    server = await world.run(ref)
    server.replies |= {
        "query-blockstats": BLOCKSTATS,
        "query-named-block-nodes": NODES,
        "query-balloon": {"actual": 32 << 20},
        "qom-get": {"last-update": 9, "stats": {"stat-free-memory": 2048, "stat-swap-in": 2**64 - 1}},
    }
    found = (await statistics(world, Stats.BLOCK | Stats.BALLOON))["g"]
    rss = found.pop("balloon.rss")
    assert rss == 0  # no process stands behind this guest
    assert found == {
        "balloon.current": 32768,
        "balloon.maximum": 65536,
        "balloon.unused": 2,
        "balloon.last-update": 9,
        "block.count": 1,
        "block.0.name": "vda",
        "block.0.path": str(tmp_path / "image"),
        "block.0.rd.reqs": 1,
        "block.0.rd.bytes": 512,
        "block.0.rd.times": 7,
        "block.0.wr.reqs": 2,
        "block.0.wr.bytes": 1024,
        "block.0.wr.times": 8,
        "block.0.fl.reqs": 3,
        "block.0.fl.times": 9,
        "block.0.allocation": 4096,
        "block.0.capacity": 1 << 20,
        "block.0.physical": 8192,
    }
    assert await world.api.domain_block_stats(ref, "vda") == (1, 512, 2, 1024, -1)
    assert await world.api.domain_block_stats(ref, "") == (1, 512, 2, 1024, -1)
    assert await world.api.domain_get_block_info(ref, "vda", 0) == (4096, 1 << 20, 8192)
    assert dict(await world.api.domain_memory_stats(ref, 0)) == {6: 32768, 4: 2, 9: 9, 7: 0}


async def test_what_is_allocated_of_an_image(world: World, tmp_path: Path):
    image = layers.chain(
        world.guest(await world.define(guest_xml("g", disk(tmp_path / "image")))).definition.devices.disks[0]
    )[0]
    extent = blocks.Extent(allocation=8192, physical=1 << 20, capacity=1 << 20)
    untouched = blocks.Counters(highest_offset=0, capacity=2 << 20, physical=8192)
    assert blocks.sizes(image, extent, untouched) == (8192, 2 << 20, 1 << 20)
    device = blocks.Counters(highest_offset=4096, capacity=2 << 20, physical=0)
    assert blocks.sizes(image, extent, device) == (4096, 2 << 20, 1 << 20)
    image.disk.driver.type = "qcow2"
    written = blocks.Counters(highest_offset=65536, capacity=2 << 20, physical=8192)
    assert blocks.sizes(image, extent, written) == (8192, 2 << 20, 1 << 20)


async def test_a_guest_that_is_off_has_the_capacity_that_its_image_says(world: World, tmp_path: Path):
    text = disk(tmp_path / "image").replace("type='raw'", "type='qcow2'")
    header = b"QFI\xfb" + struct.pack(">IQIIQ", 3, 0, 0, 16, 64 << 20)
    (tmp_path / "image").write_bytes(header.ljust(1 << 20, b"\0"))
    ref = await world.define(guest_xml("g", text))
    assert (await world.api.domain_get_block_info(ref, "vda", 0))[1:] == (64 << 20, 1 << 20)
    found = (await statistics(world, Stats.BLOCK))["g"]
    assert (found["block.0.capacity"], found["block.0.physical"]) == (64 << 20, 1 << 20)


async def test_kvms_figures_are_named_after_their_kind(world: World):
    ref = await world.define(guest_xml("g").replace("type='qemu'", "type='kvm'"))
    server = await world.run(ref)
    kinds = [
        {"name": "exits", "type": "cumulative"},
        {"name": "pages", "type": "instant"},
        {"name": "h", "type": "log2-histogram"},
    ]
    figures = [{"name": "exits", "value": 5}, {"name": "pages", "value": 6}, {"name": "h", "value": [1, 2]}]
    server.replies |= {
        "query-stats-schemas": [{"provider": "kvm", "target": "vm", "stats": kinds}],
        "query-stats": [{"provider": "kvm", "stats": figures}, {"provider": "other", "stats": figures}],
    }
    assert (await statistics(world, Stats.VM))["g"] == {"vm.exits.sum": 5, "vm.pages.cur": 6}


async def test_a_qemu_that_hangs_delays_nobody_who_will_not_wait(world: World):
    for name in ("well", "hung"):
        server = await world.run(await world.define(guest_xml(name)))
        answer = {"actual": 1 << 20} if name == "well" else SILENCE
        server.replies |= {"query-balloon": answer, "qom-get": SILENCE if name == "hung" else {}}
    begin = time.monotonic()
    found = await statistics(world, Stats.STATE | Stats.BALLOON, Flags.NOWAIT)
    assert time.monotonic() - begin < 1
    assert found["well"]["balloon.current"] == 1024
    assert found["hung"]["state.state"] == 1


async def test_groups_that_cannot_be_had_are_refused_only_on_demand(world: World):
    await world.define()
    assert await statistics(world, Stats.VM) == {"g": {}}
    with pytest.raises(VirtError) as caught:
        await statistics(world, Stats.VM, Flags.ENFORCE_STATS)
    assert caught.value.code == Code.ARGUMENT_UNSUPPORTED
    assert caught.value.message.endswith("Stats types bits 0x400 are not supported by this daemon or QEMU")


async def test_filters_and_lists_choose_the_guests(world: World):
    ref = await world.define()
    await world.run(await world.define(guest_xml("on")))
    gone = DomainRef("gone", bytes(16), -1)
    assert list(await statistics(world, Stats.STATE, Flags.ACTIVE)) == ["on"]
    assert list(await statistics(world, Stats.STATE, Flags.SHUTOFF)) == ["g"]
    assert list(await statistics(world, Stats.STATE, 0, gone, ref)) == ["g"]


async def test_a_disk_that_is_not_there(world: World):
    ref = await world.define()
    await world.run(ref)
    with pytest.raises(VirtError, match="invalid argument: invalid path: vdz"):
        await world.api.domain_block_stats(ref, "vdz")
    with pytest.raises(VirtError, match="invalid path vdz not assigned to domain"):
        await world.api.domain_get_block_info(ref, "vdz", 0)


async def test_requests_are_counted_at_the_top_image_alone(world: World, tmp_path: Path):
    below = "<backingStore type='file'><format type='raw'/><source file='/below'/><backingStore/></backingStore>"
    ref = await world.define(guest_xml("g", disk(tmp_path / "image").replace("<target", below + "<target")))
    server = await world.run(ref)
    images = layers.chain(world.guest(ref).require_active().devices.disks[0])
    nodes = [NODES[0] | {"node-name": image.format_node} for image in images]
    stats = [BLOCKSTATS[0] | {"node-name": node["node-name"]} for node in nodes]
    server.replies |= {"query-blockstats": stats, "query-named-block-nodes": nodes}
    names = set((await statistics(world, Stats.BLOCK, Flags.BACKING, ref))["g"])
    assert ("block.0.rd.reqs" in names, "block.1.rd.reqs" in names) == (True, False)
    assert {"block.1.path", "block.1.allocation", "block.1.capacity"} <= names


def test_kvms_figures_belong_to_the_cpu_that_qemu_names() -> None:
    said = [
        {"provider": "kvm", "qom-path": path, "stats": [{"name": "exits", "value": n}]}
        for n, path in ((7, "/b"), (5, "/a"))
    ]
    assert kvm.figures({kvm.VCPUS.key: said}, kvm.VCPUS) == {"/a": {"exits": 5}, "/b": {"exits": 7}}
