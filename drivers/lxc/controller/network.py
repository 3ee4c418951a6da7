# SPDX-License-Identifier: LGPL-2.1-or-later
"""The container's network devices: made on the host, put into its namespace, set up there.

The host's end of a veth is born together with the end in the container and dies with its namespace: nothing is left,
whoever is killed.
"""

from __future__ import annotations

import errno
import os
from _socket import if_nametoindex

from drivers.lxc.controller import kernel
from drivers.lxc.controller.netlink import Netlink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.lxc.controller.plan import Interface

#: Names of the host's ends that are made up.
PREFIX = "vnet"
_LOOPBACK = 1


def make(interfaces: list[Interface], namespace: int) -> list[str]:
    """Make the devices and put them into the namespace; returns the names of the host's ends, "" where there is none."""
    if not interfaces:
        return []
    netlink = Netlink()
    try:
        return [_make(netlink, interface, namespace) for interface in interfaces]
    finally:
        netlink.close()


def _make(netlink: Netlink, interface: Interface, namespace: int) -> str:
    kind, name = interface["kind"], interface["guest"]
    if kind == "veth":
        return _make_veth(netlink, interface, namespace)
    parent = netlink.index(interface["parent"])
    if kind == "macvlan":
        netlink.add_macvlan(name, interface["mac"], parent, interface["mode"], namespace)
    else:
        netlink.set_up(parent, up=False)
        netlink.give(parent, namespace, name)
    return ""


def _make_veth(netlink: Netlink, interface: Interface, namespace: int) -> str:
    name = _add_veth(netlink, interface, namespace)
    index = netlink.index(name)
    if interface["mac"]:
        # The host's end has an address of its own, high enough that a bridge does not take it over.
        netlink.set_mac(index, "fe" + interface["mac"][2:])
    if interface["mtu"]:
        netlink.set_mtu(index, interface["mtu"])
    if interface["bridge"]:
        netlink.plug_in(index, netlink.index(interface["bridge"]))
    if interface["isolated"]:
        netlink.isolate(index)
    netlink.set_up(index, up=interface["up"])
    return name


def _add_veth(netlink: Netlink, interface: Interface, namespace: int) -> str:
    """Make the pair; a name that somebody else takes in the meantime is left to them."""
    wanted = interface["host"]
    for number in range(1 << 16):
        name = wanted or f"{PREFIX}{number}"
        if not wanted and _exists(name):
            continue
        try:
            netlink.add_veth(name, interface["guest"], interface["mac"], namespace)
        except FileExistsError:
            if wanted:
                raise
        else:
            return name
    raise OSError(errno.ENOSPC, "no name is left for a network device")


def _exists(name: str) -> bool:
    try:
        return if_nametoindex(name) > 0
    except OSError:
        return False


def set_up_inside(interfaces: list[Interface]) -> None:
    """In the container's namespace: names are there, the rest is given here."""
    netlink = Netlink()
    try:
        netlink.set_up(_LOOPBACK)
        for interface in interfaces:
            _set_up(netlink, interface)
    finally:
        netlink.close()


def _set_up(netlink: Netlink, interface: Interface) -> None:
    index = netlink.index(interface["guest"])
    if interface["mtu"]:
        netlink.set_mtu(index, interface["mtu"])
    for address in interface["addresses"]:
        netlink.add_address(index, address["address"], address["prefix"], address["peer"])
    if interface["up"] or interface["kind"] == "veth":
        netlink.set_up(index)
    for route in interface["routes"]:
        netlink.add_route(index, route["address"], route["prefix"], route["gateway"], route["metric"])


def remove_inside(name: str) -> None:
    """In the container's namespace: take a device away."""
    netlink = Netlink()
    try:
        netlink.remove(netlink.index(name))
    finally:
        netlink.close()


def give_back(name: str, namespace: int) -> None:
    """Put a device of the host's that is in a container's namespace back into ours."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        inside(namespace, lambda: _give(name, home))
    finally:
        os.close(home)


def _give(name: str, home: int) -> None:
    netlink = Netlink()
    try:
        index = netlink.index(name)
        netlink.set_up(index, up=False)
        netlink.give(index, home, name)
    finally:
        netlink.close()


def inside(namespace: int, work: Callable[[], None]) -> None:
    """Do something in a network namespace, by a process of its own.  Raises OSError."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        number = 0
        try:
            kernel.setns(namespace, kernel.CLONE_NEWNET)
            work()
        except OSError as error:
            number = error.errno or errno.EIO
        except BaseException:
            number = errno.EINVAL
        os.write(writer, bytes([number]))
        os._exit(0)
    os.close(writer)
    answer = os.read(reader, 1)
    os.close(reader)
    os.waitpid(pid, 0)
    if not answer or answer[0]:
        number = answer[0] if answer else errno.EIO
        raise OSError(number, os.strerror(number))
