# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of a definition that come, go and change; a running guest is another matter."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from conf.domain import Domain
from conf.domain.devices.controller import Controller
from conf.domain.devices.disk import Disk
from conf.domain.devices.filesystem import Filesystem
from conf.domain.devices.graphics import Graphics
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.interface import Interface
from conf.domain.devices.lease import Lease
from conf.domain.devices.memory import Memory
from conf.domain.devices.shmem import Shmem
from conf.domain.devices.single import device_tag
from drivers.common.devicelists import members, put, take
from drivers.common.devicematching import CHARACTER_DEVICES, find, is_alike, is_same_end
from virtd.errors import Code, VirtError, invalid_arg, operation_invalid

#: Elements that a definition gets only as a whole.
_FIXED = frozenset(
    {"audio", "crypto", "graphics", "hub", "iommu", "memballoon", "nvram", "panic", "smartcard", "tpm", "video"}
)
#: Kinds of which there is one at most, with libvirt's words.
_SINGLE = {"watchdog": "a watchdog", "vsock": "a vsock device"}


def _same(*names: str) -> Callable[[Any, Any], bool]:
    """Whether two devices agree in these attributes."""
    values = attrgetter(*names)
    return lambda there, new: bool(values(there) == values(new))


def _same_index(there: Controller, new: Controller) -> bool:
    return new.index is not None and (there.type, there.index) == (new.type, new.index)


def _same_character_device(there: Any, new: Any) -> bool:
    return is_same_end(there, new, strictly=True) and (there.type, there.source) == (new.type, new.source)


_KNOWN = "device is already in the domain configuration"
#: Kind → whether a device that is there keeps a new one from coming, and what is said then.
_CLASHES: dict[type, tuple[Callable[[Any, Any], bool], str]] = {
    Disk: (_same("target.dev"), "target {0.target.dev} already exists"),
    Hostdev: (_same("mode", "type", "source"), _KNOWN),
    Lease: (_same("key", "lockspace"), "Lease {0.key} in lockspace {0.lockspace} already exists"),
    Controller: (_same_index, "controller index='{0.index}' already exists"),
    Filesystem: (_same("target.dir"), "Target already exists"),
    Shmem: (is_alike, _KNOWN),
    **dict.fromkeys(CHARACTER_DEVICES, (_same_character_device, "chardev already exists")),
}


def attach(domain: Domain, device: Any) -> None:
    """Add a device.

    Raises:
        VirtError: it is there already, or its kind cannot be added.
    """
    tag = device_tag(device)
    if tag in _FIXED:
        raise _unsupported("attach", device)
    there = members(domain.devices, device)
    if type(device) in _CLASHES:
        clashes, text = _CLASHES[type(device)]
        if any(type(other) is type(device) and clashes(other, device) for other in there):
            raise operation_invalid(text.format(device))
    if tag in _SINGLE and there:
        raise operation_invalid(f"domain already has {_SINGLE[tag]}")
    put(domain.devices, device)
    if isinstance(device, Memory):
        _resize(domain, device.target.size)


def detach(domain: Domain, device: Any) -> None:
    """Remove the device that is described.

    Raises:
        VirtError: there is none, or its kind cannot be removed.
    """
    if device_tag(device) in _FIXED:
        raise _unsupported("detach", device)
    remove(domain, find(domain, device, live=False))


def remove(domain: Domain, device: Any) -> None:
    """Remove a device, this very one."""
    take(domain.devices, device)
    if isinstance(device, Memory):
        _resize(domain, -device.target.size)


def _resize(domain: Domain, change: int) -> None:
    """A module (KiB) is part of the guest's memory, and of what it has now unless that was less."""
    has_all = domain.current_memory == domain.memory
    domain.memory += change
    domain.current_memory = domain.memory if has_all else min(domain.current_memory or 0, domain.memory)


def update(domain: Domain, device: Any) -> None:
    """Put a device in place of the one it describes; of that nothing stays, not its name or address either.

    Raises:
        VirtError: there is none, or its kind cannot be changed.
    """
    if not isinstance(device, Disk | Interface | Graphics):
        raise _unsupported("update", device)
    old = _old(domain, device)
    same = members(domain.devices, old)
    same[next(i for i, d in enumerate(same) if d is old)] = device


def _unsupported(verb: str, device: Any) -> VirtError:
    tag = "chr" if isinstance(device, CHARACTER_DEVICES) else device_tag(device)
    return VirtError(Code.OPERATION_UNSUPPORTED, f"persistent {verb} of device '{tag}' is not supported")


def _old(domain: Domain, device: Disk | Interface | Graphics) -> Any:
    if isinstance(device, Graphics):
        found = next((g for g in domain.devices.graphics if g.type == device.type), None)
        if found is None:
            raise invalid_arg(f"cannot find existing graphics type '{device.type}' device to modify")
        return found
    if isinstance(device, Disk):
        found_disk = next((d for d in domain.devices.disks if d.target.dev == device.target.dev), None)
        if found_disk is None:
            raise invalid_arg(f"target {device.target.dev} doesn't exist.")
        return found_disk
    return find(domain, device, live=False)
