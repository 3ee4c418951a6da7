# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the container's programs may do: user, capabilities, security label."""

from __future__ import annotations

import os

from drivers.lxc.controller import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from drivers.lxc.controller.plan import Range, Security

#: Security module → where a process says how the program it runs next is confined, and how it is said.
_LABELS = {
    "apparmor": ("/proc/self/attr/apparmor/exec", "exec {}"),
    "selinux": ("/proc/self/attr/exec", "{}"),
}


def write_map(pid: int | str, kind: str, ranges: list[Range]) -> None:
    """Tell whom the users ("uid") or groups ("gid") of a process's user namespace are on the host."""
    text = "".join(f"{r['inside']} {r['outside']} {r['count']}\n" for r in ranges)
    with open(f"/proc/{pid}/{kind}_map", "w", encoding="ascii") as file:
        file.write(text)


def become_own_root() -> None:
    """Without root's help: a user namespace in which the caller is root and nobody else is there."""
    uid, gid = os.getuid(), os.getgid()
    kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS)
    with open("/proc/self/setgroups", "w", encoding="ascii") as file:
        file.write("deny")
    write_map("self", "uid", [{"inside": 0, "outside": uid, "count": 1}])
    write_map("self", "gid", [{"inside": 0, "outside": gid, "count": 1}])


def become(user: tuple[int, int]) -> None:
    """Change to a user and group of the container's; the groups that root had are left behind, where it may."""
    uid, gid = user
    with open("/proc/self/setgroups", encoding="ascii") as file:
        if file.read().strip() == "allow":
            os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def drop(numbers: list[int]) -> None:
    """Give capabilities up for good; those that the kernel does not know are not there anyway."""
    for number in numbers:
        try:
            kernel.drop_from_bounding_set(number)
        except OSError:
            continue
    mask = sum(1 << number for number in numbers)
    kernel.set_capabilities(kernel.capabilities() & ~mask)


def confine(security: Security) -> None:
    """Have the next program run under a label.  Called where /proc is the container's own."""
    path, form = _LABELS[security["model"]]
    with open(path, "w", encoding="utf-8") as file:
        file.write(form.format(security["label"]))
