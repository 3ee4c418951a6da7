# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the container sees: its root and all that is mounted in it.

Everything is mounted before the root is exchanged, so that sources are the host's; every target is opened as the
container would see it, so that a link in its files leads nowhere else.
"""

from __future__ import annotations

import errno
import os

from drivers.lxc.controller import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from drivers.lxc.controller.plan import Mount, Plan

_SAFE = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC

#: Folders whose content is the kernel's.
_KERNELS = ("/dev", "/proc", "/sys")
#: The host's file systems that hold an image or lie on a device are tried in this order, as mount(8) does it.
_FILESYSTEMS = "/proc/filesystems"


class _At:
    """A path of what a descriptor, closed at the end, leads to; errors tell `target`."""

    def __init__(self, fd: int, target: str) -> None:
        self._fd = fd
        self._target = target

    def __enter__(self) -> str:
        return f"/proc/self/fd/{self._fd}"

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        os.close(self._fd)
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, self._target) from None


class Root:
    """The container's root while it is still a folder of the host's."""

    def __init__(self, fd: int, owner: tuple[int, int]) -> None:
        self._fd = fd
        self.owner = owner

    @property
    def path(self) -> str:
        return f"/proc/self/fd/{self._fd}"

    def make_folder(self, path: str) -> int:
        """The folder at `path`, made where it is not there, as a descriptor."""
        flags = os.O_PATH | os.O_DIRECTORY
        try:
            return kernel.open_in_root(self._fd, path, flags)
        except FileNotFoundError:
            return self._make_missing(path, flags)

    def _make_missing(self, path: str, flags: int) -> int:
        above, _, name = path.rstrip("/").rpartition("/")
        parent = self.make_folder(above or "/")
        try:
            os.mkdir(name, 0o755, dir_fd=parent)
            os.chown(name, *self.owner, dir_fd=parent, follow_symlinks=False)
        except FileExistsError:  # a link to what is not there
            return self.make_folder(os.path.join(above or "/", os.readlink(name, dir_fd=parent)))
        finally:
            os.close(parent)
        return kernel.open_in_root(self._fd, path, flags)

    def mount(
        self, source: str | None, target: str, kind: str | None = None, flags: int = 0, options: str = ""
    ) -> None:
        """Mount on the folder `target`, which is made where it is not there."""
        with _At(self.make_folder(target), target) as place:
            kernel.mount(source, place, kind, flags, options or None)

    def bind(self, source: str, target: str, *, restrict: int = 0) -> None:
        """Show a folder or file of the host at `target`; `restrict` are mount flags that it gets in addition."""
        fd = self.make_folder(target) if os.path.isdir(source) else self._make_file(target)
        with _At(fd, target) as place:
            kernel.mount(source, place, flags=kernel.MS_BIND | kernel.MS_REC)
        if restrict:
            self.restrict(target, restrict)

    def bind_inner(self, source: str, target: str) -> None:
        """Show a folder of the root's at another place too."""
        with _At(kernel.open_in_root(self._fd, source, os.O_PATH), source) as place:
            self.bind(place, target)

    def _make_file(self, path: str) -> int:
        os.close(self.make_folder(path.rpartition("/")[0] or "/"))
        try:
            return kernel.open_in_root(self._fd, path, os.O_PATH)
        except FileNotFoundError:
            os.close(kernel.open_in_root(self._fd, path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
            return kernel.open_in_root(self._fd, path, os.O_PATH)

    def restrict(self, target: str, flags: int) -> None:
        """Add mount flags (read-only …) to what is mounted at `target`."""
        with _At(kernel.open_in_root(self._fd, target, os.O_PATH), target) as place:
            # What the mount has already must be said again, or a user namespace is refused.
            present = os.statvfs(place).f_flag & (_SAFE | kernel.MS_RDONLY)
            kernel.mount(None, place, flags=kernel.MS_BIND | kernel.MS_REMOUNT | present | flags)

    def clear(self, target: str) -> None:
        """Take away what the host has mounted at `target`, a folder of the root's, where the root is the host's too."""
        outside = os.stat(self._fd).st_dev
        while self.exists(target):
            with _At(kernel.open_in_root(self._fd, target, os.O_PATH), target) as place:
                if os.stat(place).st_dev == outside:
                    return
                try:
                    kernel.unmount(place)
                except OSError:
                    return  # in a user namespace of our own it can only be covered

    def set_flags(self, target: str, flags: int) -> None:
        """Give what is mounted at `target` exactly these mount flags."""
        with _At(kernel.open_in_root(self._fd, target, os.O_PATH), target) as place:
            kernel.mount(None, place, flags=kernel.MS_BIND | kernel.MS_REMOUNT | flags)

    def exists(self, path: str) -> bool:
        try:
            os.close(kernel.open_in_root(self._fd, path, os.O_PATH))
        except OSError:
            return False
        return True

    def close(self) -> None:
        os.close(self._fd)

    def enter(self) -> None:
        """Make the folder this process's root; the former one is gone."""
        os.fchdir(self._fd)
        kernel.pivot_root(".", ".")
        kernel.unmount(".")
        os.chdir("/")
        self.close()


def prepare(plan: Plan, base: str, owner: tuple[int, int]) -> None:
    """Mount at `base`/root what is the host's; called before there is a container, which so cannot change any of it.

    Folders that are made belong to `owner`, the host's numbers of the container's root.
    """
    first, *others = plan["mounts"]
    place = f"{base}/root"
    if first["kind"] == "bind":
        kernel.mount(first["source"], place, flags=kernel.MS_BIND | kernel.MS_REC)
    else:
        _mount_new(first, place, owner)
    root = Root(os.open(place, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC), owner)
    for folder in _KERNELS:
        os.close(root.make_folder(folder))
        root.clear(folder)
    root.bind(f"{base}/dev", "/dev")
    for mount in others:
        if not _is_late(mount):
            _mount_other(root, mount)
    if first["readonly"]:
        root.restrict("/", kernel.MS_RDONLY)
    root.close()


def complete(plan: Plan) -> Root:
    """Mount what is the container's own; called in its namespaces, its folder on the host being the working folder."""
    # A root that came with a namespace cannot be exchanged for; its copy can.
    kernel.mount("root", "root", flags=kernel.MS_BIND | kernel.MS_REC)
    root = Root(os.open("root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC), (0, 0))
    _mount_kernel(root, private_net="net" in plan["unshare"], own_users="user" in plan["unshare"] or plan["rootless"])
    if os.path.exists("meminfo"):
        root.bind("meminfo", "/proc/meminfo")
    _mount_cgroups(root, plan)
    for mount in plan["mounts"]:
        if _is_late(mount):
            _mount_other(root, mount)
    return root


def _is_late(mount: Mount) -> bool:
    """Whether it lies in what is mounted in the container only."""
    return mount["target"].startswith(("/proc/", "/sys/"))


def _mount_kernel(root: Root, *, private_net: bool, own_users: bool) -> None:
    """/proc with settings that cannot be changed, but for those of a network of its own; /sys to be read only."""
    root.mount("proc", "/proc", "proc", _SAFE)
    root.bind(f"{root.path}/proc/sys", "/proc/sys", restrict=_SAFE | kernel.MS_RDONLY)
    if private_net:
        for family in ("ipv4", "ipv6"):
            _reopen_settings(root, f"/proc/sys/net/{family}")
    try:
        root.mount("sysfs", "/sys", "sysfs", _SAFE | kernel.MS_RDONLY)
    except PermissionError:  # a user namespace that shares the host's network
        root.bind("/sys", "/sys", restrict=kernel.MS_RDONLY)
    if not own_users and os.path.ismount("/sys/kernel/security"):
        root.mount("securityfs", "/sys/kernel/security", "securityfs", _SAFE | kernel.MS_RDONLY)


def _reopen_settings(root: Root, place: str) -> None:
    """Settings of the network belong to a container that has one."""
    if root.exists(place):
        root.bind(f"{root.path}{place}", place)
        root.set_flags(place, _SAFE)


def _mount_cgroups(root: Root, plan: Plan) -> None:
    """Its own groups, by a namespace for them: the container sees those and nothing above."""
    if not plan["cgroups"]:
        return
    unified = any(not group["folder"] for group in plan["cgroups"])
    if unified:
        root.mount("cgroup2", "/sys/fs/cgroup", "cgroup2", _SAFE)
        return
    root.mount("tmpfs", "/sys/fs/cgroup", "tmpfs", _SAFE, "mode=755,size=65536")
    for group in plan["cgroups"]:
        root.mount("cgroup", f"/sys/fs/cgroup/{group['folder']}", "cgroup", _SAFE, group["options"])


def _mount_other(root: Root, mount: Mount) -> None:
    if mount["kind"] == "bind":
        root.bind(mount["source"], mount["target"])
    elif mount["kind"] == "inner":
        root.bind_inner(mount["source"], mount["target"])
    else:
        with _At(root.make_folder(mount["target"]), mount["target"]) as place:
            _mount_new(mount, place, root.owner)
    if mount["readonly"]:
        root.restrict(mount["target"], kernel.MS_RDONLY)


def _mount_new(mount: Mount, at: str, owner: tuple[int, int]) -> None:
    """A file system that is not mounted on the host."""
    if mount["kind"] == "memory":
        options = f"size={mount['size']},uid={owner[0]},gid={owner[1]}"
        kernel.mount("tmpfs", at, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, options)
    else:
        _mount_device(mount["source"], at, kernel.MS_RDONLY if mount["readonly"] else 0)


def _mount_device(device: str, at: str, flags: int) -> None:
    """Try the file systems that the kernel knows until one fits."""
    failure = OSError(errno.EINVAL, "Unable to determine the file system", device)
    for kind in _known_filesystems():
        try:
            kernel.mount(device, at, kind, flags)
        except OSError as error:
            failure = error
        else:
            return
    raise failure


def _known_filesystems() -> list[str]:
    with open(_FILESYSTEMS, encoding="ascii") as file:
        return [line.strip() for line in file if not line.startswith("nodev")]
