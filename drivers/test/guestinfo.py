# SPDX-License-Identifier: LGPL-2.1-or-later
"""Everything that the agent in a guest knows, at once, and the agent's own commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from drivers.test.addresses import HOSTNAME, addresses
from drivers.test.agent import filesystems
from drivers.test.base import DomainPart
from drivers.test.guest import TestGuest
from virtd.enums import DomainGuestInfoTypes as Info
from virtd.errors import Code, From, VirtError, check_flags, invalid_arg
from virtd.params import ParamList, TypedParam
from virtd.refs import DomainRef

_FILESYSTEM_SIZE, _FILESYSTEM_USED = 100 << 30, 10 << 30
_OS = {
    "id": "test",
    "name": "Test",
    "pretty-name": "Test Guest 1",
    "version": "1",
    "version-id": "1",
    "kernel-release": "6.1.0",
    "kernel-version": "1",
    "machine": "i686",
}


class GuestInfoApi(DomainPart):
    """virDomainGetGuestInfo, virDomainAgentSetResponseTimeout, virDomainQemuAgentCommand."""

    def domain_get_guest_info(self, dom: DomainRef, types: int, flags: int) -> list[TypedParam]:
        """virDomainGetGuestInfo."""
        check_flags(flags, 0, "testDomainGetGuestInfo")
        guest, params = self._running(dom), ParamList()
        if types & ~sum(_INFO):
            raise invalid_arg(f"unsupported guest information types '0x{types & ~sum(_INFO):x}'")
        for bit, add in _INFO.items():
            if not types or types & bit:
                add(guest, params)
        return params

    def domain_agent_set_response_timeout(self, dom: DomainRef, timeout: int, flags: int) -> None:
        """virDomainAgentSetResponseTimeout: agents here answer at once."""
        check_flags(flags, 0, "testDomainAgentSetResponseTimeout")
        if timeout < -2:
            text = f"guest agent timeout '{timeout}' is less than the minimum '-2'"
            raise VirtError(Code.INVALID_ARG, text, source=From.DOMAIN, bare=True)
        self._guest(dom)

    def qemu_domain_agent_command(self, dom: DomainRef, cmd: str, timeout: int, flags: int) -> str:
        """virDomainQemuAgentCommand: a few of the commands that QEMU's agent knows."""
        check_flags(flags, 0, "testDomainQemuAgentCommand")
        guest = self._running(dom)
        try:
            name = json.loads(cmd)["execute"]
        except (ValueError, KeyError, TypeError):
            raise invalid_arg("the command is no JSON object with 'execute'") from None
        if name not in _COMMANDS:
            raise VirtError(Code.INTERNAL_ERROR, f"unable to execute QEMU agent command '{name}': not found")
        return json.dumps({"return": _COMMANDS[name](guest)})


# virDomainGetGuestInfo ---------------------------------------------------------------------------


def _add_users(_guest: TestGuest, params: ParamList) -> None:
    params.add_uint("user.count", 1)
    params.add_string("user.0.name", "root")
    params.add_ullong("user.0.login-time", 1)


def _add_os(_guest: TestGuest, params: ParamList) -> None:
    for name, value in _OS.items():
        params.add_string(f"os.{name}", value)


def _add_timezone(_guest: TestGuest, params: ParamList) -> None:
    params.add_string("timezone.name", "UTC")
    params.add_int("timezone.offset", 0)


def _add_hostname(_guest: TestGuest, params: ParamList) -> None:
    params.add_string("hostname", HOSTNAME)


def _add_filesystems(guest: TestGuest, params: ParamList) -> None:
    found = filesystems(guest)
    params.add_uint("fs.count", len(found))
    for number, (mount, (name, kind, disk)) in enumerate(found.items()):
        params.add_string(f"fs.{number}.name", name)
        params.add_string(f"fs.{number}.mountpoint", mount)
        params.add_string(f"fs.{number}.fstype", kind)
        params.add_ullong(f"fs.{number}.total-bytes", _FILESYSTEM_SIZE)
        params.add_ullong(f"fs.{number}.used-bytes", _FILESYSTEM_USED)
        params.add_uint(f"fs.{number}.disk.count", 1)
        params.add_string(f"fs.{number}.disk.0.alias", disk)


def _add_disks(guest: TestGuest, params: ParamList) -> None:
    disks = guest.definition.devices.disks
    params.add_uint("disk.count", len(disks))
    for number, disk in enumerate(disks):
        params.add_string(f"disk.{number}.name", f"/dev/{disk.target.dev}")
        params.add_bool(f"disk.{number}.partition", False)
        params.add_string(f"disk.{number}.alias", disk.target.dev or "")


def _add_interfaces(guest: TestGuest, params: ParamList) -> None:
    interfaces = guest.definition.devices.interfaces
    params.add_uint("if.count", len(interfaces))
    for number, interface in enumerate(interfaces):
        _name, mac, ((_kind, address, prefix),) = addresses(guest, interface, number)
        params.add_string(f"if.{number}.name", f"eth{number}")
        params.add_string(f"if.{number}.hwaddr", mac or "")
        params.add_uint(f"if.{number}.addr.count", 1)
        params.add_string(f"if.{number}.addr.0.type", "ipv6" if ":" in address else "ipv4")
        params.add_string(f"if.{number}.addr.0.addr", address)
        params.add_uint(f"if.{number}.addr.0.prefix", prefix)


#: What can be asked for → what adds it.
_INFO: dict[int, Callable[[TestGuest, ParamList], None]] = {
    Info.USERS: _add_users,
    Info.OS: _add_os,
    Info.TIMEZONE: _add_timezone,
    Info.HOSTNAME: _add_hostname,
    Info.FILESYSTEM: _add_filesystems,
    Info.DISKS: _add_disks,
    Info.INTERFACES: _add_interfaces,
}

#: The agent's own commands → their answers.
_COMMANDS: dict[str, Callable[[TestGuest], Any]] = {
    "guest-ping": lambda _guest: {},
    "guest-sync": lambda _guest: 0,
    "guest-get-host-name": lambda _guest: {"host-name": HOSTNAME},
    "guest-get-osinfo": lambda _guest: _OS,
    "guest-get-time": lambda guest: guest.time[0] * 10**9 + guest.time[1],
    "guest-get-timezone": lambda _guest: {"zone": "UTC", "offset": 0},
    "guest-fsfreeze-status": lambda guest: "frozen" if guest.frozen else "thawed",
    "guest-info": lambda _guest: {"version": "1", "supported_commands": [{"name": name} for name in sorted(_COMMANDS)]},
}
