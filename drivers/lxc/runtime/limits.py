# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a container's definition says about its control group."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conf.domain import Domain
from drivers.lxc.controller.plan import Mount
from drivers.lxc.runtime import hostdevices
from drivers.lxc.runtime.cgroup import DEVICE_LIMITS, Cgroup, DeviceRule, device_number
from drivers.lxc.runtime.groupfolders import GATHERING

#: Below which a host's guests are gathered unless the definition says otherwise.
PARTITION = f"/{GATHERING}"

#: The nodes that every container has, terminals, and nothing else.
USUAL_DEVICES = (
    *(DeviceRule("c", major, minor) for major, minor in ((1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2))),
    DeviceRule("c", 136, None),
)


def group_name(domain: Domain, machine: str) -> str:
    """The group of a guest where the daemon makes it: partitions that are no slices of the host's are marked."""
    partition = (domain.resource.partition if domain.resource is not None else None) or PARTITION
    parts = [part for part in partition.split("/") if part not in ("", ".", "..")]
    marked = [part if "." in part or f"/{part}" == PARTITION else f"{part}.partition" for part in parts]
    return "/".join([*marked, f"{machine}.libvirt-lxc"])


def group_of(pid: int) -> str:
    """The group that a process is in, where systemd made it."""
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    found = dict(line.split(":", 2)[1:] for line in lines)
    return (found.get("") or found.get("name=systemd") or "/").lstrip("/")


def apply(domain: Domain, group: Cgroup, mounts: list[Mount], images: Sequence[str]) -> None:
    """Set everything that the definition limits; `mounts` are the container's, `images` its disks' loop devices.

    Raises:
        VirtError: OPERATION_INVALID, it limits something that this host cannot.
        OSError: the kernel refuses a value.
    """
    for name, value in settings(domain).items():
        group.set(name, value)
    _place_on_host(domain, group)
    for device in domain.blkiotune.devices if domain.blkiotune is not None else ():
        for name in DEVICE_LIMITS:
            value = getattr(device, name)
            if value:
                group.set_device_limit(name, device.path, value)
    if group.has("devices"):
        group.restrict_devices([*device_rules(domain, images), *mounted_devices(mounts)])


def settings(domain: Domain) -> dict[str, int]:
    """The settings by their names in the group; a hard limit stands for the memory's size."""
    memory, cpu, blkio = domain.memtune, domain.cputune, domain.blkiotune
    found: dict[str, Any] = {
        "memory": domain.memory,
        "soft_limit": memory.soft_limit if memory is not None else None,
        "shares": cpu.shares if cpu is not None else None,
        "period": cpu.period if cpu is not None else None,
        "quota": cpu.quota if cpu is not None else None,
        "weight": blkio.weight if blkio is not None else None,
    }
    if memory is not None and memory.hard_limit is not None:
        found["memory"] = memory.hard_limit
    if memory is not None and memory.swap_hard_limit is not None:
        found["swap_hard_limit"] = memory.swap_hard_limit
    return {name: value for name, value in found.items() if value}


def _place_on_host(domain: Domain, group: Cgroup) -> None:
    cpus = domain.vcpu.cpuset if domain.vcpu.placement == "static" else None
    memory = domain.numatune.memory if domain.numatune is not None else None
    group.set_cpus(cpus, memory.nodeset if memory is not None else None)


def device_rules(domain: Domain, images: Sequence[str] = ()) -> list[DeviceRule]:
    """The devices that the container may use; `images` are what `hostdevices.attach_image` noted."""
    rules = list(USUAL_DEVICES)
    for device in (*domain.devices.disks, *domain.devices.hostdevs):
        rule = device_rule(device, images)
        if rule is not None:
            rules.append(rule)
    return rules


def mounted_devices(mounts: list[Mount]) -> list[DeviceRule]:
    """The block devices that are mounted for it, which its group must allow too."""
    devices = [mount for mount in mounts if mount["kind"] == "device"]
    return [DeviceRule("b", *device_number(d["source"]), "r" if d["readonly"] else "rw") for d in devices]


def device_rule(device: Any, images: Sequence[str] = ()) -> DeviceRule | None:
    """What the container may do with a disk or hostdev; None: it is none with a node."""
    node = hostdevices.node(device, images)
    if node is None:
        return None
    return DeviceRule(node["kind"], node["major"], node["minor"], hostdevices.access(device))
