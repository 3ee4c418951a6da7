# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an agent in the guest would answer.  Every running guest here has one."""

from __future__ import annotations

from conf.bitmap import format_bitmap
from drivers.common.state import current_vcpus
from drivers.test.addresses import HOSTNAME, addresses
from drivers.test.base import DomainPart
from drivers.test.guest import TestGuest
from virtd.enums import DomainAuthorizedSSHKeysSetFlags as Keys
from virtd.enums import DomainGetHostnameFlags, DomainSetTimeFlags, DomainSetUserPasswordFlags
from virtd.enums import DomainInterfaceAddressesSource as Source
from virtd.errors import Code, VirtError, check_flags, invalid_arg, operation_invalid
from virtd.params import ParamList, TypedParam
from virtd.refs import DomainRef

#: Mount point → device, file system, disk.
FILESYSTEMS = {"/": ("vda1", "ext4", "vda"), "/boot": ("vda2", "ext4", "vda")}


class AgentApi(DomainPart):
    """virDomainFS…, virDomain…Time, virDomainGetHostname, virDomainInterfaceAddresses; users and CPUs in the guest."""

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
        """virDomainSetTime; by flag to the host's time."""
        check_flags(flags, DomainSetTimeFlags.SYNC, "testDomainSetTime")
        now = divmod(int(self.world.clock.now() * 1e9), 10**9)
        self._running(dom).time = now if flags else (seconds, nseconds)

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
