# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an agent in the guest would answer.  Every running guest here has one."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable
from typing import Any

from conf.bitmap import format_bitmap
from conf.domain.devices.interface import Interface
from drivers.common.state import current_vcpus
from drivers.test.base import DomainPart
from drivers.test.guest import TestGuest
from virtd.enums import DomainAuthorizedSSHKeysSetFlags as Keys
from virtd.enums import DomainGetHostnameFlags, DomainSetTimeFlags, DomainSetUserPasswordFlags, IPAddrType
from virtd.enums import DomainGuestInfoTypes as Info
from virtd.enums import DomainInterfaceAddressesSource as Source
from virtd.errors import Code, From, VirtError, check_flags, invalid_arg, operation_invalid
from virtd.params import ParamList, TypedParam
from virtd.refs import DomainRef

HOSTNAME = "testhost"
#: Mount point → device, file system, disk.
FILESYSTEMS = {"/": ("vda1", "ext4", "vda"), "/boot": ("vda2", "ext4", "vda")}
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
#: Where guests get addresses whose network is not one of the host's.
_ELSEWHERE = ipaddress.ip_interface("192.168.0.2/24")


class AgentApi(DomainPart):
    """virDomainFS…, virDomain…Time, virDomainGetHostname, virDomainInterfaceAddresses, virDomainGetGuestInfo …"""

    # -- file systems

    def domain_get_fsinfo(self, dom: DomainRef, flags: int) -> list[tuple[str, str, str, list[str]]]:
        """virDomainGetFSInfo: mount point, device, kind and disks of each file system."""
        check_flags(flags, 0, "testDomainGetFSInfo")
        guest = self._running(dom)
        return [(mount, *info[:2], [info[2]]) for mount, info in filesystems(guest).items()]

    def domain_fsfreeze(self, dom: DomainRef, mountpoints: list[str], flags: int) -> int:
        """virDomainFSFreeze: how many were frozen by this."""
        check_flags(flags, 0, "testDomainFSFreeze")
        return self._freeze(dom, mountpoints, on=True)

    def domain_fsthaw(self, dom: DomainRef, mountpoints: list[str], flags: int) -> int:
        """virDomainFSThaw: how many were thawed by this."""
        check_flags(flags, 0, "testDomainFSThaw")
        return self._freeze(dom, mountpoints, on=False)

    def _freeze(self, dom: DomainRef, mountpoints: list[str], *, on: bool) -> int:
        guest = self._running(dom)
        for mountpoint in mountpoints:
            _check_mounted(mountpoint)
        wanted = set(mountpoints or FILESYSTEMS)
        changed = wanted - guest.frozen if on else wanted & guest.frozen
        guest.frozen ^= changed
        return len(changed)

    def domain_fstrim(self, dom: DomainRef, mount_point: str | None, minimum: int, flags: int) -> None:
        """virDomainFSTrim."""
        check_flags(flags, 0, "testDomainFSTrim")
        self._running(dom)
        if mount_point is not None:
            _check_mounted(mount_point)

    # -- host name, time, addresses

    def domain_get_hostname(self, dom: DomainRef, flags: int) -> str:
        """virDomainGetHostname."""
        check_flags(flags, DomainGetHostnameFlags.LEASE | DomainGetHostnameFlags.AGENT, "testDomainGetHostname")
        self._running(dom)
        return HOSTNAME

    def domain_get_time(self, dom: DomainRef, flags: int) -> tuple[int, int]:
        """virDomainGetTime: seconds since 1970 and nanoseconds."""
        check_flags(flags, 0, "testDomainGetTime")
        return self._running(dom).time

    def domain_set_time(self, dom: DomainRef, seconds: int, nseconds: int, flags: int) -> None:
        """virDomainSetTime."""
        check_flags(flags, DomainSetTimeFlags.SYNC, "testDomainSetTime")
        self._running(dom).time = seconds, nseconds

    def domain_interface_addresses(
        self, dom: DomainRef, source: int, flags: int
    ) -> list[tuple[str, str | None, list[tuple[int, str, int]]]]:
        """virDomainInterfaceAddresses: name, MAC address and (type, address, prefix) of each interface."""
        check_flags(flags, 0, "testDomainInterfaceAddresses")
        if source not in (Source.LEASE, Source.AGENT, Source.ARP):
            raise VirtError(Code.ARGUMENT_UNSUPPORTED, f"Unknown IP address data source {source}")
        guest = self._running(dom)
        interfaces = guest.definition.devices.interfaces
        return [addresses(guest, interface, number) for number, interface in enumerate(interfaces)]

    # -- users

    def domain_set_user_password(self, dom: DomainRef, user: str, password: str, flags: int) -> None:
        """virDomainSetUserPassword."""
        check_flags(flags, DomainSetUserPasswordFlags.ENCRYPTED, "testDomainSetUserPassword")
        self._running(dom)

    def domain_authorized_ssh_keys_get(self, dom: DomainRef, user: str, flags: int) -> list[str]:
        """virDomainAuthorizedSSHKeysGet."""
        check_flags(flags, 0, "testDomainAuthorizedSSHKeysGet")
        return self._running(dom).ssh_keys.get(user, [])

    def domain_authorized_ssh_keys_set(self, dom: DomainRef, user: str, keys: list[str], flags: int) -> None:
        """virDomainAuthorizedSSHKeysSet."""
        check_flags(flags, Keys.APPEND | Keys.REMOVE, "testDomainAuthorizedSSHKeysSet")
        known = self._running(dom).ssh_keys.setdefault(user, [])
        kept = known if flags & (Keys.APPEND | Keys.REMOVE) else []
        if flags & Keys.REMOVE:
            known[:] = [key for key in kept if key not in keys]
        else:
            known[:] = list(dict.fromkeys([*kept, *keys]))

    # -- virtual CPUs as the guest sees them

    def domain_get_guest_vcpus(self, dom: DomainRef, flags: int) -> list[TypedParam]:
        """virDomainGetGuestVcpus."""
        check_flags(flags, 0, "testDomainGetGuestVcpus")
        guest = self._running(dom)
        cpus, params = set(range(current_vcpus(guest))), ParamList()
        params.add_string("vcpus", format_bitmap(cpus))
        params.add_string("online", format_bitmap(cpus - guest.offline))
        params.add_string("offlinable", format_bitmap(cpus - {0}))
        return params

    def domain_set_guest_vcpus(self, dom: DomainRef, cpumap: str, state: int, flags: int) -> None:
        """virDomainSetGuestVcpus; `cpumap` is a list of ranges."""
        check_flags(flags, 0, "testDomainSetGuestVcpus")
        guest = self._running(dom)
        cpus = _parse_cpus(cpumap)
        if not cpus <= set(range(current_vcpus(guest))):
            raise invalid_arg("guest is missing vCPUs")
        if not state and 0 in cpus:
            raise invalid_arg("vCPU '0' can't be offlined")
        guest.offline = guest.offline - cpus if state else guest.offline | cpus

    # -- everything at once, and the agent itself

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


