# SPDX-License-Identifier: LGPL-2.1-or-later
"""`lxc.rootfs` and `lxc.mount.entry`: the container's file systems."""

from __future__ import annotations

from typing import Literal

from conf.domain.devices.filesystem import Filesystem, FilesystemSource, FilesystemTarget
from drivers.lxc.fromnative.configfile import ConfigFile
from drivers.lxc.fromnative.numbers import internal, size
from virtd.errors import Code, VirtError

#: Every container has them.
_OF_EVERY_CONTAINER = (
    "/proc",
    "/proc/sys",
    "/proc/sys/net/ipv4",
    "/proc/sys/net/ipv6",
    "/sys",
    "/sys/fs/selinux",
    "/sys/kernel/security",
)
#: Source, target, type, options; what follows is for tools of long ago.
_FIELDS = 4


def filesystems(config: ConfigFile) -> list[Filesystem]:
    """The root and everything mounted in it.

    Raises:
        VirtError: INTERNAL_ERROR, what cannot be understood; ARGUMENT_UNSUPPORTED, a list of mounts in another file.
    """
    root = config.first("lxc.rootfs.path", "lxc.rootfs")
    if root is None:
        raise internal("Missing lxc.rootfs configuration")
    if config.first("lxc.mount.fstab", "lxc.mount") is not None:
        text = "lxc.mount.fstab or lxc.mount found, use lxc.mount.entry lines instead"
        raise VirtError(Code.ARGUMENT_UNSUPPORTED, text)
    mounted = (_mounted(entry) for entry in config.all("lxc.mount.entry"))
    return [_filesystem(root, "/"), *(filesystem for filesystem in mounted if filesystem is not None)]


def _mounted(entry: str) -> Filesystem | None:
    """The file system of a line as in fstab; None for what need not be said."""
    words = entry.split()
    if len(words) < _FIELDS:
        raise internal(f"invalid lxc.mount.entry: '{entry}'")
    source, target, kind, options = words[:_FIELDS]
    target = target if target.startswith("/") else f"/{target}"
    if target in _OF_EVERY_CONTAINER:
        return None
    chosen = options.split(",")
    return _filesystem(source, target, readonly="ro" in chosen, memory=_memory(chosen) if kind == "tmpfs" else None)


def _memory(options: list[str]) -> int:
    """KiB of a file system in memory."""
    for option in options:
        if option.startswith("size="):
            value = option.removeprefix("size=")
            if value.endswith("%"):
                raise internal(f"can't convert relative size: '{value}'")
            return size(value)
    raise internal("missing tmpfs size, set the size option")


def _filesystem(source: str, target: str, *, readonly: bool = False, memory: int | None = None) -> Filesystem:
    kind: Literal["ram", "block", "mount"] = "mount"
    if memory is not None:
        kind, origin = "ram", FilesystemSource(usage=memory, units="KiB")
    elif source.startswith("/dev/"):
        kind, origin = "block", FilesystemSource(dev=source)
    else:
        origin = FilesystemSource(dir=source)
    return Filesystem(
        type=kind, accessmode="passthrough", source=origin, target=FilesystemTarget(dir=target), readonly=readonly
    )
