# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pools, volumes and devices that are not on any disk."""

from __future__ import annotations

import pytest

from tests.fakes.make_believe import Caller
from virtd.enums import NodeDeviceEventLifecycleType, StoragePoolState
from virtd.enums import StoragePoolEventLifecycleType as Lifecycle
from virtd.errors import Code, VirtError
from virtd.events import Event, Kind

POOL = "<pool type='dir'><name>p</name><target><path>/p</path></target></pool>"
VOLUME = "<volume><name>{}</name><capacity>{}</capacity><allocation>{}</allocation></volume>"
PORT = """<device><parent>{}</parent><capability type='scsi_host'><capability type='fc_host'>
<wwnn>20000000c9831b4b</wwnn><wwpn>10000000c9831b4b</wwpn></capability></capability></device>"""


def test_life_of_a_pool(client: Caller, told: list[Event]) -> None:
    pool = client.storage_pool_define_xml(POOL, 0)
    client.storage_pool_build(pool, 0)
    client.storage_pool_create(pool, 0)
    assert client.storage_pool_get_info(pool) == (StoragePoolState.RUNNING, 100 << 30, 0, 100 << 30)
    with pytest.raises(VirtError, match="storage pool 'p' is active"):
        client.storage_pool_undefine(pool)
    client.storage_pool_destroy(pool)
    client.storage_pool_undefine(pool)
    events = [event.args[0] for event in told if event.kind is Kind.STORAGE_POOL]
    wanted = [Lifecycle.DEFINED, Lifecycle.CREATED, Lifecycle.STARTED, Lifecycle.STOPPED, Lifecycle.UNDEFINED]
    assert events == wanted


def test_volumes_take_room(client: Caller) -> None:
    pool = client.storage_pool_lookup_by_name("default-pool")
    vol = client.storage_vol_create_xml(pool, VOLUME.format("v", 1000, 600), 0)
    assert client.storage_vol_get_path(vol) == "/default-pool/v"
    assert client.storage_vol_lookup_by_key("/default-pool/v") == vol
    copy = client.storage_vol_create_xml_from(pool, VOLUME.format("w", 1000, 400), vol, 0)
    assert client.storage_pool_get_info(pool)[2] == 1000
    client.storage_vol_delete(copy, 0)
    assert client.storage_pool_get_info(pool)[2] == 600
    with pytest.raises(VirtError, match="already exists"):
        client.storage_vol_create_xml(pool, VOLUME.format("v", 1, 1), 0)
    with pytest.raises(VirtError, match="Not enough free space"):
        client.storage_vol_create_xml(pool, VOLUME.format("x", 1 << 50, 1 << 50), 0)


@pytest.mark.parametrize(
    ("kind", "source", "path"),
    [
        ("rbd", "<name>n</name><host name='h'/>", "n/v"),
        ("gluster", "<name>n</name><host name='h'/>", "n/v"),
        ("logical", "<name>n</name>", "/dev/n/v"),
        ("mpath", "", "/dev/mapper/v"),
    ],
)
def test_volumes_of_pools_without_a_folder(client: Caller, kind: str, source: str, path: str) -> None:
    target = "" if kind in ("rbd", "gluster") else "<target><path>/dev/mapper</path></target>"
    pool = client.storage_pool_create_xml(
        f"<pool type='{kind}'><name>p</name><source>{source}</source>{target}</pool>", 0
    )
    assert client.storage_vol_get_path(client.storage_vol_create_xml(pool, VOLUME.format("v", 1, 1), 0)) == path


def test_virtual_adapters_come_and_go(client: Caller, told: list[Event]) -> None:
    dev = client.node_device_create_xml(PORT.format("scsi_host1"), 0)
    assert dev.name == "scsi_host12"
    assert client.node_device_get_parent(dev.name) == "scsi_host1"
    assert client.node_device_lookup_scsi_host_by_wwn("20000000c9831b4b", "10000000c9831b4b", 0) == dev
    assert dev.name in client.node_list_devices("fc_host", 0)
    client.node_device_destroy(dev.name)
    with pytest.raises(VirtError, check=lambda error: error.code == Code.NO_NODE_DEVICE):
        client.node_device_get_parent(dev.name)
    types = [event.args[0] for event in told if event.kind is Kind.NODE_DEVICE]
    assert types == [NodeDeviceEventLifecycleType.CREATED, NodeDeviceEventLifecycleType.DELETED]


@pytest.mark.parametrize(
    ("parent", "complaint"), [("computer", "not capable of vport operations"), ("nope", "Could not find parent")]
)
def test_only_some_adapters_have_virtual_ones(client: Caller, parent: str, complaint: str) -> None:
    with pytest.raises(VirtError, match=complaint):
        client.node_device_create_xml(PORT.format(parent), 0)
