# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tie between a guest and its running QEMU: monitor, events, notice of its end."""

from __future__ import annotations

import logging
from pathlib import Path

from drivers.qemu.guest import Guest
from drivers.qemu.lifecycle import ending, events
from drivers.qemu.monitor import Monitor
from virtd.host.unixsocket import short_name

log = logging.getLogger(__name__)


async def attach(guest: Guest, path: Path, *, seconds: float) -> Monitor:
    """Connect the guest's monitor and listen to what QEMU tells.

    Raises:
        VirtError: OPERATION_FAILED, it did not answer in `seconds`.
    """
    runtime = guest.runtime
    assert runtime is not None
    monitor = Monitor(guest.name)
    monitor.add_event_listener(events.listener(guest))
    with short_name(path) as address:
        await monitor.connect(address, timeout=seconds)
    runtime.monitor = monitor
    return monitor


def watch_end(guest: Guest) -> None:
    """From now on the end of the guest's process is the guest's end."""
    runtime = guest.runtime
    assert runtime is not None
    process = runtime.process
    assert process is not None
    process.on_end(lambda: ending.process_ended(guest, runtime))
    if process.ended:
        ending.process_ended(guest, runtime)
