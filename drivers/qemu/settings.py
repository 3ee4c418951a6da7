# SPDX-License-Identifier: LGPL-2.1-or-later
"""qemu.conf: the administrator's choices for the QEMU driver."""

from __future__ import annotations

import grp
import pwd
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from virtd.errors import Code, VirtError
from virtd.store import conffile

#: The account guests run under when root starts them and qemu.conf names none.
SYSTEM_USER = "libvirt-qemu"
SYSTEM_GROUP = "libvirt-qemu"
#: The group that may open /dev/kvm.
KVM_GROUP = "kvm"


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
    max_core: str = "unlimited"
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
    def load(cls, path: Path) -> QemuSettings:
        """Read qemu.conf; what it does not name keeps its default, what is not known here is left to later.

        Raises:
            VirtError: CONF_SYNTAX: not readable, or a value of the wrong type.
        """
        found = conffile.read(path)
        return cls(**{f.name: _typed(path, f, found[f.name]) for f in fields(cls) if f.name in found})

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

    def __post_init__(self) -> None:
        if self.block_pivot_recovery not in ("pause", "resume"):
            raise VirtError(
                Code.CONF_SYNTAX, f"block_pivot_recovery must be 'pause' or 'resume', not '{self.block_pivot_recovery}'"
            )


def _typed(path: Path, option: Any, value: conffile.Value) -> Any:
    """`value` as the option's type: numbers stand for yes and no; one string for a list of one."""
    wanted = option.type
    if wanted == "bool" and value in (0, 1):
        return bool(value)
    if wanted == "int" and isinstance(value, int):
        return value
    if wanted == "str" and isinstance(value, str | int):
        return str(value)
    if wanted == "list[str]" and isinstance(value, str | list):
        return [value] if isinstance(value, str) else value
    raise VirtError(Code.CONF_SYNTAX, f"{path}: {option.name} is not of type {wanted}")


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
    groups = {g.gr_gid for g in grp.getgrall() if name in g.gr_mem} | {gid}
    groups |= {g.gr_gid for g in grp.getgrall() if g.gr_name == KVM_GROUP}
    return Account(uid, gid, tuple(sorted(groups)))


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
