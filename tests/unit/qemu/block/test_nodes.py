# SPDX-License-Identifier: LGPL-2.1-or-later
"""-blockdev properties: what libvirt 9.0.0 was seen to give for the same XML."""

from __future__ import annotations

from typing import Any

import pytest

from conf.binding import ParseOptions
from conf.binding.document import parse_document
from conf.binding.reading import read
from conf.domain.devices.disk import Disk
from drivers.common.images.layers import chain
from drivers.qemu.block import nodes
from virtd.errors import Code, VirtError


def disk(
    source: str = "<source file='/x/a'/>",
    type_: str = "file",
    driver: str = "type='raw'",
    rest: str = "",
    device: str = "disk",
    dev: str = "vda",
) -> Disk:
    xml = (
        f"<disk type='{type_}' device='{device}'><driver name='qemu' {driver}/>"
        f"{source}<target dev='{dev}' bus='virtio'/>{rest}</disk>"
    )
    return read(Disk, parse_document(xml, "disk", what="disk_definition"), ParseOptions())


def made(*disks: Disk) -> list[dict[str, Any]]:
    nodes.number_images(disks)
    return [node for one in disks for node in nodes.disk_nodes(one)]


STORAGE = {"node-name": "libvirt-1-storage", "auto-read-only": True, "discard": "unmap"}
FORMAT = {"node-name": "libvirt-1-format", "read-only": False, "driver": "raw", "file": "libvirt-1-storage"}


def test_a_plain_file() -> None:
    assert made(disk()) == [{"driver": "file", "filename": "/x/a"} | STORAGE, FORMAT]
    assert [*made(disk())[0]] == ["driver", "filename", "node-name", "auto-read-only", "discard"]
    assert [*made(disk())[1]] == ["node-name", "read-only", "driver", "file"]


@pytest.mark.parametrize(
    ("mode", "direct", "no_flush"),
    [
        ("none", True, False),
        ("writethrough", False, False),
        ("writeback", False, False),
        ("directsync", True, False),
        ("unsafe", False, True),
    ],
)
def test_cache_modes_are_said_of_both_nodes(mode: str, direct: bool, no_flush: bool) -> None:
    cache = {"cache": {"direct": direct, "no-flush": no_flush}}
    storage, format_ = made(disk(driver=f"type='raw' cache='{mode}'"))
    assert storage == {"driver": "file", "filename": "/x/a"} | STORAGE | cache
    assert format_ == FORMAT | cache


@pytest.mark.parametrize(
    ("given", "format_"),
    [
        ({"rest": "<readonly/>"}, {"read-only": True}),
        ({"device": "cdrom"}, {"read-only": True}),
        ({"driver": "type='raw' discard='ignore'"}, {"discard": "ignore"}),
        ({"driver": "type='raw' discard='unmap' detect_zeroes='on'"}, {"discard": "unmap", "detect-zeroes": "on"}),
        ({"driver": "type='raw' detect_zeroes='unmap'"}, {"detect-zeroes": "on"}),
        ({"driver": "type='ploop'"}, {"driver": "parallels"}),
        ({"driver": "type='vmdk'"}, {"driver": "vmdk"}),
        ({"driver": "type='qcow2'"}, {"driver": "qcow2"}),
        ({"driver": "type='qcow2'", "rest": "<backingStore/>"}, {"driver": "qcow2", "backing": None}),
        ({"rest": "<backingStore/>"}, {}),
    ],
)
def test_format_nodes(given: dict[str, str], format_: dict[str, Any]) -> None:
    assert made(disk(**given))[1] == FORMAT | format_


NBD = {"driver": "nbd", "server": {"type": "inet", "host": "h", "port": "10809"}}


