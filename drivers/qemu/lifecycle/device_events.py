# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU's events about single devices."""

from __future__ import annotations

from typing import Any, Literal

from conf.domain import Domain
from conf.domain.devices.chardev import Channel
from conf.domain.devices.disk import Disk
from drivers.common.images.changes import images
from drivers.qemu.guest import Guest
from drivers.qemu.hotplug import plugging
from drivers.qemu.lifecycle import state_events
from virtd.enums import ConnectDomainEventAgentLifecycleReason as AgentReason
from virtd.enums import ConnectDomainEventAgentLifecycleState as AgentState
from virtd.enums import (
    DomainEventGraphicsAddressType,
    DomainEventGraphicsPhase,
    DomainEventID,
    DomainEventIOErrorAction,
    DomainEventTrayChangeReason,
    DomainMemoryFailureActionType,
    DomainMemoryFailureFlags,
    DomainMemoryFailureRecipientType,
    DomainPausedReason,
    DomainState,
)

#: The channel a guest agent listens on.
AGENT_CHANNEL = "org.qemu.guest_agent.0"

_IO_ACTIONS = {
    "ignore": DomainEventIOErrorAction.NONE,
    "stop": DomainEventIOErrorAction.PAUSE,
    "report": DomainEventIOErrorAction.REPORT,
}
_ADDRESS_TYPES = {
    "ipv4": DomainEventGraphicsAddressType.IPV4,
    "ipv6": DomainEventGraphicsAddressType.IPV6,
    "unix": DomainEventGraphicsAddressType.UNIX,
}


def agent_channel(live: Domain) -> Channel | None:
    """The channel that a guest's agent listens on, if it has one."""
    return next((c for c in live.devices.channels if c.target.name == AGENT_CHANNEL), None)


def disk_by_device(live: Domain, device: str) -> Any:
    """The disk that QEMU calls `device`: its alias, QOM path, or drive name; None where there is none."""
    name = device.removeprefix("/machine/peripheral/").split("/")[0].removeprefix("drive-")
    return next((d for d in live.devices.disks if d.alias and name in (d.alias, d.alias.removeprefix("ua-"))), None)


def disk_by_node(live: Domain, node: object) -> Disk | None:
    """The disk that has the image which QEMU calls `node`; None where there is none."""
    return next((disk for disk in live.devices.disks for layer in images(disk) if layer.format_node == node), None)


def disk_path(disk: Any) -> str:
    """The path events show for a disk."""
    source = disk.source if disk is not None else None
    return (source.file or source.dev or "") if source is not None else ""


def io_error(guest: Guest, data: dict[str, Any]) -> None:
    """Reading or writing a disk failed."""
    live = guest.require_active()
    device = str(data.get("qom-path") or data.get("device") or "")
    disk = disk_by_node(live, data.get("node-name")) or disk_by_device(live, device)
    alias = disk.alias if disk is not None else ""
    action = _IO_ACTIONS.get(str(data.get("action")), DomainEventIOErrorAction.NONE)
    reason = "enospc" if data.get("nospace") else ""
    guest.emit(DomainEventID.IO_ERROR, disk_path(disk), alias, action)
    guest.emit(DomainEventID.IO_ERROR_REASON, disk_path(disk), alias, action, reason)
    if action == DomainEventIOErrorAction.PAUSE and guest.state == DomainState.RUNNING:
        state_events.paused(guest, DomainPausedReason.IOERROR)


def rtc_changed(guest: Guest, data: dict[str, Any]) -> None:
    """The guest set its clock."""
    live, offset = guest.require_active(), data.get("offset")
    if not isinstance(offset, int):
        return
    if live.clock is not None and live.clock.offset == "variable":
        offset += getattr(live.clock, "adjustment0", 0) or 0
        live.clock.adjustment = str(offset)
        guest.save_status_soon()
    guest.emit(DomainEventID.RTC_CHANGE, offset)


