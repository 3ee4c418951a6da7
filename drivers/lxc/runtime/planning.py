# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a container's live definition to the plan that its controller carries out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from conf.domain import Domain
from drivers.lxc.controller.plan import Init, Mount, Plan
from drivers.lxc.runtime import consoles, failures, filesystems, hostdevices, interfaces, privileges, sharing
from drivers.lxc.runtime.descriptors import Descriptors
from virtd.errors import Code, VirtError

if TYPE_CHECKING:
    from drivers.lxc.guest import Guest
    from drivers.lxc.runtime.cgroup import Cgroup

#: The namespaces that are always a container's own; others it can share.
_OWN = ("mnt", "pid", "cgroup")
#: Kinds of mounts that cannot be a root → the type of filesystem that they come from.
_TYPES = {"inner": "bind", "memory": "ram"}
_HOSTNAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")
_HOSTNAME_MAX = 64


def make_plan(guest: Guest, group: Cgroup | None, files: Sequence[int]) -> tuple[Plan, Descriptors]:
    """The plan, and the descriptors that go along; the caller closes them.  Blocks for short looks at the host.

    The host's ends of the consoles are made here and noted in the live definition.

    Args:
        group: the container's control group; None: there is none.
        files: descriptors that a client gave for init.

    Raises:
        VirtError: something that the definition names is not there, or not supported.
        OSError: it cannot be looked at.
    """
    domain = guest.require_active()
    if not guest.context.env.privileged:
        _check_unprivileged(domain)
    descriptors = Descriptors()
    try:
        join = {name: descriptors.own(fd) for name, fd in sharing.open_shared(guest, domain).items()}
        plan = _plan(guest, domain, group, join, descriptors)
        plan["terminals"] = [descriptors.own(fd) for fd in consoles.open_all(domain)]
        plan["init"]["files"] = [descriptors.lend(fd) for fd in files]
    except BaseException:
        descriptors.close()
        raise
    return plan, descriptors


def _check_unprivileged(domain: Domain) -> None:
    """Refuse what the kernel lets root alone do.

    Raises:
        VirtError: CONFIG_UNSUPPORTED.
    """
    devices = domain.devices
    wanted = {
        "users": domain.idmap is not None and domain.idmap.uids,
        "network devices": devices.interfaces,
        "devices of the host": [*devices.hostdevs, *devices.disks],
        "images": [filesystem for filesystem in devices.filesystems if filesystem.type in ("file", "block")],
    }
    for what, there in wanted.items():
        if there:
            text = f"containers with {what} of their own are not supported in session mode"
            raise VirtError(Code.CONFIG_UNSUPPORTED, text)


def _plan(guest: Guest, domain: Domain, group: Cgroup | None, join: dict[str, int], descriptors: Descriptors) -> Plan:
    paths = guest.context.paths
    idmap = domain.idmap
    hostdevices.find_all(domain)
    cards, label = interfaces.plan_all(domain), privileges.security(domain)
    with failures.of_start():
        init, file_systems = _init(domain), mounts(domain, descriptors)
        nodes = hostdevices.nodes(domain, _attach_images(guest, domain, descriptors))
    return {
        "name": guest.name,
        "hostname": _hostname(guest.name),
        "socket": str(paths.socket(guest.name)),
        "folder": str(paths.mounts(guest.name)),
        "rootless": not guest.context.env.privileged,
        "unshare": new_namespaces(domain, join),
        "join": join,
        "uids": privileges.ranges(idmap.uids) if idmap is not None else [],
        "gids": privileges.ranges(idmap.gids) if idmap is not None else [],
        "terminals": [],
        "mounts": file_systems,
        "nodes": nodes,
        "interfaces": cards,
        "groups": group.entrances() if group is not None else [],
        "inner_groups": group.inner_entrances() if group is not None else [],
        "delegated": str(group.unified) if group is not None and group.unified is not None else "",
        "cgroups": group.shown() if group is not None else [],
        "memory_group": group.memory_folder if group is not None else "",
        "drop": privileges.dropped_capabilities(domain),
        "security": label,
        "init": init,
    }


def _attach_images(guest: Guest, domain: Domain, descriptors: Descriptors) -> list[str]:
    """Loop devices for the disks that are files, which last as long as the controller holds them; noted in the status."""
    attached = []
    for disk in domain.devices.disks:
        if disk.type == "file":
            fd, note = hostdevices.attach_image(disk)
            descriptors.own(fd)
            attached.append(note)
    if guest.run is not None:
        guest.run.loops = attached
    return attached


def _hostname(name: str) -> str:
    """A guest's name as far as it is one that a host can have."""
    length = next((i for i, letter in enumerate(name) if letter not in _HOSTNAME_LETTERS), len(name))
    return name[: min(length, _HOSTNAME_MAX)]


def new_namespaces(domain: Domain, shared: dict[str, int]) -> list[str]:
    """The namespaces that the container has for itself."""
    own = [*_OWN, *(name for name in ("ipc", "uts") if name not in shared)]
    if "net" not in shared and needs_net(domain):
        own.append("net")
    if domain.idmap is not None and domain.idmap.uids:
        own.append("user")
    return own


def needs_net(domain: Domain) -> bool:
    """Whether the container has a network of its own: it has a device for it, or asks for none."""
    private = domain.features is not None and domain.features.privnet
    return (
        private
        or bool(domain.devices.interfaces)
        or any(hostdevices.is_net(hostdev) for hostdev in domain.devices.hostdevs)
    )


def mounts(domain: Domain, descriptors: Descriptors) -> list[Mount]:
    """Its file systems, the root first; without one of its own it sees the host's."""
    given = [filesystems.mount(filesystem, descriptors) for filesystem in domain.devices.filesystems]
    root = next((mount for mount in given if mount["target"] == "/"), None)
    if root is not None and root["kind"] not in ("bind", "device"):
        text = f"Unsupported root filesystem type {_TYPES[root['kind']]}"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)
    if root is None:
        root = Mount(kind="bind", source="/", target="/", readonly=False)
    return [root, *(mount for mount in given if mount["target"] != "/")]


def _init(domain: Domain) -> Init:
    system = domain.os
    return {
        "argv": [system.init or "/sbin/init", *system.initargs],
        "environment": _environment(domain),
        "directory": system.initdir or "/",
        "user": privileges.user(domain),
        "files": [],
    }


def _environment(domain: Domain) -> dict[str, str]:
    """What init finds in its environment, in libvirt's order."""
    terminals = [f"pts/{index}" for index in range(1, len(domain.devices.consoles))]
    variables = {
        "PATH": "/bin:/sbin",
        "TERM": "linux",
        "container": "lxc-libvirt",
        "HOME": "/",
        "container_uuid": domain.uuid,
        "LIBVIRT_LXC_UUID": domain.uuid,
        "LIBVIRT_LXC_NAME": domain.name,
    }
    if terminals:
        variables["container_ttys"] = " ".join(terminals)
    if domain.os.cmdline:
        variables["LIBVIRT_LXC_CMDLINE"] = domain.os.cmdline
    return variables | {variable.name: variable.value or "" for variable in domain.os.initenvs}
