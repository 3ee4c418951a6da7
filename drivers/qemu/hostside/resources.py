# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest's resources on the host, as a whole."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from conf.domain import Domain
from conf.domain.devices.chardev_source import CharacterBackend
from drivers.common import usb
from drivers.qemu.capabilities.hugepages import find_hugepages
from drivers.qemu.command.chardevs import file_paths, socket_path
from drivers.qemu.command.memory_backends import huge_page_folder
from drivers.qemu.hostside import cgroup, graphics, interfaces, ownership, vsock
from drivers.qemu.runtime import Runtime
from drivers.qemu.settings import Account
from virtd.errors import Code, VirtError
from virtd.host import unixsocket
from virtd.store import files

if TYPE_CHECKING:
    from drivers.qemu.guest import Guest


@dataclass(slots=True)
class Resources:
    """Descriptors made for one start; QEMU inherits them under the same numbers, here `close` ends them.

    Attributes:
        monitor: the listening QMP socket.
        sockets: path of a character device's unix socket → the descriptor that listens on it.
        devices: alias of a device → the kernel's side of it (a vsock's).
        files: path of a character device's file → its descriptor.
        taps: alias of an interface → descriptors of its host device, one a queue.
        vhosts: alias of an interface → descriptors of the kernel's virtio backend, one a queue.
    """

    monitor: int = -1
    sockets: dict[str, int] = field(default_factory=dict)
    devices: dict[str, int] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    taps: dict[str, list[int]] = field(default_factory=dict)
    vhosts: dict[str, list[int]] = field(default_factory=dict)

    @property
    def descriptors(self) -> list[int]:
        """All of them."""
        lists = [*self.taps.values(), *self.vhosts.values()]
        singles = (self.sockets, self.devices, self.files)
        return [self.monitor, *(fd for m in singles for fd in m.values()), *(fd for fds in lists for fd in fds)]

    def close(self) -> None:
        for fd in self.descriptors:
            if fd >= 0:
                os.close(fd)


def prepare(guest: Guest, runtime: Runtime, account: Account | None) -> Resources:
    """Make what the guest's live definition asks for.  Blocks: call it in a thread.

    What outlives QEMU is noted in `runtime` before it is made, so that `release` finds it whatever happens.

    Raises:
        VirtError, OSError: nothing is taken back here; the caller calls `release`.
    """
    assert guest.live is not None
    resources = Resources()
    try:
        _folder(runtime.domain_dir, account)
        _folder(runtime.channel_dir, account)
        if guest.live.memory_backing is not None or guest.live.devices.memories or _has_numa(guest.live):
            _folder(memory_folder(guest, runtime), account)
        for folder in _huge_page_folders(guest, runtime):
            _folder(folder, account)
        resources.monitor = _listen(runtime.monitor_path)
        for path in _socket_paths(guest.live):
            resources.sockets[path] = _socket(path, account)
        for hostdev in guest.live.devices.hostdevs:
            if hostdev.type == "usb":
                usb.resolve(hostdev)
        _open_files(guest.live, resources)
        if guest.live.devices.vsock is not None:
            resources.devices[guest.live.devices.vsock.alias or ""] = vsock.connect(guest.live.devices.vsock)
        graphics.assign(guest)
        interfaces.prepare(guest, runtime, resources)
        ownership.give(guest, runtime, account)
    except BaseException:
        resources.close()
        raise
    return resources


def memory_folder(guest: Guest, runtime: Runtime) -> Path:
    """Where the guest's memory lies if it is to lie in files."""
    context = guest.context
    base = Path(context.settings.memory_backing_dir or context.paths.lib / "ram")
    return base / _short_name(runtime)


def _short_name(runtime: Runtime) -> str:
    return runtime.domain_dir.name.removeprefix("domain-")


def _has_huge_pages(domain: Domain) -> bool:
    backing = domain.memory_backing
    modules = (memory.source for memory in domain.devices.memories)
    return bool(backing and backing.hugepages) or any(source and source.pagesize for source in modules)


def _huge_page_folders(guest: Guest, runtime: Runtime) -> list[Path]:
    """Where the guest's memory lies if it is of huge pages: a folder for each size of page that the host has."""
    if guest.live is None or not _has_huge_pages(guest.live):
        return []
    mounts = find_hugepages(guest.context.settings.hugetlbfs_mount).mounts
    return [Path(huge_page_folder(mount, _short_name(runtime))) for mount in mounts.values()]


def _has_numa(domain: Domain) -> bool:
    return domain.cpu is not None and domain.cpu.numa is not None


def release(guest: Guest, runtime: Runtime) -> None:
    """Take back what `prepare` made.  Blocks."""
    for folder in (memory_folder(guest, runtime), *_huge_page_folders(guest, runtime)):
        shutil.rmtree(folder, ignore_errors=True)
    for path in _socket_paths(guest.live) if guest.live is not None else ():
        files.remove(Path(path), durable=False)
    interfaces.release(guest, runtime)
    ownership.restore(guest, runtime)
    cgroup.remove(runtime.cgroup)


def _listen(path: Path) -> int:
    """A listening socket in a folder of the guest's own: QEMU accepts on it once it is up, one may connect at once."""
    try:
        return unixsocket.listen(path).detach()
    except OSError as error:
        text = f"Unable to bind to UNIX socket path '{path}': {os.strerror(error.errno or 0)}"
        raise VirtError(Code.SYSTEM_ERROR, text) from error


def _socket_paths(domain: Domain) -> set[str]:
    return {path for device in domain.devices.character_devices() if (path := socket_path(device))}


def _socket(path: str, account: Account | None) -> int:
    fd = _listen(Path(path))
    os.chmod(path, 0o775)  # noqa: S103 - as stock; its owner may write, as may the group
    if account is not None:
        os.chown(path, account.uid, account.gid)
    return fd


def _open_files(domain: Domain, resources: Resources) -> None:
    """Open what character devices write with our rights: QEMU's user need not be able to.

    Raises:
        VirtError: SYSTEM_ERROR.
    """
    for device in domain.devices.character_devices():
        for path in file_paths(device):
            if path not in resources.files:
                resources.files[path] = _open_for_writing(path, truncate=_starts_anew(device, path))


def _starts_anew(device: CharacterBackend, path: str) -> bool:
    """`append='off'` asks for an empty file at each start."""
    keeper = device.log if device.log is not None and device.log.file == path else device.source
    return keeper is not None and keeper.append is False


def _open_for_writing(path: str, *, truncate: bool) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | (os.O_TRUNC if truncate else 0)
    try:
        return os.open(path, flags, 0o600)
    except OSError as error:
        raise VirtError(Code.SYSTEM_ERROR, f"Unable to open file '{path}': {error.strerror}") from error


def _folder(path: Path, account: Account | None) -> None:
    """A folder of the guest's own, which its QEMU may use; those above it may be passed."""
    path.mkdir(parents=True, exist_ok=True, mode=0o750)
    if account is not None:
        os.chown(path, account.uid, account.gid)
