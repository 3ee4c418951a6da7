# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a container may do: its capabilities by the features element, the user its init runs as, its label."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path

from conf.domain import Domain
from conf.domain.idmap import IDMapEntry
from drivers.lxc.confinement import MODELS
from drivers.lxc.controller.plan import Range, Security
from virtd.errors import Code, From, VirtError

#: The kernel's numbers of the capabilities that the features element names.
NUMBERS = {
    "chown": 0,
    "dac_override": 1,
    "dac_read_search": 2,
    "fowner": 3,
    "fsetid": 4,
    "kill": 5,
    "setgid": 6,
    "setuid": 7,
    "setpcap": 8,
    "linux_immutable": 9,
    "net_bind_service": 10,
    "net_broadcast": 11,
    "net_admin": 12,
    "net_raw": 13,
    "ipc_lock": 14,
    "ipc_owner": 15,
    "sys_module": 16,
    "sys_rawio": 17,
    "sys_chroot": 18,
    "sys_ptrace": 19,
    "sys_pacct": 20,
    "sys_admin": 21,
    "sys_boot": 22,
    "sys_nice": 23,
    "sys_resource": 24,
    "sys_time": 25,
    "sys_tty_config": 26,
    "mknod": 27,
    "lease": 28,
    "audit_write": 29,
    "audit_control": 30,
    "setfcap": 31,
    "mac_override": 32,
    "mac_admin": 33,
    "syslog": 34,
    "wake_alarm": 35,
    "block_suspend": 36,
}

#: What a container is denied unless its definition says otherwise.
USUALLY_DENIED = frozenset({"sys_module", "sys_time", "mknod", "audit_control", "mac_admin"})

_LAST_CAPABILITY = Path("/proc/sys/kernel/cap_last_cap")


def dropped_capabilities(domain: Domain) -> list[int]:
    """The numbers of the capabilities that the container is not to have."""
    chosen = domain.features.capabilities if domain.features is not None else None
    policy = chosen.policy if chosen is not None else "default"
    states = {name: getattr(chosen, name) for name in NUMBERS} if chosen is not None else {}
    said = {name: state.state for name, state in states.items() if state is not None}
    denied = {"default": USUALLY_DENIED, "allow": frozenset[str](), "deny": frozenset(NUMBERS)}[policy]
    dropped = [number for name, number in NUMBERS.items() if not said.get(name, name not in denied)]
    if policy == "deny":
        dropped += range(max(NUMBERS.values()) + 1, int(_LAST_CAPABILITY.read_text()) + 1)
    return dropped


def user(domain: Domain) -> list[int] | None:
    """The uid and gid that init runs with; None: as root.

    Raises:
        VirtError: INTERNAL_ERROR, a name that the host does not know.
    """
    name, group = domain.os.inituser, domain.os.initgroup
    if name is None and group is None:
        return None
    return [_uid(name) if name else 0, _gid(group) if group else _group_of(name or "0")]


def _uid(name: str) -> int:
    """A user's number: "+1000" and what is no name count as numbers."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return _number(name, "User")


def _gid(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return _number(name, "Group")


def _number(name: str, what: str) -> int:
    digits = name.removeprefix("+")
    if not digits.isascii() or not digits.isdigit():
        raise VirtError(Code.INTERNAL_ERROR, f"{what} {name} doesn't exist")
    return int(digits)


def _group_of(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_gid
    except KeyError:
        return 0


def ranges(entries: list[IDMapEntry]) -> list[Range]:
    """The user namespace's map as the kernel takes it."""
    return [{"inside": entry.start, "outside": entry.target, "count": entry.count} for entry in entries]


def security(domain: Domain) -> Security | None:
    """The label that the container's programs run under; None where it asks for none.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, the host does not have the model.
    """
    for label in domain.seclabels:
        if label.type == "none" or label.model in (None, "none", "dac") or not label.label:
            continue
        present = MODELS.get(label.model or "")
        if present is None or not os.path.exists(present):
            text = f"Security driver model '{label.model}' is not available"
            raise VirtError(Code.CONFIG_UNSUPPORTED, text, source=From.SECURITY)
        return {"model": label.model or "", "label": label.label}
    return None
