# SPDX-License-Identifier: LGPL-2.1-or-later
"""QMP commands as functions: the only place (with `block/commands.py`) that knows their names and arguments.

Each takes the monitor first and raises what `Monitor.execute` raises.  Replies come from outside and are
returned as QEMU gives them, unless the type says more.  `patience` is the deadline in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from drivers.qemu.monitor import COMMAND_TIMEOUT, Monitor
from virtd.errors import Code, VirtError

Reply = dict[str, Any]


def without_none(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that are given."""
    return {name: value for name, value in arguments.items() if value is not None}


def as_dict(reply: Any, command: str) -> Reply:
    """`reply` if it is an object.

    Raises:
        VirtError: INTERNAL_ERROR, in libvirt's words.
    """
    if not isinstance(reply, dict):
        raise VirtError(Code.INTERNAL_ERROR, f"{command} reply was missing return data")
    return reply


def as_list(reply: Any, command: str) -> list[Reply]:
    """`reply` if it is a list of objects.

    Raises:
        VirtError: INTERNAL_ERROR, in libvirt's words.
    """
    if not isinstance(reply, list) or not all(isinstance(item, dict) for item in reply):
        raise VirtError(Code.INTERNAL_ERROR, f"{command} reply was missing return data")
    return reply


# -- the machine


@dataclass(slots=True, frozen=True)
class Status:
    """What `query-status` says: `status` is QMP's RunState ("running", "paused", "io-error" …)."""

    running: bool
    status: str


async def query_status(monitor: Monitor, *, patience: float = COMMAND_TIMEOUT) -> Status:
    """Whether virtual CPUs run, and if not why."""
    reply = as_dict(await monitor.execute("query-status", timeout=patience), "query-status")
    return Status(reply.get("running") is True, str(reply.get("status")))


async def stop(monitor: Monitor) -> None:
    """Stop the virtual CPUs; disks are drained and flushed when this returns."""
    await monitor.execute("stop")


async def cont(monitor: Monitor) -> None:
    """Let the virtual CPUs run."""
    await monitor.execute("cont")


async def system_powerdown(monitor: Monitor) -> None:
    """Press the power button."""
    await monitor.execute("system_powerdown")


async def system_reset(monitor: Monitor) -> None:
    """Press the reset button."""
    await monitor.execute("system_reset")


async def system_wakeup(monitor: Monitor) -> None:
    """Wake a guest from S3."""
    await monitor.execute("system_wakeup")


async def set_action(monitor: Monitor, **actions: str) -> None:
    """`set-action`: what guest events do, e.g. `reboot="shutdown"`."""
    await monitor.execute("set-action", actions)


async def inject_nmi(monitor: Monitor) -> None:
    """Send an NMI to the guest."""
    await monitor.execute("inject-nmi")


async def human_monitor_command(monitor: Monitor, line: str, *, patience: float = COMMAND_TIMEOUT) -> str:
    """Run a line of the human monitor and return what it prints."""
    reply = await monitor.execute("human-monitor-command", {"command-line": line}, timeout=patience)
    return reply if isinstance(reply, str) else ""


# -- processors and memory


async def query_cpus_fast(monitor: Monitor, *, patience: float = COMMAND_TIMEOUT) -> list[Reply]:
    """Virtual CPUs with the host's thread ids."""
    return as_list(await monitor.execute("query-cpus-fast", timeout=patience), "query-cpus-fast")


async def expand_cpu_model(monitor: Monitor, name: str, props: Mapping[str, bool]) -> Reply:
    """All properties of a CPU of this model with these features on or off."""
    model = {"name": name, "props": dict(props)}
    reply = await monitor.execute("query-cpu-model-expansion", {"type": "full", "model": model})
    return as_dict(as_dict(reply, "query-cpu-model-expansion").get("model"), "model").get("props") or {}


async def query_hotpluggable_cpus(monitor: Monitor) -> list[Reply]:
    """Slots for virtual CPUs, filled or not."""
    return as_list(await monitor.execute("query-hotpluggable-cpus"), "query-hotpluggable-cpus")


async def query_balloon(monitor: Monitor, *, patience: float = COMMAND_TIMEOUT) -> int:
    """Bytes the guest has now."""
    actual = as_dict(await monitor.execute("query-balloon", timeout=patience), "query-balloon").get("actual")
    return actual if isinstance(actual, int) else 0


async def query_memory_devices(monitor: Monitor) -> list[Reply]:
    """Memory modules: `type`, and `data` that depends on it."""
    return as_list(await monitor.execute("query-memory-devices"), "query-memory-devices")