@pytest.mark.parametrize(
    ("type_", "source", "storage"),
    [
        ("block", "<source dev='/dev/x'/>", {"driver": "host_device", "filename": "/dev/x"}),
        (
            "nvme",
            (
                "<source type='pci' managed='yes' namespace='1'>"
                "<address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source>"
            ),
            {"driver": "nvme", "device": "0000:01:00.0", "namespace": 1},
        ),
        ("network", "<source protocol='nbd'><host name='h'/></source>", NBD),
        (
            "network",
            "<source protocol='nbd' name='e' tls='yes'><host transport='unix' socket='/s'/></source>",
            {
                "driver": "nbd",
                "server": {"type": "unix", "path": "/s"},
                "export": "e",
                "tls-creds": "objlibvirt-1-storage_tls0",
            },
        ),
        (
            "network",
            (
                "<source protocol='iscsi' name='iqn.x:y/2'><host name='::1' port='1'/>"
                "<initiator><iqn name='iqn.me'/></initiator></source>"
            ),
            {
                "driver": "iscsi",
                "portal": "[::1]:1",
                "target": "iqn.x:y",
                "lun": 2,
                "transport": "tcp",
                "initiator-name": "iqn.me",
            },
        ),
        (
            "network",
            "<source protocol='rbd' name='pool/ns/img'><host name='a'/><snapshot name='s'/><config file='/c'/></source>",
            {
                "driver": "rbd",
                "pool": "pool",
                "image": "ns/img",
                "snapshot": "s",
                "conf": "/c",
                "server": [{"host": "a", "port": "0"}],
            },
        ),
        (
            "network",
            "<source protocol='https' name='/f' query='a=b'><host name='h'/><ssl verify='no'/></source>",
            {"driver": "https", "url": "https://h:443/f?a=b", "sslverify": False},
        ),
        (
            "network",
            "<source protocol='gluster' name='v/a/b'><host name='h'/></source>",
            {
                "driver": "gluster",
                "volume": "v",
                "path": "a/b",
                "server": [{"type": "inet", "host": "h", "port": "24007"}],
                "debug": 4,
            },
        ),
        (
            "network",
            "<source protocol='ssh' name='/p'><host name='h'/></source>",
            {"driver": "ssh", "path": "/p", "server": {"host": "h", "port": "22"}},
        ),
        (
            "network",
            "<source protocol='nfs' name='/p'><host name='h'/><identity user='+1' group='2'/></source>",
            {"driver": "nfs", "server": {"host": "h", "type": "inet"}, "path": "/p", "user": 1, "group": 2},
        ),
        (
            "network",
            "<source protocol='sheepdog' name='v'><host name='h'/></source>",
            {"driver": "sheepdog", "server": {"type": "inet", "host": "h", "port": "7000"}, "vdi": "v"},
        ),
    ],
)
def test_where_images_lie(type_: str, source: str, storage: dict[str, Any]) -> None:
    assert made(disk(source, type_)) == [storage | STORAGE, FORMAT]


def test_one_host_where_the_protocol_has_one() -> None:
    with pytest.raises(VirtError) as caught:
        made(disk("<source protocol='sheepdog' name='v'/>", "network"))
    assert caught.value.code is Code.INTERNAL_ERROR
    assert "accepts only one host" in caught.value.message


def test_a_slice_has_a_node_of_its_own_unless_the_image_is_raw() -> None:
    source = "<source file='/x/a'><slices><slice type='storage' offset='512' size='321'/></slices></source>"
    part = {"offset": 512, "size": 321}
    assert made(disk(source))[1:] == [FORMAT | part]
    assert made(disk(source, driver="type='qcow2'"))[1:] == [
        STORAGE | part | {"driver": "raw", "node-name": "libvirt-1-slice-sto", "file": "libvirt-1-storage"},
        FORMAT | {"driver": "qcow2", "file": "libvirt-1-slice-sto"},
    ]


CHAIN = (
    "<backingStore type='file'><format type='qcow2'/><source file='/b'/>"
    "<backingStore type='network'><format type='raw'/><source protocol='nbd'><host name='h'/></source>{end}</backingStore>"
    "</backingStore>"
)


@pytest.mark.parametrize("end", ["", "<backingStore/>"])
def test_chains_open_from_below_and_inherit_what_is_said_of_the_disk(end: str) -> None:
    top = disk(driver="type='qcow2' discard='unmap' io='threads' detect_zeroes='on'", rest=CHAIN.format(end=end))
    got = {node["node-name"]: node for node in made(top)}
    assert [*got] == [f"libvirt-{n}-{kind}" for n in (3, 2, 1) for kind in ("storage", "format")]
    assert got["libvirt-3-storage"] == NBD | STORAGE | {"node-name": "libvirt-3-storage"}
    assert got["libvirt-3-format"] == {
        "node-name": "libvirt-3-format",
        "read-only": True,
        "discard": "unmap",
        "driver": "raw",
        "file": "libvirt-3-storage",
    }
    assert got["libvirt-2-storage"]["aio"] == "threads"
    assert (got["libvirt-2-format"]["read-only"], got["libvirt-2-format"]["backing"]) == (True, "libvirt-3-format")
    assert (got["libvirt-1-format"]["detect-zeroes"], got["libvirt-1-format"]["backing"]) == ("on", "libvirt-2-format")


def test_numbers_run_from_the_last_disk_and_empty_drives_take_one() -> None:
    disks = [disk(), disk("", device="cdrom", dev="vdb"), disk(dev="vdc")]
    assert nodes.number_images(disks) == 3
    assert [chain(d)[0].index for d in (disks[0], disks[2])] == [3, 1]
    assert nodes.drive_node(disks[1]) is None
    assert nodes.disk_nodes(disks[1]) == []
    assert nodes.number_images(disks, 3) == 4  # what has a number keeps it
    assert chain(disks[0])[0].index == 3


def test_copy_on_read_is_a_filter_on_top() -> None:
    one = disk(driver="type='raw' copy_on_read='on'")
    assert made(one)[-1] == {
        "driver": "copy-on-read",
        "node-name": "libvirt-CoR-vda",
        "file": "libvirt-1-format",
        "discard": "unmap",
    }
    assert nodes.drive_node(one) == "libvirt-CoR-vda"


def test_a_folder_as_a_floppy_is_never_written() -> None:
    (storage, _) = made(disk("<source dir='/d'/>", "dir", "type='fat'", "<readonly/>", device="floppy"))
    assert storage == {"driver": "vvfat", "dir": "/d", "floppy": True, "rw": False} | STORAGE
