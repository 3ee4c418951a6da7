# SPDX-License-Identifier: LGPL-2.1-or-later
"""A scope of systemd's for a guest's process, so that it is no part of the daemon's own service.

systemd-machined registers the guest as well (`machinectl list`); where only systemd is there, it makes the scope alone.
systemd removes the scope when its last process ends.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from virtd.errors import VirtError
from virtd.host import dbus

if TYPE_CHECKING:
    from dbus_fast import Message, Variant

log = logging.getLogger(__name__)

#: Seconds for either service to answer.
TIMEOUT = 10.0


def systemd_runs() -> bool:
    """Whether systemd is the host's first process and keeps the control groups."""
    return os.path.isdir("/run/systemd/system")


async def register(name: str, uuid: bytes, pid: int, kind: str) -> bool:
    """Give the process a scope below machine.slice; False, with a line in the log, where that cannot be.

    Args:
        name: the machine's, such as `qemu-1-demo`; letters that a machine's name cannot have are left out.
        kind: `vm` or `container`.
    """
    machine = "".join(c for c in name if c.isascii() and (c.isalnum() or c in "-."))[:64].strip("-.")
    for question in (_machine(machine, uuid, pid, kind), _scope(machine, pid)):
        try:
            await dbus.ask(question, timeout=TIMEOUT)
        except (VirtError, TimeoutError) as error:
            log.info("%s of %s: %s", question.member, machine, error)
        else:
            return True
    log.warning("%s stays in the daemon's own control group", machine)
    return False


def _properties() -> list[list[str | Variant]]:
    """Of a guest's scope.

    When the host goes down, libvirt-guests.service ends its guests gently before systemd ends their scopes, and the
    daemon that it asks goes last: units are stopped in the reverse of the order in which they start.
    """
    from dbus_fast import Variant

    return [
        ["Slice", Variant("s", "machine.slice")],
        ["Delegate", Variant("b", True)],
        ["After", Variant("as", ["virtd.service"])],
        ["Before", Variant("as", ["virt-guest-shutdown.target"])],
    ]


def _machine(machine: str, uuid: bytes, pid: int, kind: str) -> Message:
    from dbus_fast import Message

    return Message(
        destination="org.freedesktop.machine1",
        path="/org/freedesktop/machine1",
        interface="org.freedesktop.machine1.Manager",
        member="CreateMachine",
        signature="sayssusa(sv)",
        body=[machine, uuid, "virtd", kind, pid, "", _properties()],
    )


def _scope(machine: str, pid: int) -> Message:
    from dbus_fast import Message, Variant

    unit = f"machine-{machine.replace('-', chr(92) + 'x2d')}.scope"
    properties = [
        *_properties(),
        ["PIDs", Variant("au", [pid])],
        ["CollectMode", Variant("s", "inactive-or-failed")],
    ]
    return Message(
        destination="org.freedesktop.systemd1",
        path="/org/freedesktop/systemd1",
        interface="org.freedesktop.systemd1.Manager",
        member="StartTransientUnit",
        signature="ssa(sv)a(sa(sv))",
        body=[unit, "fail", properties, []],
    )
