# SPDX-License-Identifier: LGPL-2.1-or-later
"""qemu.conf: the administrator's choices for the QEMU driver."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from virtd.errors import Code, VirtError
from virtd.store import conffile

#: The account guests run under when root starts them and qemu.conf names none.
SYSTEM_USER = "libvirt-qemu"
SYSTEM_GROUP = "libvirt-qemu"
#: The group that may open /dev/kvm.
KVM_GROUP = "kvm"
#: The control group controllers that `cgroup_controllers` may name.
_CONTROLLERS = frozenset(["cpu", "cpuacct", "cpuset", "memory", "devices", "blkio", "freezer", "net_cls", "perf_event"])
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class QemuSettings:
    """One field an option of qemu.conf, with its name and default there.

    `user` and `group` are names, or numbers with or without a leading "+"; empty means the system's
    default account where the daemon is root, and no change of identity where it is not.
    """

    user: str = ""
    group: str = ""
    dynamic_ownership: bool = True
    seccomp_sandbox: int = -1
    max_queued: int = 0
    #: 0: as many as the daemon may have itself
    max_processes: int = 0
    max_files: int = 0
    #: bytes of a crashed QEMU's core file
    max_core: str | int = "unlimited"
    dump_guest_core: bool = False
    cgroup_controllers: list[str] = field(default_factory=lambda: ["cpu", "memory", "blkio", "cpuset", "cpuacct"])
    log_timestamp: bool = True
    vnc_listen: str = "127.0.0.1"
    vnc_auto_unix_socket: bool = False
    vnc_allow_host_audio: bool = False
    vnc_password: str = ""
    vnc_tls: bool = False
    vnc_tls_x509_cert_dir: str = ""
    vnc_tls_x509_verify: int = -1
    vnc_sasl: bool = False
    spice_listen: str = "127.0.0.1"
    spice_auto_unix_socket: bool = False
    spice_password: str = ""
    spice_tls: bool = False
    spice_tls_x509_cert_dir: str = ""
    chardev_tls: bool = False
    chardev_tls_x509_cert_dir: str = ""
    chardev_tls_x509_verify: int = -1
    default_tls_x509_cert_dir: str = "/etc/pki/qemu"
    default_tls_x509_verify: bool = True
    remote_display_port_min: int = 5900
    remote_display_port_max: int = 65535
    remote_websocket_port_min: int = 5700
    remote_websocket_port_max: int = 65535
    hugetlbfs_mount: list[str] = field(default_factory=list)
    memory_backing_dir: str = ""
    nvram: list[str] = field(default_factory=list)
    block_pivot_recovery: str = "pause"

    @classmethod
    def load(cls, path: Path, *, privileged: bool = True) -> QemuSettings:
        """Read qemu.conf; what it does not name keeps its default.

        Raises:
            VirtError: CONF_SYNTAX, with file, line and option; SYSTEM_ERROR, the file cannot be read.
        """
        found = conffile.read(path)
        settings = cls(**found.options(cls))
        for name, fault in _faults(settings, privileged=privileged):
            if name in found:
                raise found.complaint(name, fault)
        return settings

    def tls_directory(self, use: str) -> str:
        """Where the certificates for a use (`vnc`, `spice`, `chardev`) lie: a folder of its own if there is one."""
        if named := getattr(self, f"{use}_tls_x509_cert_dir"):
            return str(named)
        own = Path(f"/etc/pki/libvirt-{use}")
        return str(own) if own.is_dir() else self.default_tls_x509_cert_dir

    def tls_verifies(self, use: str) -> bool:
        """Whether clients have to show a certificate."""
        said = int(getattr(self, f"{use}_tls_x509_verify"))
        return self.default_tls_x509_verify if said < 0 else bool(said)


def _faults(settings: QemuSettings, *, privileged: bool) -> Iterator[tuple[str, str]]:
    """Options whose values cannot be, with what is wrong."""
    if settings.block_pivot_recovery not in ("pause", "resume"):
        yield "block_pivot_recovery", f"must be 'pause' or 'resume', not '{settings.block_pivot_recovery}'"
    if settings.max_core != "unlimited" and not str(settings.max_core).isdecimal():
        yield "max_core", f"Unknown core size '{settings.max_core}'"
    for controller in settings.cgroup_controllers:
        if controller not in _CONTROLLERS:
            yield "cgroup_controllers", f"Unknown cgroup controller '{controller}'"
    for kind, lowest in (("display", 5900), ("websocket", 5700)):
        first, last = f"remote_{kind}_port_min", f"remote_{kind}_port_max"
        if not lowest <= getattr(settings, first) <= _LAST_PORT:
            yield first, f"port must be between {lowest} and {_LAST_PORT}"
        if not getattr(settings, first) <= getattr(settings, last) <= _LAST_PORT:
            yield last, f"port must be between the minimal port {getattr(settings, first)} and {_LAST_PORT}"
    if privileged:
        yield from _missing_accounts(settings)


def _missing_accounts(settings: QemuSettings) -> Iterator[tuple[str, str]]:
    for name, find in (("user", _user), ("group", _group)):
        try:
            find(getattr(settings, name) or "0")
        except VirtError as error:
            yield name, error.detail or ""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a QEMU runs as."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """As the DAC security label has it."""
        return f"+{self.uid}:+{self.gid}"


def account(settings: QemuSettings, *, privileged: bool) -> Account | None:
    """The account to start guests under; None: the daemon's own.

    Raises:
        VirtError: INVALID_ARG, qemu.conf names a user or group that is not there.
    """
    if not privileged:
        return None
    if not settings.user and not _exists(SYSTEM_USER):
        return None
    uid, name = _user(settings.user or SYSTEM_USER)
    gid = _group(settings.group or (SYSTEM_GROUP if not settings.user else str(_primary_group(uid))))
    if uid == 0 and gid == 0:
        return None
    groups = {gid, *(os.getgrouplist(name, gid) if name else ()), *_kvm_group()}
    return Account(uid, gid, tuple(sorted(groups)))


def _kvm_group() -> list[int]:
    """The group that may use /dev/kvm, where there is one."""
    try:
        return [grp.getgrnam(KVM_GROUP).gr_gid]
    except KeyError:
        return []


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _user(user: str) -> tuple[int, str]:
    """The number and name (may be empty) of a user given in either way."""
    if not user.startswith("+"):
        try:
            entry = pwd.getpwnam(user)
        except KeyError:
            pass
        else:
            return entry.pw_uid, entry.pw_name
    number = _number(user, "user")
    try:
        return number, pwd.getpwuid(number).pw_name
    except KeyError:
        return number, ""


def _group(group: str) -> int:
    if not group.startswith("+"):
        try:
            return grp.getgrnam(group).gr_gid
        except KeyError:
            pass
    return _number(group, "group")


def _number(text: str, what: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise VirtError(Code.INVALID_ARG, f"Failed to parse {what} '{text}'") from None


def _primary_group(uid: int) -> int:
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return uid
