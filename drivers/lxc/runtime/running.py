# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is done with a container while it runs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from conf.domain.devices.interface import Interface
from drivers.lxc.runstate import RunState
from drivers.lxc.runtime import bandwidth, consoles, hostdevices, interfaces, limits, sharing
from drivers.lxc.runtime.cgroup import Cgroup, Hierarchies
from drivers.lxc.runtime.controller import Controller
from virtd.errors import Code, VirtError, operation_invalid
from virtd.threads import in_thread

if TYPE_CHECKING:
    from drivers.lxc.guest import Guest


def _run_of(guest: Guest) -> RunState:
    if guest.run is None or not guest.run.init_pid:
        raise operation_invalid("domain is not running")
    return guest.run


def _controller(guest: Guest) -> Controller:
    controller = _run_of(guest).controller
    assert isinstance(controller, Controller)
    return controller


def cgroup(guest: Guest) -> Cgroup:
    """The container's control group; without one, in session mode, it has no controllers.

    Raises:
        VirtError: OPERATION_INVALID, it does not run.
    """
    run = _run_of(guest)
    return Cgroup(Hierarchies.find() if run.cgroup else Hierarchies({}, None), run.cgroup)


async def freeze(guest: Guest) -> None:
    """Stop all processes of the container; returns when they stand."""
    await in_thread(cgroup(guest).freeze)


async def thaw(guest: Guest) -> None:
    """Let them go on."""
    cgroup(guest).thaw()


def namespaces(guest: Guest) -> list[tuple[str, int]]:
    """The container's namespaces: (name, descriptor), the caller's.

    Raises:
        VirtError: OPERATION_INVALID, SYSTEM_ERROR.
    """
    return sharing.open_own(_run_of(guest).init_pid)


def open_console(guest: Guest, alias: str) -> int:
    """A new descriptor of the host's end of a terminal, which does not block.

    Raises:
        VirtError: INTERNAL_ERROR, there is no such console; SYSTEM_ERROR.
    """
    _run_of(guest)
    return consoles.open_end(guest.require_active(), alias)


async def ask_init(guest: Guest, runlevel: str) -> bool:
    """Ask init by its fifo to change to a run level ("0" is off, "6" again); False: it has none."""
    return bool(await _controller(guest).ask("run_level", level=runlevel))


def signal_init(guest: Guest, number: int) -> None:
    """Send a signal to init.

    Raises:
        VirtError: SYSTEM_ERROR.
    """
    run = _run_of(guest)
    try:
        os.kill(run.init_pid, number)
    except OSError as error:
        text = f"Failed to send signal {number} to process {run.init_pid}: {error.strerror}"
        raise VirtError(Code.SYSTEM_ERROR, text, ints=(error.errno or 0, -1)) from error


# -- devices


async def attach_device(guest: Guest, device: Any) -> None:
    """Give the container a disk, hostdev or interface more; the caller then puts it into the live definition.

    Raises:
        VirtError: it cannot be had; nothing was changed.
    """
    controller, run = _controller(guest), _run_of(guest)
    planned = _planned_interface(guest, device)
    if planned is not None:
        name = str(await controller.ask("add_interface", interface=planned))
        if isinstance(device, Interface):
            interfaces.note_guest_name(device, planned["guest"])
        if name:
            run.veths.append(name)
            device.name_target(name)
            if isinstance(device, Interface) and device.bandwidth is not None:
                await bandwidth.limit(name, device.bandwidth)
        return
    node = await in_thread(hostdevices.node, device)
    await in_thread(_allow, guest, device)  # the controller is in the group itself
    try:
        await controller.ask("add_node", node=node)
    except BaseException:
        await in_thread(_deny, guest, device)
        raise


def _planned_interface(guest: Guest, device: Any) -> Any:
    """The plan of a network device; None: it is no such device.

    Raises:
        VirtError: OPERATION_INVALID, the container uses the host's network.
    """
    if not isinstance(device, Interface) and not hostdevices.is_net(device):
        return None
    if not has_own_net(guest):
        raise operation_invalid("Attaching an interface to a container without a private network is not possible")
    if isinstance(device, Interface):
        return interfaces.plan(device, interfaces.name_for(guest.require_active(), device))
    return interfaces.plan_hostdev(device)


def _images(guest: Guest) -> list[str]:
    """The loop devices of its disks."""
    return guest.run.loops if guest.run is not None else []


def has_own_net(guest: Guest) -> bool:
    """Whether the container has a network namespace of its own."""
    init = _run_of(guest).init_pid
    return os.readlink(f"/proc/{init}/ns/net") != os.readlink("/proc/self/ns/net")


def _allow(guest: Guest, device: Any) -> None:
    rule = limits.device_rule(device)
    if rule is not None and cgroup(guest).has("devices"):
        cgroup(guest).allow_device(limits.device_rules(guest.require_active(), _images(guest)), rule)


async def detach_device(guest: Guest, device: Any) -> None:
    """Take a disk, hostdev or interface away; the caller then takes it out of the live definition.

    Raises:
        VirtError: it could not be taken away.
    """
    controller = _controller(guest)
    if isinstance(device, Interface):
        await _detach_interface(guest, device)
    elif hostdevices.is_net(device):
        await controller.ask("give_back", name=device.source.interface)
    else:
        node = hostdevices.node(device, _images(guest))
        assert node is not None
        await controller.ask("remove_node", path=node["path"])
        await in_thread(_deny, guest, device)


async def _detach_interface(guest: Guest, device: Any) -> None:
    run = _run_of(guest)
    name = device.target.dev if device.target is not None else None
    inner = interfaces.name_for(guest.require_active(), device)
    await _controller(guest).ask("remove_interface", name=inner)
    if name in run.veths:
        run.veths.remove(name)


def _deny(guest: Guest, device: Any) -> None:
    """Take back what a device was allowed for, unless another of the container's needs it too."""
    rule, live = limits.device_rule(device, _images(guest)), guest.require_active()
    if rule is None or not cgroup(guest).has("devices"):
        return
    rest = limits.device_rules(live, _images(guest))
    if any(device is other for other in (*live.devices.disks, *live.devices.hostdevs)):
        rest.remove(rule)
    if rule not in rest:
        cgroup(guest).deny_device(rest, rule)
