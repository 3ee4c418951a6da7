# SPDX-License-Identifier: LGPL-2.1-or-later
"""Old functions that are a newer one with something left out: no driver has to write them.

A driver that defines the method itself is asked itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import CoroutineType
from typing import Any
from uuid import UUID

from virtd.enums import (
    ConnectListAllDomainsFlags,
    ConnectListAllInterfacesFlags,
    ConnectListAllNetworksFlags,
    ConnectListAllStoragePoolsFlags,
    DomainMemoryModFlags,
    DomainModificationImpact,
    DomainVcpuFlags,
)

_LIVE = DomainModificationImpact.LIVE

Method = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Derived:
    """`newer(*arguments(*args))`, made what the older function returns by `result`."""

    newer: str
    arguments: Callable[..., tuple[Any, ...]]
    result: Callable[[Any], Any]

    def method(self, newer: Method) -> Method:
        """The older method, asynchronous if the newer is, or for the same questions."""

        async def wait(work: Coroutine[Any, Any, Any]) -> Any:
            return self.result(await work)

        def answer(*args: Any) -> Any:
            result = newer(*self.arguments(*args))
            return wait(result) if isinstance(result, CoroutineType) else self.result(result)

        async def wait_always(*args: Any) -> Any:
            return self.result(await newer(*self.arguments(*args)))

        return wait_always if inspect.iscoroutinefunction(newer) else answer


def _same(result: Any) -> Any:
    return result


def _names(handles: list[Any]) -> list[str]:
    return [handle.name for handle in handles]


def _ids(domains: list[Any]) -> list[int]:
    return [domain.id for domain in domains]


def _uuids(handles: list[Any]) -> list[str]:
    return [str(UUID(bytes=handle.uuid)) for handle in handles]


def _with_flags(newer: str, *flags: object) -> Derived:
    """The newer function takes more arguments at the end."""
    return Derived(newer, lambda *args: (*args, *flags), _same)


def _count(lister: str) -> Derived:
    """The number of what another function lists."""
    return Derived(lister, lambda *args: args, len)


def _list(lister: str, flags: int, result: Callable[[list[Any]], list[Any]] = _names) -> Derived:
    """Names (or ids) of what another function lists with these flags."""
    return Derived(lister, lambda: (flags,), result)


#: Method → what it is derived from.  Chains are followed: a count of a list of a list.
DERIVED = {
    "connect_list_defined_domains": _list("connect_list_all_domains", ConnectListAllDomainsFlags.INACTIVE),
    "connect_list_defined_interfaces": _list("connect_list_all_interfaces", ConnectListAllInterfacesFlags.INACTIVE),
    "connect_list_defined_networks": _list("connect_list_all_networks", ConnectListAllNetworksFlags.INACTIVE),
    "connect_list_defined_storage_pools": _list(
        "connect_list_all_storage_pools", ConnectListAllStoragePoolsFlags.INACTIVE
    ),
    "connect_list_domains": _list("connect_list_all_domains", ConnectListAllDomainsFlags.ACTIVE, _ids),
    "connect_list_interfaces": _list("connect_list_all_interfaces", ConnectListAllInterfacesFlags.ACTIVE),
    "connect_list_networks": _list("connect_list_all_networks", ConnectListAllNetworksFlags.ACTIVE),
    "connect_list_nwfilters": _list("connect_list_all_nwfilters", 0),
    "connect_list_secrets": _list("connect_list_all_secrets", 0, _uuids),
    "connect_list_storage_pools": _list("connect_list_all_storage_pools", ConnectListAllStoragePoolsFlags.ACTIVE),
    "connect_num_of_defined_domains": _count("connect_list_defined_domains"),
    "connect_num_of_defined_interfaces": _count("connect_list_defined_interfaces"),
    "connect_num_of_defined_networks": _count("connect_list_defined_networks"),
    "connect_num_of_defined_storage_pools": _count("connect_list_defined_storage_pools"),
    "connect_num_of_domains": _count("connect_list_domains"),
    "connect_num_of_interfaces": _count("connect_list_interfaces"),
    "connect_num_of_networks": _count("connect_list_networks"),
    "connect_num_of_nwfilters": _count("connect_list_nwfilters"),
    "connect_num_of_secrets": _count("connect_list_secrets"),
    "connect_num_of_storage_pools": _count("connect_list_storage_pools"),
    "domain_abort_job": _with_flags("domain_abort_job_flags", 0),
    "domain_attach_device": _with_flags("domain_attach_device_flags", _LIVE),
    "domain_core_dump": Derived("domain_core_dump_with_format", lambda dom, to, flags: (dom, to, 0, flags), _same),
    "domain_create": _with_flags("domain_create_with_flags", 0),
    "domain_define_xml": _with_flags("domain_define_xml_flags", 0),
    "domain_destroy": _with_flags("domain_destroy_flags", 0),
    "domain_detach_device": _with_flags("domain_detach_device_flags", _LIVE),
    "domain_get_max_vcpus": _with_flags("domain_get_vcpus_flags", _LIVE | DomainVcpuFlags.MAXIMUM),
    "domain_get_scheduler_parameters": _with_flags("domain_get_scheduler_parameters_flags", 0),
    "domain_pin_vcpu": _with_flags("domain_pin_vcpu_flags", _LIVE),
    "domain_restore": _with_flags("domain_restore_flags", None, 0),
    "domain_save": _with_flags("domain_save_flags", None, 0),
    "domain_set_max_memory": _with_flags("domain_set_memory_flags", DomainMemoryModFlags.MAXIMUM),
    "domain_set_memory": _with_flags("domain_set_memory_flags", _LIVE),
    "domain_set_scheduler_parameters": _with_flags("domain_set_scheduler_parameters_flags", 0),
    "domain_set_vcpus": _with_flags("domain_set_vcpus_flags", _LIVE),
    "domain_shutdown": _with_flags("domain_shutdown_flags", 0),
    "domain_snapshot_num": _count("domain_snapshot_list_names"),
    "domain_snapshot_num_children": _count("domain_snapshot_list_children_names"),
    "domain_snapshot_list_names": Derived("domain_list_all_snapshots", lambda dom, flags: (dom, flags), _names),
    "domain_snapshot_list_children_names": Derived(
        "domain_snapshot_list_all_children", lambda snapshot, flags: (snapshot, flags), _names
    ),
    "domain_undefine": _with_flags("domain_undefine_flags", 0),
    "network_create_xml": _with_flags("network_create_xml_flags", 0),
    "network_define_xml": _with_flags("network_define_xml_flags", 0),
    "node_device_dettach": _with_flags("node_device_detach_flags", None, 0),
    "node_device_num_of_caps": _count("node_device_list_caps"),
    "node_num_of_devices": _count("node_list_devices"),
    "nwfilter_define_xml": _with_flags("nwfilter_define_xml_flags", 0),
    "storage_pool_list_volumes": Derived("storage_pool_list_all_volumes", lambda pool: (pool, 0), _names),
    "storage_pool_num_of_volumes": _count("storage_pool_list_volumes"),
    "storage_vol_get_info": _with_flags("storage_vol_get_info_flags", 0),
    "storage_vol_wipe": Derived("storage_vol_wipe_pattern", lambda vol, flags: (vol, 0, flags), _same),
}
