# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program: takes the plan, makes the container, stays until it has ended."""

from __future__ import annotations

import os
from _socket import CMSG_SPACE, socket

from drivers.lxc.controller import kernel, privileges
from drivers.lxc.controller.container import Container, ContainerError
from drivers.lxc.controller.control import Loop, Requests, listen
from drivers.lxc.controller.devices import Devices
from drivers.lxc.controller.meminfo import Meminfo
from drivers.lxc.controller.messages import Lines, ancillary_descriptors, line
from drivers.lxc.controller.terminals import bridge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from drivers.lxc.controller.plan import Plan, Range

#: As many descriptors as the kernel passes at once.
_MAX_DESCRIPTORS = 253
_CHUNK = 65536


def main() -> None:
    """Run with the daemon's socket as standard input."""
    daemon = socket(fileno=0)
    try:
        plan, descriptors = _receive(daemon)
        loop = _start(plan, descriptors, daemon)
    except ContainerError as error:
        daemon.sendall(line({"error": [error.number, error.text]}))
    except OSError as error:
        where = f" {error.filename}" if isinstance(error.filename, str) else ""
        daemon.sendall(line({"error": [error.errno or 0, f"{os.strerror(error.errno or 0)}{where}"]}))
    else:
        loop.run()
        if os.path.lexists(plan["socket"]):
            os.unlink(plan["socket"])


def _receive(daemon: socket) -> tuple[Plan, list[int]]:
    """The plan, and the descriptors that came along."""
    lines = Lines()
    descriptors: list[int] = []
    while True:
        data, ancillary, *_ = daemon.recvmsg(_CHUNK, CMSG_SPACE(4 * _MAX_DESCRIPTORS))
        descriptors += ancillary_descriptors(ancillary)
        if not data:
            raise SystemExit(1)  # the daemon thought better of it
        for plan in lines.feed(data):
            return plan, descriptors


def _start(plan: Plan, descriptors: list[int], daemon: socket) -> Loop:
    kernel.set_name(f"lxc-{plan['name']}")
    base = plan["folder"]
    for entrance in plan["groups"]:
        _join(entrance)
    if plan["delegated"]:
        _delegate(plan["delegated"])
    owner = _root_of(plan)
    devices = _make_folder(plan, base, owner)
    terminals = bridge([descriptors[i] for i in plan["terminals"]], devices.terminals, devices.show_terminal)
    for node in plan["nodes"]:
        devices.add(node)
    listener = listen(plan["socket"])
    meminfo = _make_meminfo(plan, base)
    container = Container(plan, descriptors, owner)
    veths = container.create()
    loop = Loop(container, terminals, Requests(container, devices), listener)
    loop.add_client(daemon)
    if meminfo is not None:
        loop.watch(meminfo.fd, meminfo.answer)
    daemon.sendall(line({"ok": {"init": container.pid, "veths": veths}}))
    return loop


def _join(entrance: str) -> None:
    with open(entrance, "w", encoding="ascii") as file:
        file.write("0")


def _delegate(folder: str) -> None:
    """Every controller that there is, one by one: some cannot be had together with what others do."""
    with open(f"{folder}/cgroup.controllers", encoding="ascii") as file:
        names = file.read().split()
    for name in names:
        try:
            with open(f"{folder}/cgroup.subtree_control", "w", encoding="ascii") as file:
                file.write(f"+{name}")
        except OSError:
            continue


def _make_meminfo(plan: Plan, base: str) -> Meminfo | None:
    """A /proc/meminfo of its own, where the host lets us; `base`/meminfo is what the container is shown."""
    path = f"{base}/meminfo"
    if not plan["memory_group"] or plan["rootless"]:
        return None
    try:
        return Meminfo(path, plan["memory_group"])
    except OSError:
        if os.path.lexists(path):
            os.unlink(path)
        return None


def _make_folder(plan: Plan, base: str, owner: tuple[int, int]) -> Devices:
    """Mounts of our own, seen by nobody else; in them the container's /dev and a place for its root."""
    if plan["rootless"]:
        privileges.become_own_root()
    else:
        kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount(None, "/", flags=kernel.MS_SLAVE | kernel.MS_REC)
    os.makedirs(base, exist_ok=True)
    kernel.mount("lxc", base, "tmpfs", kernel.MS_NOSUID, "mode=755,size=1048576")
    os.mkdir(f"{base}/root")
    devices = Devices(base, owner, real_nodes=not plan["rootless"])
    devices.make()
    return devices


def _root_of(plan: Plan) -> tuple[int, int]:
    """The host's numbers of the container's root."""
    return _outside(plan["uids"]), _outside(plan["gids"])


def _outside(ranges: list[Range]) -> int:
    return next((r["outside"] - r["inside"] for r in ranges if r["inside"] == 0), 0)