async def balloon(monitor: Monitor, size: int) -> None:
    """Ask the guest to make do with `size` bytes."""
    await monitor.execute("balloon", {"value": size})


# -- objects and devices


async def qom_list(monitor: Monitor, path: str) -> list[Reply]:
    """The properties of an object."""
    return as_list(await monitor.execute("qom-list", {"path": path}), "qom-list")


async def qom_get(monitor: Monitor, path: str, property_: str, *, patience: float = COMMAND_TIMEOUT) -> Any:
    """A property's value."""
    return await monitor.execute("qom-get", {"path": path, "property": property_}, timeout=patience)


async def qom_set(monitor: Monitor, path: str, property_: str, value: Any) -> None:
    """Set a property."""
    await monitor.execute("qom-set", {"path": path, "property": property_, "value": value})


async def object_add(monitor: Monitor, properties: Mapping[str, Any]) -> None:
    """Make an object (`qom-type`, `id` and what it needs)."""
    await monitor.execute("object-add", properties)


async def object_del(monitor: Monitor, identifier: str) -> None:
    """Remove an object."""
    await monitor.execute("object-del", {"id": identifier})


async def device_add(monitor: Monitor, properties: Mapping[str, Any]) -> None:
    """Plug a device in (`driver`, `id` and what it needs)."""
    await monitor.execute("device_add", properties)


async def device_del(monitor: Monitor, identifier: str) -> None:
    """Ask for a device to be unplugged; DEVICE_DELETED tells when it is gone."""
    await monitor.execute("device_del", {"id": identifier})


async def netdev_add(monitor: Monitor, properties: Mapping[str, Any]) -> None:
    """Make a network backend."""
    await monitor.execute("netdev_add", properties)


async def netdev_del(monitor: Monitor, identifier: str) -> None:
    """Remove a network backend."""
    await monitor.execute("netdev_del", {"id": identifier})


async def set_link(monitor: Monitor, name: str, *, up: bool) -> None:
    """Pull or plug a network card's cable."""
    await monitor.execute("set_link", {"name": name, "up": up})


async def query_chardev(monitor: Monitor) -> dict[str, str]:
    """Character device label → QEMU's name of it ("pty:/dev/pts/3")."""
    reply = as_list(await monitor.execute("query-chardev"), "query-chardev")
    return {str(c.get("label")): str(c.get("filename")) for c in reply}


async def chardev_add(monitor: Monitor, identifier: str, backend: Mapping[str, Any]) -> Reply:
    """Make a character device; a pty's path is in the reply."""
    return as_dict(await monitor.execute("chardev-add", {"id": identifier, "backend": backend}), "chardev-add")


async def chardev_remove(monitor: Monitor, identifier: str) -> None:
    """Remove a character device."""
    await monitor.execute("chardev-remove", {"id": identifier})


# -- descriptors


async def getfd(monitor: Monitor, name: str, fd: int) -> None:
    """Give QEMU a descriptor under a name."""
    await monitor.send_fd("getfd", {"fdname": name}, fd)


async def closefd(monitor: Monitor, name: str) -> None:
    """Let QEMU close one again."""
    await monitor.execute("closefd", {"fdname": name})


# -- screen, keyboard, remote displays


async def screendump(
    monitor: Monitor,
    filename: str,
    device: str | None = None,
    head: int | None = None,
    format_: str | None = None,
) -> None:
    """Write the screen (`format_`: "png"; else as PPM) to a file QEMU may write to."""
    arguments = {"filename": filename, "device": device, "head": head, "format": format_}
    await monitor.execute("screendump", without_none(arguments))


async def add_client(monitor: Monitor, protocol: str, fdname: str, *, skip_auth: bool) -> None:
    """Give a connected socket, named by `getfd`, to the "vnc" or "spice" server."""
    await monitor.execute("add_client", {"protocol": protocol, "fdname": fdname, "skipauth": skip_auth})


async def send_key(monitor: Monitor, keycodes: Iterable[int], hold_ms: int | None = None) -> None:
    """Press and release keys together; `keycodes` are QEMU's numbers."""
    keys = [{"type": "number", "data": code} for code in keycodes]
    await monitor.execute("send-key", without_none({"keys": keys, "hold-time": hold_ms}))


async def set_password(monitor: Monitor, protocol: str, password: str, connected: str | None = None) -> None:
    """Set the password of "vnc" or "spice"."""
    arguments = {"protocol": protocol, "password": password, "connected": connected}
    await monitor.execute("set_password", without_none(arguments))


async def expire_password(monitor: Monitor, protocol: str, when: str) -> None:
    """When that password ends: "now", "never", or seconds since 1970."""
    await monitor.execute("expire_password", {"protocol": protocol, "time": when})
