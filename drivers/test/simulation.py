# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a test makes things happen: commands to a guest's monitor, from clients as they are.

    virsh qemu-monitor-command GUEST '{"execute": "advance", "arguments": {"seconds": 60}}'

docs/test-driver.md lists them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from drivers.test.base import DomainPart
from drivers.test.faults import Fault
from drivers.test.guest import TestGuest
from drivers.test.tuning import disk_of
from virtd.enums import (
    DomainEventID,
    DomainEventIOErrorAction,
    DomainEventSuspendedDetailType,
    DomainEventWatchdogAction,
    DomainPausedReason,
)
from virtd.errors import check_flags, invalid_arg
from virtd.refs import DomainRef

Arguments = dict[str, Any]


class SimulationApi(DomainPart):
    """virDomainQemuMonitorCommand."""

    def qemu_domain_monitor_command(self, dom: DomainRef, cmd: str, flags: int) -> str:
        """virDomainQemuMonitorCommand: `cmd` is a JSON object with "execute" and "arguments"."""
        check_flags(flags, 0, "testDomainQemuMonitorCommand")
        guest = self._guest(dom)
        try:
            request = json.loads(cmd)
            name, arguments = str(request["execute"]), dict(request.get("arguments", {}))
        except (ValueError, KeyError, TypeError):
            raise invalid_arg("the command is no JSON object with 'execute'") from None
        if name not in COMMANDS:
            raise invalid_arg(f"there is no command '{name}' but {', '.join(COMMANDS)}")
        try:
            COMMANDS[name](guest, arguments)
        except (KeyError, TypeError, ValueError) as error:
            raise invalid_arg(f"the arguments of '{name}' are wrong: {error}") from None
        return json.dumps({"return": {}})


def _advance(guest: TestGuest, arguments: Arguments) -> None:
    """The host's time moves on by `seconds`."""
    seconds = float(arguments["seconds"])
    if not 0 <= seconds < 1e9:
        raise ValueError(seconds)
    guest.world.clock.advance(seconds)


def _fault(guest: TestGuest, arguments: Arguments) -> None:
    """Calls of `function` fail or take long from now on; of this guest, unless `domain` is null."""
    given: Arguments = {"domain": guest.name, **arguments}
    guest.world.faults.append(Fault(**given))


def _no_faults(guest: TestGuest, _arguments: Arguments) -> None:
    """All is well again."""
    guest.world.faults.clear()


def _crash(guest: TestGuest, _arguments: Arguments) -> None:
    """The guest's system dies."""
    guest.require_active()
    guest.crash()


def _power_button(guest: TestGuest, _arguments: Arguments) -> None:
    """The guest powers itself off."""
    guest.shut_down()


def _watchdog(guest: TestGuest, _arguments: Arguments) -> None:
    """The guest did not feed its watchdog, and is paused."""
    guest.require_active()
    guest.emit(DomainEventID.WATCHDOG, DomainEventWatchdogAction.PAUSE)
    guest.pause(DomainPausedReason.WATCHDOG, DomainEventSuspendedDetailType.WATCHDOG)


def _io_error(guest: TestGuest, arguments: Arguments) -> None:
    """A disk (`device`) fails for a `reason`, "enospc" for example, and the guest is paused."""
    disk = disk_of(guest.require_active(), str(arguments["device"]))
    path = (disk.source and disk.source.local_path) or ""
    told = path, disk.target.dev or "", DomainEventIOErrorAction.PAUSE
    guest.emit(DomainEventID.IO_ERROR, *told)
    guest.emit(DomainEventID.IO_ERROR_REASON, *told, str(arguments.get("reason", "")))
    guest.pause(DomainPausedReason.IOERROR, DomainEventSuspendedDetailType.IOERROR)


COMMANDS: dict[str, Callable[[TestGuest, Arguments], None]] = {
    "advance": _advance,
    "fault": _fault,
    "no-faults": _no_faults,
    "crash": _crash,
    "power-button": _power_button,
    "watchdog": _watchdog,
    "io-error": _io_error,
}
