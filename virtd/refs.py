# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a client names an object: the wire's handles, in the wire's field order."""

from __future__ import annotations

from typing import NamedTuple


class DomainRef(NamedTuple):
    """A domain handle.  `uuid` is 16 raw bytes and identifies; `id` is -1 while not running."""

    name: str
    uuid: bytes
    id: int


class NetworkRef(NamedTuple):
    """A network handle."""

    name: str
    uuid: bytes


class NetworkPortRef(NamedTuple):
    """A port of a network."""

    net: NetworkRef
    uuid: bytes


class NWFilterRef(NamedTuple):
    """A network filter handle."""

    name: str
    uuid: bytes


class NWFilterBindingRef(NamedTuple):
    """The binding of a filter to a guest's port."""

    portdev: str
    filtername: str


class InterfaceRef(NamedTuple):
    """A host interface handle."""

    name: str
    mac: str


class StoragePoolRef(NamedTuple):
    """A storage pool handle."""

    name: str
    uuid: bytes


class StorageVolRef(NamedTuple):
    """A storage volume handle."""

    pool: str
    name: str
    key: str


class NodeDeviceRef(NamedTuple):
    """A host device handle."""

    name: str


class SecretRef(NamedTuple):
    """A secret handle; `usage_type` is a `virSecretUsageType`."""

    uuid: bytes
    usage_type: int
    usage_id: str


class CheckpointRef(NamedTuple):
    """A domain checkpoint handle."""

    name: str
    dom: DomainRef


class SnapshotRef(NamedTuple):
    """A domain snapshot handle."""

    name: str
    dom: DomainRef
