# SPDX-License-Identifier: LGPL-2.1-or-later
"""A system bus of the test's own, by the real dbus-daemon."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from dbus_fast.aio import MessageBus

_CONFIG = """\
<busconfig><type>system</type><listen>unix:path={folder}/bus</listen><auth>EXTERNAL</auth>
<policy context='default'><allow send_destination='*'/><allow receive_sender='*'/><allow own='*'/><allow user='*'/></policy>
</busconfig>
"""


@asynccontextmanager
async def system_bus(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MessageBus]:
    """Run a bus, lead the code under test to it, and give a connection for services to stand on."""
    program = shutil.which("dbus-daemon")
    if program is None:
        pytest.skip("no dbus-daemon")
    config = folder / "bus.conf"
    config.write_text(_CONFIG.format(folder=folder))
    daemon = await asyncio.create_subprocess_exec(
        program, f"--config-file={config}", "--nofork", "--print-address", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert daemon.stdout
        await asyncio.wait_for(daemon.stdout.readline(), 5)  # it listens
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={folder}/bus")
        async with asyncio.timeout(5):
            bus = await MessageBus(bus_address=f"unix:path={folder}/bus").connect()
        yield bus
        bus.disconnect()
    finally:
        daemon.terminate()
        await daemon.wait()
