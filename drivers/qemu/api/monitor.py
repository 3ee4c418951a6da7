# SPDX-License-Identifier: LGPL-2.1-or-later
"""Talking to a domain's QEMU past everything else."""

from __future__ import annotations

import json
import logging
from typing import Any

from drivers.qemu import commands
from drivers.qemu.api.base import Part
from drivers.qemu.guest import Guest
from virtd.calls import WithFds, current_call
from virtd.enums import DomainQemuMonitorCommandFlags as Flags
from virtd.errors import Code, From, VirtError, check_flags
from virtd.refs import DomainRef

log = logging.getLogger(__name__)

#: What virDomainGetMessages says of a guest whose monitor somebody used.
TAINT = "custom monitor control commands issued"


class MonitorApi(Part):
    """virDomainQemuMonitorCommand, virDomainQemuMonitorCommandWithFiles."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._serial = 0

    async def qemu_domain_monitor_command(self, dom: DomainRef, cmd: str, flags: int) -> str:
        """virDomainQemuMonitorCommand."""
        check_flags(flags, Flags.HMP, "qemuDomainQemuMonitorCommandWithFiles")
        guest = self._running(dom)
        guest.taint(TAINT)
        async with guest.job("modify"):
            if flags & Flags.HMP:
                return await commands.human_monitor_command(guest.monitor, cmd)
            return await self._qmp(guest, cmd, None)

    async def qemu_domain_monitor_command_with_files(self, dom: DomainRef, cmd: str, flags: int) -> WithFds:
        """virDomainQemuMonitorCommandWithFiles: with at most one descriptor for QEMU."""
        check_flags(flags, Flags.HMP, "qemuDomainQemuMonitorCommandWithFiles")
        guest, fds = self._running(dom), current_call.get().fds
        if len(fds) > 1:
            raise VirtError(Code.INVALID_ARG, "at most 1 fd can be passed to qemu along with a command")
        guest.taint(TAINT)
        async with guest.job("modify"):
            if flags & Flags.HMP:
                return WithFds(await commands.human_monitor_command(guest.monitor, cmd), [])
            return WithFds(await self._qmp(guest, cmd, fds[0] if fds else None), [])

    async def _qmp(self, guest: Guest, text: str, fd: int | None) -> str:
        """Send QEMU a message given as JSON; its refusals are answers, too, also of what is no command."""
        message = _parse(text)
        if not isinstance(message, dict):  # nothing that could carry an id to know the answer by
            return _dump({"error": {"class": "GenericError", "desc": "QMP input must be a JSON object"}})
        if "id" in message:
            raise VirtError(Code.INTERNAL_ERROR, "Unable to append command 'id' string")
        reply = await guest.monitor.converse(message, fd)
        if "execute" in message:
            self._serial += 1
            reply["id"] = f"libvirt-{self._serial}"
        else:
            reply.pop("id", None)
        return _dump(reply)


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _parse(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise VirtError(Code.INTERNAL_ERROR, f"cannot parse json {text}: {error}", source=From.NONE) from error