def balloon_changed(guest: Guest, data: dict[str, Any]) -> None:
    """The guest gave memory back or took some."""
    live, actual = guest.require_active(), data.get("actual")
    if not isinstance(actual, int):
        return
    live.current_memory = actual // 1024
    guest.save_status_soon()
    guest.emit(DomainEventID.BALLOON_CHANGE, actual // 1024)


def tray_moved(guest: Guest, data: dict[str, Any]) -> None:
    """A removable drive's tray was opened or closed."""
    live = guest.require_active()
    disk = disk_by_device(live, str(data.get("id") or data.get("device") or ""))
    if disk is None:
        return
    is_open = bool(data.get("tray-open"))
    disk.target.tray = "open" if is_open else None
    guest.save_status_soon()
    reasons = DomainEventTrayChangeReason
    guest.emit(DomainEventID.TRAY_CHANGE, disk.alias, reasons.OPEN if is_open else reasons.CLOSE)


def deleted(guest: Guest, data: dict[str, Any]) -> None:
    """The guest let go of a device."""
    alias = data.get("device")
    if isinstance(alias, str) and guest.runtime is not None:
        guest.runtime.devices.discard(alias)
        removal = guest.runtime.removals.get(alias)
        if removal is None:
            guest.tasks.spawn(plugging.removed_late(guest, alias), f"removal of {alias}")
        elif not removal.done():
            removal.set_result(None)


def unplug_refused(guest: Guest, data: dict[str, Any]) -> None:
    """The guest does not let go of a device."""
    alias = data.get("device")
    if isinstance(alias, str):
        guest.emit(DomainEventID.DEVICE_REMOVAL_FAILED, alias)


def serial_port_changed(guest: Guest, data: dict[str, Any]) -> None:
    """A program in the guest opened or closed its end of a channel."""
    live, alias, is_open = guest.require_active(), data.get("id"), bool(data.get("open"))
    channel = next((c for c in live.devices.channels if c.alias == alias), None)
    if channel is None or channel.target is None:
        return
    state: Literal["connected", "disconnected"] = "connected" if is_open else "disconnected"
    if channel.target.state == state:
        return
    channel.target.state = state
    guest.save_status_soon()
    if channel.target.name == AGENT_CHANNEL:
        states = AgentState
        guest.emit(
            DomainEventID.AGENT_LIFECYCLE, states.CONNECTED if is_open else states.DISCONNECTED, AgentReason.CHANNEL
        )


def vnc_connected(guest: Guest, data: dict[str, Any]) -> None:
    _graphics(guest, DomainEventGraphicsPhase.CONNECT, data)


def vnc_initialized(guest: Guest, data: dict[str, Any]) -> None:
    _graphics(guest, DomainEventGraphicsPhase.INITIALIZE, data)


def vnc_disconnected(guest: Guest, data: dict[str, Any]) -> None:
    _graphics(guest, DomainEventGraphicsPhase.DISCONNECT, data)


def spice_connected(guest: Guest, data: dict[str, Any]) -> None:
    _graphics(guest, DomainEventGraphicsPhase.CONNECT, data, host="host", port="port", scheme="spice")


def spice_initialized(guest: Guest, data: dict[str, Any]) -> None:
    _graphics(guest, DomainEventGraphicsPhase.INITIALIZE, data, host="host", port="port", scheme="spice")


def spice_disconnected(guest: Guest, data: dict[str, Any]) -> None:
    _graphics(guest, DomainEventGraphicsPhase.DISCONNECT, data, host="host", port="port", scheme="spice")


def _graphics(
    guest: Guest, phase: int, data: dict[str, Any], host: str = "host", port: str = "service", scheme: str = ""
) -> None:
    """Tell who came to or left the screen."""
    server, client = _object(data.get("server")), _object(data.get("client"))
    subject = [
        (kind, str(client[key]))
        for kind, key in (("x509dname", "x509_dname"), ("saslUsername", "sasl_username"))
        if key in client
    ]
    guest.emit(
        DomainEventID.GRAPHICS,
        phase,
        _address(server, host, port),
        _address(client, host, port),
        str(server.get("auth", scheme)),
        subject,
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _address(end: dict[str, Any], host: str, port: str) -> tuple[int, str, str]:
    family = _ADDRESS_TYPES.get(str(end.get("family")), DomainEventGraphicsAddressType.IPV4)
    return family, str(end.get(host, "")), str(end.get(port, ""))


_RECIPIENTS = {
    "hypervisor": DomainMemoryFailureRecipientType.HYPERVISOR,
    "guest": DomainMemoryFailureRecipientType.GUEST,
}
_FAILURE_ACTIONS = {
    "ignore": DomainMemoryFailureActionType.IGNORE,
    "inject": DomainMemoryFailureActionType.INJECT,
    "fatal": DomainMemoryFailureActionType.FATAL,
    "reset": DomainMemoryFailureActionType.RESET,
}


def memory_failure(guest: Guest, data: dict[str, Any]) -> None:
    """The host's memory below the guest is damaged."""
    recipient, action = _RECIPIENTS.get(str(data.get("recipient"))), _FAILURE_ACTIONS.get(str(data.get("action")))
    told = _object(data.get("flags"))
    if recipient is None or action is None:
        return
    flags = DomainMemoryFailureFlags.ACTION_REQUIRED if told.get("action-required") else 0
    flags |= DomainMemoryFailureFlags.RECURSIVE if told.get("recursive") else 0
    guest.emit(DomainEventID.MEMORY_FAILURE, recipient, action, flags)


def memory_size_changed(guest: Guest, data: dict[str, Any]) -> None:
    """A virtio-mem device has grown or shrunk."""
    alias, size = data.get("id"), data.get("size")
    if isinstance(alias, str) and isinstance(size, int):
        for module in guest.require_active().devices.memories:
            if module.alias == alias:
                module.target.current = size // 1024
                guest.save_status_soon()
        guest.emit(DomainEventID.MEMORY_DEVICE_SIZE_CHANGE, alias, size // 1024)
