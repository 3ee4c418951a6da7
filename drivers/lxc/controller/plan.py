# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon tells the controller: the one place that says it; for readers and type checkers, never imported at run.

Everything is resolved already: no XML, no names to look up.  A descriptor stands in a plan as its place among those
that were sent along.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Range(TypedDict):
    """`count` ids from `inside` on are those from `outside` on of the host."""

    inside: int
    outside: int
    count: int


class Mount(TypedDict):
    """A file system that the container gets.

    `kind` is "bind" (a folder of the host), "inner" (a folder of the container's own), "device" (a block device)
    or "memory" (a tmpfs of `size` bytes).
    """

    kind: str
    source: str
    target: str
    readonly: bool
    size: NotRequired[int]


class Node(TypedDict):
    """A device node: `path` below /dev; `kind` "b" or "c"; the host's `mode` and numbers."""

    path: str
    kind: str
    major: int
    minor: int
    mode: int


class Address(TypedDict):
    """An address of an interface; `peer` of a point-to-point one."""

    address: str
    prefix: int
    peer: str | None


class Route(TypedDict):
    """A route through an interface."""

    address: str
    prefix: int
    gateway: str
    metric: int


class Interface(TypedDict):
    """A network device.

    `kind` is "veth" (with `host`, the name of the host's end or "" for any, and the `bridge` it is plugged into, if
    any; an `isolated` port does not reach others that are), "macvlan" (with `parent` and `mode`) or "move" (the host's device `parent` itself).  `guest` is its name in the
    container, "" for the next ethN.
    """

    kind: str
    host: str
    bridge: str
    isolated: bool
    parent: str
    mode: str
    guest: str
    mac: str
    mtu: int
    up: bool
    addresses: list[Address]
    routes: list[Route]


class Init(TypedDict):
    """The program to run; `user` is [uid, gid] or None, `files` are descriptors that it gets as 3, 4 …"""

    argv: list[str]
    environment: dict[str, str]
    directory: str
    user: list[int] | None
    files: list[int]


class CgroupMount(TypedDict):
    """A hierarchy that the container sees below /sys/fs/cgroup: `folder` is its name there, "" for a unified one."""

    folder: str
    options: str


class Security(TypedDict):
    """How the host's security module confines the container's programs: `model` "apparmor" or "selinux"."""

    model: str
    label: str


class Plan(TypedDict):
    """A container.

    Attributes:
        name: the guest's, for messages.
        hostname: what the container calls itself.
        socket: where to listen for requests.
        folder: a folder of the container's own on the host; mounts there are seen by the controller only.
        rootless: the daemon is no root: the controller becomes one in a user namespace of its own.
        unshare: the namespaces that are new, by the names in /proc/PID/ns.
        join: those that are another's: name → descriptor.
        uids, gids: the user namespace's, where it is new.
        terminals: descriptors of the host's ends, one a console.
        mounts: file systems; that of "/" stands first.
        nodes: device nodes beside the usual ones.
        interfaces: network devices.
        groups: files of control groups that the controller joins by writing "0" to them.
        inner_groups: those that the container's init joins besides.
        delegated: the folder of version 2 whose controllers the container may share out in its own group; "" for none.
        cgroups: hierarchies to show.
        memory_group: the folder that tells the use of memory and its limit; "" without one.
        drop: numbers of the capabilities that it is not to have.
        security: None where the host has no security module.
        init: the program.
    """

    name: str
    hostname: str
    socket: str
    folder: str
    rootless: bool
    unshare: list[str]
    join: dict[str, int]
    uids: list[Range]
    gids: list[Range]
    terminals: list[int]
    mounts: list[Mount]
    nodes: list[Node]
    interfaces: list[Interface]
    groups: list[str]
    inner_groups: list[str]
    delegated: str
    cgroups: list[CgroupMount]
    memory_group: str
    drop: list[int]
    security: Security | None
    init: Init
