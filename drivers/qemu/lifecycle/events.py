# SPDX-License-Identifier: LGPL-2.1-or-later
"""What QEMU tells: a function for each event, none of which waits."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from drivers.qemu.guest import Guest
from drivers.qemu.lifecycle import device_events, state_events
from drivers.qemu.monitor import EventListener
from virtd.events import Event, Kind

log = logging.getLogger(__name__)

Handler = Callable[[Guest, dict[str, Any]], None]

#: What is not here is of no concern but to the features and to monitor event listeners.
HANDLERS: dict[str, Handler] = {
    "STOP": state_events.stopped,
    "RESUME": state_events.resumed,
    "SHUTDOWN": state_events.shut_down,
    "RESET": state_events.reset,
    "SUSPEND": state_events.suspended_to_memory,
    "SUSPEND_DISK": state_events.suspended_to_disk,
    "WAKEUP": state_events.woken,
    "GUEST_PANICKED": state_events.panicked,
    "WATCHDOG": state_events.watchdog,
    "BLOCK_IO_ERROR": device_events.io_error,
    "RTC_CHANGE": device_events.rtc_changed,
    "BALLOON_CHANGE": device_events.balloon_changed,
    "DEVICE_TRAY_MOVED": device_events.tray_moved,
    "DEVICE_DELETED": device_events.deleted,
    "DEVICE_UNPLUG_GUEST_ERROR": device_events.unplug_refused,
    "VSERPORT_CHANGE": device_events.serial_port_changed,
    "VNC_CONNECTED": device_events.vnc_connected,
    "VNC_INITIALIZED": device_events.vnc_initialized,
    "VNC_DISCONNECTED": device_events.vnc_disconnected,
    "SPICE_CONNECTED": device_events.spice_connected,
    "SPICE_INITIALIZED": device_events.spice_initialized,
    "SPICE_DISCONNECTED": device_events.spice_disconnected,
    "MEMORY_FAILURE": device_events.memory_failure,
    "MEMORY_DEVICE_SIZE_CHANGE": device_events.memory_size_changed,
}


def listener(guest: Guest) -> EventListener:
    """What the guest's monitor calls for each event."""

    def heard(name: str, data: dict[str, Any], seconds: int, microseconds: int) -> None:
        if guest.live is None:
            return
        details = json.dumps(data, separators=(",", ":")) if data else None
        guest.context.env.events.emit(Event(Kind.QEMU_MONITOR, 0, guest.ref, (name, seconds, microseconds, details)))
        handler = HANDLERS.get(name)
        if handler is not None:
            handler(guest, data)
        for feature in guest.context.features:
            feature.on_event(guest, name, data)

    return heard
