# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's side of a guest's network cards: tap devices by descriptor, on a bridge or alone."""

from __future__ import annotations

import errno
import itertools
import os
from typing import TYPE_CHECKING, Any

from drivers.qemu.runtime import Runtime
from virtd.errors import Code, From, VirtError
from virtd.host import netdev

if TYPE_CHECKING:
    from drivers.qemu.guest import Guest
    from drivers.qemu.hostside.resources import Resources

VHOST_DEVICE = "/dev/vhost-net"
#: Names of taps made for guests whose definition gives none; a definition that names one like this means none.
PREFIX = "vnet"

_numbers = itertools.count()


def prepare(guest: Guest, runtime: Runtime, resources: Resources) -> None:
    """Open what the guest's network cards need.

    Raises:
        VirtError: a device, bridge or network is not there or may not be used.
    """
    assert guest.live is not None
    for interface in guest.live.devices.interfaces:
        open_interface(guest, runtime, interface, resources)


def open_interface(guest: Guest, runtime: Runtime, interface: Any, resources: Resources) -> None:
    """Open one card's backend; its descriptors go to `resources`, its tap's name to the definition."""
    if interface.type == "network":
        name = interface.source.network
        text = f"no network with matching name '{name}'"
        raise VirtError(Code.NO_NETWORK, text, source=From.NETWORK)
    if interface.type not in ("bridge", "ethernet"):
        return
    bridge = interface.source.bridge if interface.type == "bridge" else None
    mtu = _bridge_mtu(bridge) if bridge else None
    queues = getattr(interface.driver, "queues", None) or 1
    name, descriptors = _open_tap(interface, queues)
    runtime.taps.append(name)
    resources.taps[interface.alias] = descriptors
    interface.name_target(name)
    _set_up(interface, name, bridge, mtu)
    _open_vhost(guest, interface, queues, resources)


def release(guest: Guest, runtime: Runtime) -> None:
    """Taps go with QEMU's descriptors; only their names are left to forget."""
    runtime.taps.clear()
    if guest.live is not None:
        for interface in guest.live.devices.interfaces:
            if interface.target is not None and (interface.target.dev or "").startswith(PREFIX):
                interface.target.dev = None


def _is_virtio(interface: Any) -> bool:
    return bool(interface.is_virtio)


def _tap_name(interface: Any) -> str:
    wanted = getattr(interface.target, "dev", None)
    if wanted and not wanted.startswith(PREFIX) and "%" not in wanted:
        return str(wanted)
    return next(name for name in (f"{PREFIX}{n}" for n in _numbers) if not netdev.exists(name))


def _bridge_mtu(bridge: str) -> int:
    try:
        return netdev.mtu(bridge)
    except OSError as error:
        text = f"Cannot get interface MTU on '{bridge}': {os.strerror(error.errno or 0)}"
        raise VirtError(Code.SYSTEM_ERROR, text, source=From.NONE) from error


def _open_tap(interface: Any, queues: int) -> tuple[str, list[int]]:
    """Make the tap; a name that somebody else took in the meantime is left to them."""
    while True:
        name = _tap_name(interface)
        try:
            return name, _try_open_tap(name, queues, vnet_header=_is_virtio(interface))
        except VirtError as error:
            cause = error.__cause__
            taken = isinstance(cause, OSError) and cause.errno == errno.EBUSY
            if not (taken and name.startswith(PREFIX)):
                raise


def _try_open_tap(name: str, queues: int, *, vnet_header: bool) -> list[int]:
    try:
        return netdev.open_tap(name, queues=queues, vnet_header=vnet_header)
    except FileNotFoundError as error:
        text = f"Unable to open {netdev.TUN_DEVICE}, is tun module loaded?: {error.strerror}"
        raise VirtError(Code.SYSTEM_ERROR, text, source=From.NONE) from error
    except OSError as error:
        text = f"Unable to create tap device {name}: {os.strerror(error.errno or 0)}"
        raise VirtError(Code.SYSTEM_ERROR, text, source=From.NONE) from error


def _set_up(interface: Any, name: str, bridge: str | None, mtu: int | None) -> None:
    """Give the tap its address and size, plug it in, switch it on."""
    try:
        if interface.mac is not None:
            # The host's end has an address of its own, high enough that a bridge does not take it over.
            netdev.set_mac(name, "fe" + interface.mac.address[2:])
        size = getattr(getattr(interface, "mtu", None), "size", None) or mtu
        if size:
            netdev.set_mtu(name, size)
        if bridge:
            netdev.add_to_bridge(bridge, name)
        down = interface.type == "ethernet" and getattr(getattr(interface, "link", None), "state", None) == "down"
        netdev.set_up(name, up=not down)
    except OSError as error:
        what = f"Unable to add bridge {bridge} port {name}" if bridge else f"Cannot set up tap device {name}"
        text = f"{what}: {os.strerror(error.errno or 0)}"
        raise VirtError(Code.SYSTEM_ERROR, text, source=From.NONE) from error


def _open_vhost(guest: Guest, interface: Any, queues: int, resources: Resources) -> None:
    """The kernel's virtio backend, where it can be had; asked for by name, it must."""
    wanted = getattr(interface.driver, "name", None)
    assert guest.live is not None
    if wanted == "qemu" or not _is_virtio(interface) or (guest.live.type != "kvm" and wanted != "vhost"):
        return
    try:
        resources.vhosts[interface.alias] = [os.open(VHOST_DEVICE, os.O_RDWR | os.O_CLOEXEC) for _ in range(queues)]
    except OSError:
        if wanted == "vhost":
            text = "vhost-net was requested for an interface, but is unavailable"
            raise VirtError(Code.CONFIG_UNSUPPORTED, text) from None