def filesystems(guest: TestGuest) -> dict[str, tuple[str, str, str]]:
    """Those on disks that the guest has."""
    disks = {disk.target.dev for disk in guest.definition.devices.disks}
    return {mount: info for mount, info in FILESYSTEMS.items() if info[2] in disks}


def _check_mounted(mountpoint: str) -> None:
    if mountpoint not in FILESYSTEMS:
        raise operation_invalid(f"mount point not found: {mountpoint}")


def _parse_cpus(text: str) -> set[int]:
    cpus: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal() or int(last or first) > 4096:
            raise invalid_arg(f"Failed to parse bitmap '{text}'")
        cpus.update(range(int(first), int(last or first) + 1))
    return cpus


def addresses(
    guest: TestGuest, interface: Interface, number: int
) -> tuple[str, str | None, list[tuple[int, str, int]]]:
    """An interface and its address: of the guest's network, in the order of the guests' ids."""
    name = (interface.target.dev if interface.target else None) or f"eth{number}"
    first = _first_address(guest, interface)
    address = first.ip + max(guest.id, 0) + number
    kind = IPAddrType.IPV6 if first.version == 6 else IPAddrType.IPV4
    mac = interface.mac.address if interface.mac else None
    return name, mac, [(kind, str(address), first.network.prefixlen)]


def _first_address(guest: TestGuest, interface: Interface) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface:
    """The lowest address of an interface's network that guests get."""
    named = interface.source.network if interface.source is not None else None
    for network in guest.world.networks:
        for ip in network.definition.ips if network.name == named else []:
            start = ip.dhcp.ranges[0].start if ip.dhcp is not None and ip.dhcp.ranges else str(ip.network[2])
            return ipaddress.ip_interface(f"{start}/{ip.network.prefixlen}")
    return _ELSEWHERE


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
