# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pools and volumes through the driver's methods, in folders of a test's own."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from drivers.base import Environment
from drivers.storage.driver import HostStorageDriver
from virtd.enums import ConnectListAllStoragePoolsFlags as List
from virtd.enums import StoragePoolCreateFlags, StoragePoolDefineFlags, StorageVolCreateFlags, StorageVolResizeFlags
from virtd.errors import Code, VirtError
from virtd.events import Event, EventBus
from virtd.host.paths import Paths
from virtd.refs import StoragePoolRef, StorageVolRef
from virtd.streams import Hole
from virtd.tasks import TaskOwner

needs_qemu_img = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="no qemu-img")
MIB = 1 << 20


class House:
    """A driver with its methods as attributes, and what it told."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.events: list[Event] = []
        bus = EventBus()
        bus.subscribe(self.events.append)
        self.driver = HostStorageDriver(Environment(Paths.system(root), bus, TaskOwner("test"), privileged=True))

    def __getattr__(self, name: str) -> Any:
        return next(getattr(part, name) for part in self.driver.parts if hasattr(part, name))

    def told(self) -> list[int]:
        """The lifecycle events so far, and -1 for a refresh."""
        found = [event.args[0] if event.args else -1 for event in self.events]
        self.events.clear()
        return [int(str(number)) for number in found]

    def xml(self, name: str = "p", *, folder: str | None = None, extra: str = "") -> str:
        path = self.root / (folder or name)
        return f"<pool type='dir'><name>{name}</name>{extra}<target><path>{path}</path></target></pool>"

    async def pool(self, name: str = "p") -> StoragePoolRef:
        """A started pool."""
        ref: StoragePoolRef = await self.storage_pool_define_xml(self.xml(name), 0)
        await self.storage_pool_create(ref, StoragePoolCreateFlags.WITH_BUILD)
        return ref

    async def volume(
        self,
        pool: StoragePoolRef,
        name: str = "v",
        *,
        size: int = MIB,
        format_: str = "raw",
        extra: str = "",
        flags: int = 0,
    ) -> StorageVolRef:
        xml = (
            f"<volume><name>{name}</name><capacity>{size}</capacity>{extra}"
            f"<target><format type='{format_}'/></target></volume>"
        )
        made: StorageVolRef = await self.storage_vol_create_xml(pool, xml, flags)
        return made

    async def close(self) -> None:
        await self.driver.env.tasks.close()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path)
    await made.driver.start()
    yield made
    await made.close()


def refused(code: Code, text: str) -> Any:
    return pytest.raises(VirtError, match=text, check=lambda error: error.code == code)


# -- pools


async def test_a_pools_life(house: House) -> None:
    pool = await house.storage_pool_define_xml(house.xml(), 0)
    with refused(Code.SYSTEM_ERROR, "cannot open directory .*/p'"):
        await house.storage_pool_create(pool, 0)
    await house.storage_pool_build(pool, 0)
    assert stat.S_IMODE((house.root / "p").stat().st_mode) == 0o711
    await house.storage_pool_create(pool, 0)
    assert house.storage_pool_is_active(pool) == house.storage_pool_is_persistent(pool) == 1
    state, capacity, allocation, available = house.storage_pool_get_info(pool)
    assert state == 2
    assert capacity == allocation + available > 0
    await house.storage_pool_refresh(pool, 0)
    await house.storage_pool_destroy(pool)
    await house.storage_pool_delete(pool, 0)
    assert not (house.root / "p").exists()
    await house.storage_pool_undefine(pool)
    assert house.told() == [0, 4, 2, -1, 3, 5, 1]
    with refused(Code.NO_STORAGE_POOL, "no storage pool with matching uuid"):
        house.storage_pool_get_info(pool)


async def test_what_is_not_possible_now_is_refused(house: House) -> None:
    pool = await house.pool()
    for call in (house.storage_pool_undefine(pool), house.storage_pool_delete(pool, 0)):
        with refused(Code.OPERATION_INVALID, "storage pool 'p' is still active"):
            await call
    for call in (house.storage_pool_create(pool, 0), house.storage_pool_build(pool, 0)):
        with refused(Code.OPERATION_INVALID, "storage pool 'p' is already active"):
            await call
    await house.storage_pool_destroy(pool)
    with refused(Code.OPERATION_INVALID, "storage pool 'p' is not active"):
        house.storage_pool_list_all_volumes(pool, 0)
    with refused(Code.OPERATION_INVALID, "No source device specified when formatting pool 'p'"):
        await house.storage_pool_build(pool, 8)


async def test_no_two_pools_share_name_or_storage(house: House) -> None:
    pool = await house.storage_pool_define_xml(house.xml(), 0)
    uuid = "<uuid>2ec115d7-3a88-3ceb-bc12-0ac909a6fd87</uuid>"
    with refused(Code.OPERATION_FAILED, "pool 'p' already exists with uuid"):
        await house.storage_pool_define_xml(house.xml(extra=uuid), 0)
    with refused(Code.OPERATION_FAILED, "Storage source conflict with pool: 'p'"):
        await house.storage_pool_define_xml(house.xml("q", folder="p"), 0)
    xml = house.storage_pool_get_xml_desc(pool, 0).replace("/p<", "/other<")
    assert await house.storage_pool_define_xml(xml, 0) == pool
    assert "/other<" in house.storage_pool_get_xml_desc(pool, 0)


async def test_a_transient_pool_ends_when_it_is_stopped(house: House) -> None:
    pool = await house.storage_pool_create_xml(house.xml(), StoragePoolCreateFlags.WITH_BUILD)
    assert house.storage_pool_is_persistent(pool) == 0
    with refused(Code.INTERNAL_ERROR, "pool has no config file"):
        await house.storage_pool_set_autostart(pool, 1)
    await house.storage_pool_destroy(pool)
    assert house.connect_list_all_storage_pools(0) == []


async def test_a_pool_that_does_not_start_leaves_nothing(house: House) -> None:
    with refused(Code.SYSTEM_ERROR, "cannot open directory"):
        await house.storage_pool_create_xml(house.xml(), 0)
    assert house.connect_list_all_storage_pools(0) == []
    with refused(Code.INTERNAL_ERROR, r"missing backend for pool type 13 \(vstorage\)"):
        await house.storage_pool_define_xml(
            "<pool type='vstorage'><name>v</name><target><path>/v</path></target></pool>", 0
        )
    logical = await house.storage_pool_define_xml("<pool type='logical'><name>vg</name></pool>", 0)
    with refused(Code.INTERNAL_ERROR, r"missing backend for pool type 3 \(logical\)"):
        await house.storage_pool_create(logical, 0)


async def test_filters(house: House) -> None:
    pool = await house.pool()
    other = await house.storage_pool_define_xml("<pool type='logical'><name>vg</name></pool>", 0)
    await house.storage_pool_set_autostart(other, 1)
    for flags, found in (
        (0, [pool, other]),
        (List.ACTIVE, [pool]),
        (List.INACTIVE, [other]),
        (List.AUTOSTART, [other]),
        (List.TRANSIENT, []),
        (List.LOGICAL, [other]),
        (List.DIR | List.LOGICAL | List.ACTIVE, [pool]),
    ):
        assert house.connect_list_all_storage_pools(flags) == found
    with refused(Code.INVALID_ARG, "unsupported flags"):
        house.connect_list_all_storage_pools(1 << 25)


async def test_pools_are_found(house: House) -> None:
    pool = await house.pool()
    volume = await house.volume(pool)
    assert house.storage_pool_lookup_by_name("p") == pool
    assert house.storage_pool_lookup_by_uuid(pool.uuid) == pool
    assert house.storage_pool_lookup_by_volume(volume) == pool
    assert house.storage_pool_lookup_by_target_path(f"{house.root}//p/") == pool
    with refused(Code.NO_STORAGE_POOL, "no storage pool with matching target path '/x'"):
        house.storage_pool_lookup_by_target_path("/x")


async def test_a_new_daemon_finds_everything_again(house: House, tmp_path: Path) -> None:
    running = await house.pool("running")
    await house.volume(running)
    stored = await house.storage_pool_define_xml(house.xml("stored"), 0)
    await house.storage_pool_build(stored, 0)
    await house.storage_pool_set_autostart(stored, 1)
    (tmp_path / "etc/libvirt/storage/damaged.xml").write_text("<pool")
    (tmp_path / "run/libvirt/storage/damaged.xml").write_text("<poolstate/>")
    again = House(tmp_path)
    await again.driver.start()
    assert set(again.connect_list_all_storage_pools(0)) == {running, stored}
    assert again.connect_list_all_storage_pools(List.ACTIVE) == [running], "hosts start once"
    assert again.storage_pool_get_autostart(stored) == 1
    assert [volume.name for volume in again.storage_pool_list_all_volumes(running, 0)] == ["v"]
    assert len(list(tmp_path.glob("*/libvirt/storage/damaged.xml.unreadable-*"))) == 2
    await again.close()


async def test_pools_start_with_the_host(house: House, tmp_path: Path) -> None:
    pool = await house.pool()
    gone = await house.pool("gone")
    for ref in (pool, gone):
        await house.storage_pool_set_autostart(ref, 1)
    shutil.rmtree(tmp_path / "run")
    shutil.rmtree(tmp_path / "gone")
    again = House(tmp_path)
    await again.driver.start()
    assert again.connect_list_all_storage_pools(List.ACTIVE) == [pool]
    await again.close()


async def test_a_pool_that_vanished_is_stopped_by_a_refresh(house: House) -> None:
    pool = await house.pool()
    (house.root / "p").rmdir()
    house.told()
    with refused(Code.SYSTEM_ERROR, "cannot open directory"):
        await house.storage_pool_refresh(pool, 0)
    assert house.storage_pool_is_active(pool) == 0
    assert house.told() == [3]


# -- volumes


async def test_raw_volumes(house: House) -> None:
    pool = await house.pool()
    whole = await house.volume(pool)
    sparse = await house.volume(pool, "s", extra="<allocation>0</allocation>")
    assert await house.storage_vol_get_info_flags(whole, 0) == (0, MIB, MIB)
    assert await house.storage_vol_get_info_flags(sparse, 0) == (0, MIB, 0)
    assert await house.storage_vol_get_info_flags(sparse, 1) == (0, MIB, MIB)
    path = house.storage_vol_get_path(whole)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert house.storage_vol_lookup_by_path(path) == house.storage_vol_lookup_by_key(path) == whole
    assert house.storage_vol_lookup_by_name(pool, "v") == whole
    await house.storage_vol_delete(whole, 0)
    assert not Path(path).exists()
    with refused(Code.NO_STORAGE_VOL, "no storage vol with matching name 'v'"):
        await house.storage_vol_get_info_flags(whole, 0)


async def test_volumes_that_cannot_be_made_leave_nothing(house: House) -> None:
    pool = await house.pool()
    await house.volume(pool)
    (house.root / "p/stray").touch()
    for name, code, text in (
        ("v", Code.STORAGE_VOL_EXIST, "storage volume 'v' exists already"),
        ("a/b", Code.OPERATION_INVALID, "cannot contain '/'"),
        ("stray", Code.OPERATION_INVALID, "volume target path .*/stray' already exists"),
        ("..", Code.OPERATION_INVALID, "already exists"),
    ):
        with refused(code, text):
            await house.volume(pool, name)
    for format_, code, text in (
        ("vdi", Code.CONFIG_UNSUPPORTED, "metadata preallocation is not supported for vdi volumes"),
        ("ploop", Code.CONFIG_UNSUPPORTED, "metadata preallocation"),
    ):
        with refused(code, text):
            await house.volume(pool, "n", format_=format_, flags=StorageVolCreateFlags.PREALLOC_METADATA)
    with refused(Code.NO_SUPPORT, "backing storage not supported for raw volumes"):
        await house.volume(pool, "n", extra="<backingStore><path>/dev/null</path></backingStore>")
    assert sorted(os.listdir(house.root / "p")) == ["stray", "v"]
    assert [volume.name for volume in house.storage_pool_list_all_volumes(pool, 0)] == ["v"]


@needs_qemu_img
async def test_a_failed_qemu_img_leaves_nothing(house: House) -> None:
    pool = await house.pool()
    with refused(Code.INTERNAL_ERROR, "unexpected exit status 1"):
        await house.volume(pool, format_="bochs")
    assert os.listdir(house.root / "p") == []
    assert house.storage_pool_list_all_volumes(pool, 0) == []


@needs_qemu_img
async def test_images_and_their_backing_stores(house: House) -> None:
    pool = await house.pool()
    base = await house.volume(pool, "base", format_="qcow2", size=2 * MIB)
    path = house.storage_vol_get_path(base)
    backing = f"<backingStore><path>{path}</path><format type='qcow2'/></backingStore>"
    await house.storage_vol_create_xml(
        pool,
        f"<volume><name>top</name>{backing}<target><format type='qcow2'/><features><lazy_refcounts/></features></target>"
        "</volume>",
        0,
    )
    await house.storage_pool_refresh(pool, 0)
    top = house.storage_vol_lookup_by_name(pool, "top")
    assert (await house.storage_vol_get_info_flags(top, 0))[1] == 2 * MIB
    xml = await house.storage_vol_get_xml_desc(top, 0)
    for part in ("<compat>1.1</compat>", "<lazy_refcounts/>", f"<path>{path}</path>", "<format type='qcow2'/>"):
        assert part in xml


async def test_clones(house: House) -> None:
    pool = await house.pool()
    source = await house.volume(pool, extra="<allocation>0</allocation>")
    content = bytes(4096) + b"data" * 1024
    Path(house.storage_vol_get_path(source)).write_bytes(content.ljust(MIB, b"\0"))
    for allocation, blocks in (("", MIB), ("<allocation>0</allocation>", MIB)):
        name = f"clone{len(allocation)}"
        xml = f"<volume><name>{name}</name><capacity>1</capacity>{allocation}</volume>"
        clone = await house.storage_vol_create_xml_from(pool, xml, source, 0)
        assert Path(house.storage_vol_get_path(clone)).read_bytes() == content.ljust(MIB, b"\0")
        assert (await house.storage_vol_get_info_flags(clone, 0))[2] <= blocks
    with refused(Code.INTERNAL_ERROR, "storage volume name 'v' already in use."):
        await house.storage_vol_create_xml_from(pool, "<volume><name>v</name></volume>", source, 0)


@needs_qemu_img
async def test_a_clone_in_another_format(house: House) -> None:
    pool = await house.pool()
    source = await house.volume(pool)
    xml = "<volume><name>c</name><target><format type='qcow2'/></target></volume>"
    clone = await house.storage_vol_create_xml_from(pool, xml, source, 0)
    assert Path(house.storage_vol_get_path(clone)).read_bytes()[:4] == b"QFI\xfb"
    assert (await house.storage_vol_get_info_flags(clone, 0))[1] == MIB


async def test_resizing(house: House) -> None:
    pool = await house.pool()
    volume = await house.volume(pool)
    delta, shrink, allocate = StorageVolResizeFlags.DELTA, StorageVolResizeFlags.SHRINK, StorageVolResizeFlags.ALLOCATE
    with refused(Code.INVALID_ARG, "can't shrink capacity below existing allocation"):
        await house.storage_vol_resize(volume, MIB // 2, shrink)
    await house.storage_vol_resize(volume, 2 * MIB, 0)
    await house.storage_vol_resize(volume, MIB, delta)
    assert await house.storage_vol_get_info_flags(volume, 0) == (0, 3 * MIB, MIB)
    with refused(Code.INVALID_ARG, "unless shrink flag"):
        await house.storage_vol_resize(volume, 2 * MIB, 0)
    await house.storage_vol_resize(volume, MIB, delta | shrink)
    await house.storage_vol_resize(volume, 2 * MIB, allocate)
    with refused(Code.SYSTEM_ERROR, "Failed to truncate file .* Invalid argument"):
        await house.storage_vol_resize(volume, 1 << 63, 0)
    assert await house.storage_vol_get_info_flags(volume, 0) == (0, 2 * MIB, 2 * MIB)


async def test_wiping(house: House) -> None:
    pool = await house.pool()
    volume = await house.volume(pool)
    path = Path(house.storage_vol_get_path(volume))
    path.write_bytes(b"secret" * 100_000)
    await house.storage_vol_wipe_pattern(volume, 0, 0)
    assert path.read_bytes() == bytes(600_000)
    with refused(Code.ARGUMENT_UNSUPPORTED, "'trim' algorithm not supported"):
        await house.storage_vol_wipe_pattern(volume, 9, 0)
    with refused(Code.INVALID_ARG, "wiping algorithm 10 not supported"):
        await house.storage_vol_wipe_pattern(volume, 10, 0)


async def test_only_files_folders_and_disks_are_volumes(house: House) -> None:
    pool = await house.pool()
    folder = house.root / "p"
    (folder / "sub").mkdir()
    (folder / "dangling").symlink_to("/nowhere")
    (folder / "link").symlink_to("plain")
    (folder / "plain").write_bytes(b"x")
    (folder / "new\nline").touch()
    os.mkfifo(folder / "fifo")
    await house.storage_pool_refresh(pool, 0)
    assert {volume.name for volume in house.storage_pool_list_all_volumes(pool, 0)} == {"sub", "link", "plain"}
    sub = house.storage_vol_lookup_by_name(pool, "sub")
    assert await house.storage_vol_get_info_flags(sub, 0) == (2, 0, 0)
    (folder / "sub/full").touch()
    with refused(Code.SYSTEM_ERROR, "cannot remove directory .*: Directory not empty"):
        await house.storage_vol_delete(sub, 0)


async def test_what_went_while_we_waited_is_gone(house: House) -> None:
    pool = await house.pool()
    volume = await house.volume(pool)
    results = await asyncio.gather(
        *(
            house.storage_pool_refresh(pool, 0),
            house.storage_vol_delete(volume, 0),
            house.storage_vol_delete(volume, 0),
        ),
        *(house.storage_pool_destroy(pool), house.storage_pool_undefine(pool), house.storage_pool_create(pool, 0)),
        return_exceptions=True,
    )
    codes = [result.code if isinstance(result, VirtError) else result for result in results]
    assert codes == [None, None, Code.NO_STORAGE_VOL, None, None, Code.NO_STORAGE_POOL]


# -- content


async def test_downloads_show_holes_to_those_who_ask(house: House) -> None:
    pool = await house.pool()
    volume = await house.volume(pool, extra="<allocation>0</allocation>")
    with open(house.storage_vol_get_path(volume), "r+b") as file:
        file.seek(MIB // 2)
        file.write(b"a" * 4096)
    plain = (await house.storage_vol_download(volume, MIB // 2, 8, 0)).stream
    assert await plain.read(100) == b"a" * 8
    assert await plain.read(100) is None
    await plain.finish()
    sparse = (await house.storage_vol_download(volume, 0, 0, 1)).stream
    items = []
    while (item := await sparse.read(1 << 16)) is not None:
        items.append(item)
    await sparse.finish()
    assert items == [Hole(MIB // 2), b"a" * 4096, Hole(MIB // 2 - 4096)]


async def test_uploads_stay_in_their_bounds_and_end_in_a_refresh(house: House) -> None:
    pool = await house.pool()
    volume = await house.volume(pool)
    path = Path(house.storage_vol_get_path(volume))
    path.write_bytes(b"x" * 10_000)
    upload = (await house.storage_vol_upload(volume, 100, 5000, 1)).stream
    await upload.write(b"abc")
    await upload.write_hole(4000)
    await upload.write(b"end")
    with refused(Code.SYSTEM_ERROR, "cannot write to stream: No space left on device"):
        await upload.write(bytes(1000))
    house.told()
    await upload.finish()
    assert path.read_bytes() == b"x" * 100 + b"abc" + bytes(4000) + b"end" + b"x" * 5894
    async with asyncio.timeout(5):
        while house.told() != [-1]:
            await asyncio.sleep(0.01)


async def test_a_hole_behind_the_end_makes_a_volume_longer(house: House) -> None:
    pool = await house.pool()
    volume = await house.volume(pool, size=10)
    upload = (await house.storage_vol_upload(volume, 0, 0, 1)).stream
    await upload.write_hole(MIB)
    await upload.finish()
    assert os.stat(house.storage_vol_get_path(volume)).st_size == MIB


async def test_documents_are_held_against_the_schema_on_request(house: House) -> None:
    odd = house.xml("v", extra="<odd/>")
    with refused(Code.XML_INVALID_SCHEMA, "failed to validate against schema"):
        await house.storage_pool_define_xml(odd, StoragePoolDefineFlags.VALIDATE)
    await house.storage_pool_define_xml(odd, 0)
    pool = await house.pool()
    volume = "<volume><name>a</name><capacity>1</capacity>{}</volume>"
    with refused(Code.XML_INVALID_SCHEMA, "storagevol.rng"):
        await house.storage_vol_create_xml(pool, volume.format("<odd/>"), StorageVolCreateFlags.VALIDATE)
    made = await house.storage_vol_create_xml(pool, volume.format("<target/>"), StorageVolCreateFlags.VALIDATE)
    assert made.name == "a"


@pytest.mark.parametrize(
    ("type_", "code", "text"),
    [
        ("dir", Code.NO_SUPPORT, "pool type 'dir' does not support source discovery"),
        ("netfs", Code.INTERNAL_ERROR, r"missing backend for pool type 2 \(netfs\)"),
        ("cloud", Code.INTERNAL_ERROR, "unknown storage pool type cloud"),
    ],
)
def test_sources_of_pools(house: House, type_: str, code: int, text: str) -> None:
    with refused(code, text):
        house.connect_find_storage_pool_sources(type_, None, 0)
