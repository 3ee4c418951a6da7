# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files behind character and input devices: found, refused when missing, sockets made for QEMU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drivers.qemu.hostside import ownership, prepare, release
from drivers.qemu.runtime import Runtime
from tests.fakes.guests import World, guest_xml
from virtd.errors import From, VirtError
from virtd.refs import DomainRef


async def running(world: World, devices: str) -> tuple[DomainRef, Runtime]:
    ref = await world.define(guest_xml("g", devices))
    await world.run(ref)
    runtime = world.guest(ref).runtime
    assert runtime is not None
    return ref, runtime


async def test_what_devices_open(world: World, tmp_path: Path) -> None:
    for end in (".in", ".out"):
        (tmp_path / f"both{end}").touch()
    ref, _runtime = await running(
        world,
        "<serial type='dev'><source path='/dev/ttyS0'/></serial>"
        f"<serial type='pipe'><source path='{tmp_path}/both'/></serial>"
        f"<serial type='pipe'><source path='{tmp_path}/one'/></serial>"
        "<channel type='unix'><source mode='connect' path='/c'/><target type='virtio' name='n'/></channel>"
        "<channel type='unix'><source mode='bind' path='/b'/><target type='virtio' name='m'/></channel>"
        "<input type='evdev'><source dev='/dev/input/event1'/></input>",
    )
    live = world.guest(ref).live
    assert live is not None
    found = list(dict.fromkeys(ownership.device_paths(live)))
    files = [str(tmp_path / name) for name in ("both.in", "both.out", "one")]
    assert found == ["/dev/ttyS0", "/dev/input/event1", *files, "/c"]


@pytest.mark.parametrize(
    ("kind", "text", "source"),
    [
        ("dev", "Path '/none' is not accessible: No such file or directory", From.CGROUP),
        ("pipe", "unable to stat: /none: No such file or directory", From.SECURITY),
    ],
)
async def test_one_that_is_not_there(world: World, kind: str, text: str, source: From) -> None:
    ref, runtime = await running(world, f"<serial type='{kind}'><source path='/none'/></serial>")
    with pytest.raises(VirtError) as raised:
        ownership.give(world.guest(ref), runtime, None)
    assert (raised.value.message, raised.value.source) == (text, source)


async def test_a_kernel_that_is_not_there(world: World) -> None:
    ref, runtime = await running(world, "")
    live = world.guest(ref).require_active()
    live.os.initrd = "/none"
    with pytest.raises(VirtError) as raised:
        ownership.give(world.guest(ref), runtime, None)
    expected = ("unable to stat: /none: No such file or directory", From.SECURITY)
    assert (raised.value.message, raised.value.source) == expected


async def test_sockets_of_serial_ports_are_made_and_removed(world: World, tmp_path: Path) -> None:
    path = tmp_path / "s"
    ref, runtime = await running(world, f"<serial type='unix'><source mode='bind' path='{path}'/></serial>")
    resources = prepare(world.guest(ref), runtime, None)
    assert list(resources.sockets) == [str(path)]
    assert path.is_socket()
    resources.close()
    release(world.guest(ref), runtime)
    assert not path.exists()


async def test_huge_pages_lie_in_a_folder_of_the_guests_own(world: World, tmp_path: Path) -> None:
    world.context.settings = replace(world.context.settings, hugetlbfs_mount=[str(tmp_path)])
    xml = guest_xml("g", extra="<memoryBacking><hugepages/></memoryBacking>")
    ref = await world.define(xml)
    await world.run(ref)
    guest = world.guest(ref)
    assert guest.runtime is not None
    prepare(guest, guest.runtime, None).close()
    [folder] = (tmp_path / "libvirt/qemu").iterdir()
    assert f"domain-{folder.name}" == guest.runtime.domain_dir.name
    release(guest, guest.runtime)
    assert not folder.exists()
