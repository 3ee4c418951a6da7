# SPDX-License-Identifier: LGPL-2.1-or-later
"""Network cards that come and go."""

from __future__ import annotations

from conf.domain.devices.interface import Interface
from drivers.qemu import commands
from drivers.qemu.command.interfaces import host_id, interface_props, netdev_props
from drivers.qemu.guest import Guest
from drivers.qemu.hostside import interfaces as host
from drivers.qemu.hotplug.session import Plug, Props, quietly
from virtd.errors import Code, VirtError
from virtd.threads import in_thread

#: Kinds whose host's end can be made for a running guest.
_KINDS = ("user", "bridge", "network", "ethernet", "null", "server", "client", "mcast", "udp")


def check(_guest: Guest, interface: Interface) -> None:
    """Refuse cards that no running guest can take.

    Raises:
        VirtError: OPERATION_UNSUPPORTED.
    """
    if interface.type not in _KINDS:
        text = f"hotplug of interface type of {interface.type} is not implemented yet"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)


async def plug(work: Plug, interface: Interface) -> None:
    """Make the host's end, then plug the card in."""
    guest, runtime = work.guest, work.guest.runtime
    assert runtime is not None
    await in_thread(host.open_interface, guest, runtime, interface, work.resources)
    work.undo.callback(forget_tap, guest, interface)
    backend = netdev_props(work.build, interface)
    for name, fd in _descriptors(work, interface).items():
        await work.pass_descriptor(name, fd)
    await commands.netdev_add(work.monitor, _by_name(backend, interface))
    work.undo.push_async_callback(quietly, commands.netdev_del, work.monitor, host_id(interface))
    await work.add_device(interface, interface_props(work.build, interface))
    if interface.link is not None and interface.link.state == "down":
        await commands.set_link(work.monitor, interface.alias or "", up=False)


def _descriptors(work: Plug, interface: Interface) -> dict[str, int]:
    """Names under which QEMU gets the descriptors of the host's end."""
    alias = interface.alias or ""
    named = {_name("fd", alias, i): fd for i, fd in enumerate(work.resources.taps.get(alias, []))}
    return named | {_name("vhostfd", alias, i): fd for i, fd in enumerate(work.resources.vhosts.get(alias, []))}


def _name(kind: str, alias: str, index: int) -> str:
    return f"{kind}-{alias}{index}"


def _by_name(backend: Props, interface: Interface) -> Props:
    """A running QEMU knows the descriptors by name, not by number."""
    alias = interface.alias or ""
    for kind in ("fd", "vhostfd"):
        for key in (kind, f"{kind}s"):
            if key in backend:
                count = len(str(backend[key]).split(":"))
                backend[key] = ":".join(_name(kind, alias, i) for i in range(count))
    return backend


def forget_tap(guest: Guest, interface: Interface) -> None:
    """The card's tap goes with QEMU's descriptor."""
    name = interface.target.dev if interface.target is not None else None
    if guest.runtime is not None and name in guest.runtime.taps:
        guest.runtime.taps.remove(name)


async def release(guest: Guest, interface: Interface) -> None:
    """The guest let go of the card: take the host's end away."""
    await quietly(commands.netdev_del, guest.monitor, host_id(interface))
    forget_tap(guest, interface)
