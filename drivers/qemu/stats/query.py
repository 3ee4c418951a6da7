# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asking one guest's QEMU for figures, without a QEMU that hangs holding anybody up."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from drivers.qemu.guest import Guest
from drivers.qemu.monitor import MonitorTimeout
from virtd.errors import VirtError

log = logging.getLogger(__name__)

#: Seconds for all the questions of one call to one guest: usually, where the caller does not want to wait
#: (NOWAIT), and where the QEMU is known to hang.
PATIENCE = 10.0
PATIENCE_NOWAIT = 0.4
PATIENCE_HUNG = 0.2


@dataclass(slots=True)
class Asker:
    """Questions to one guest within one call.  After the first that is not answered in time no more are asked."""

    guest: Guest
    nowait: bool = False
    mute: bool = False

    async def ask(self, command: str, arguments: dict[str, Any] | None = None) -> Any:
        """QEMU's reply, or None: it does not run, does not know the command, or does not answer."""
        runtime = self.guest.runtime
        monitor = runtime.monitor if runtime is not None else None
        if monitor is None or self.mute:
            return None
        patience = PATIENCE_HUNG if monitor.hung else PATIENCE_NOWAIT if self.nowait else PATIENCE
        try:
            return await monitor.execute(command, arguments, timeout=patience)
        except MonitorTimeout as error:
            self.mute = True
            log.warning("guest %s: %s", self.guest.name, error)
        except VirtError as error:
            log.debug("guest %s: %s", self.guest.name, error)
        return None
