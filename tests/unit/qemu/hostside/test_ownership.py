# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files change hands while a guest runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drivers.qemu.hostside import ownership
from drivers.qemu.runtime import Runtime
from drivers.qemu.settings import Account
from tests.fakes.guests import World, guest_xml
from virtd.errors import Code, VirtError
from virtd.refs import DomainRef

QEMU = Account(4711, 4712)
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


async def guest_with(world: World, image: Path, name: str) -> tuple[DomainRef, Runtime]:
    disk = (
        f"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{image}'/>"
        "<shareable/><target dev='vda' bus='virtio'/></disk>"
    )
    ref = await world.define(guest_xml(name, disk))
    await world.run(ref)
    runtime = world.guest(ref).runtime
    assert runtime is not None
    return ref, runtime


def owner(path: Path) -> tuple[int, int]:
    return path.stat().st_uid, path.stat().st_gid


@root_only
async def test_given_and_given_back(world: World, tmp_path: Path):
    image = tmp_path / "image"
    image.write_bytes(b"x")
    os.chown(image, 1, 2)
    ref, runtime = await guest_with(world, image, "g")
    ownership.give(world.guest(ref), runtime, QEMU)
    assert owner(image) == (4711, 4712)
    assert [tuple(o) for o in runtime.owners] == [(str(image), 1, 2)]
    ownership.restore(world.guest(ref), runtime)
    assert owner(image) == (1, 2)


@root_only
async def test_the_last_of_two_guests_gives_back(world: World, tmp_path: Path):
    image = tmp_path / "image"
    image.write_bytes(b"x")
    os.chown(image, 1, 2)
    first, one = await guest_with(world, image, "one")
    second, two = await guest_with(world, image, "two")
    ownership.give(world.guest(first), one, QEMU)
    ownership.give(world.guest(second), two, QEMU)
    ownership.restore(world.guest(first), one)
    assert owner(image) == (4711, 4712)
    world.guest(first).set_live(None)
    ownership.restore(world.guest(second), two)
    assert owner(image) == (1, 2)


async def test_a_file_that_is_not_there(world: World, tmp_path: Path):
    ref, runtime = await guest_with(world, tmp_path / "missing", "g")
    with pytest.raises(VirtError, match=r"Cannot access storage file '.*missing': No such file") as caught:
        ownership.give(world.guest(ref), runtime, QEMU)
    assert caught.value.code == Code.SYSTEM_ERROR
    assert runtime.owners == []
