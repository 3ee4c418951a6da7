# SPDX-License-Identifier: LGPL-2.1-or-later
"""File ownership: a guest's images belong to its QEMU's user while it runs (`dynamic_ownership`)."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from drivers.common.images.layers import layers_of, mirror_chain
from drivers.qemu.hostside.nvram import variables_path
from drivers.qemu.runtime import Owner, Runtime
from drivers.qemu.settings import Account
from virtd.errors import Code, From, VirtError

if TYPE_CHECKING:
    from conf.domain import Domain
    from conf.domain.devices.chardev_source import CharacterBackend
    from drivers.qemu.guest import Guest

#: A pipe is one file, or two: what the guest reads, what it writes.
_PIPE_ENDS = (".in", ".out")

#: Attributes in which libvirt notes whose a file was, how many guests use it, and since which start of the host.
_NAMESPACE = "trusted.libvirt.security."
_REMEMBERED = ("dac", "ref_dac", "timestamp_dac")
_OWNER = re.compile(rb"\+(\d{1,10}):\+(\d{1,10})")

log = logging.getLogger(__name__)


def give(guest: Guest, runtime: Runtime, account: Account | None) -> None:
    """Hand the guest's files to its QEMU's user, keeping in mind whose they were.

    Raises:
        VirtError: SYSTEM_ERROR, a file is not there or cannot be handed over.
    """
    live = guest.live
    assert live is not None
    for path in _nodes(live):
        if not os.path.exists(path):
            raise _missing(f"Path '{path}' is not accessible", From.CGROUP)
    for path in (*_boot_files(live), *device_paths(live)):
        if not os.path.exists(path):
            raise _missing(f"unable to stat: {path}", From.SECURITY)
    for path in (*file_paths(live), *device_paths(live)):
        give_path(guest, runtime, account, path)


def give_path(guest: Guest, runtime: Runtime, account: Account | None, path: str) -> None:
    """Hand one file over."""
    try:
        found = os.stat(path)
    except OSError as error:
        text = f"Cannot access storage file '{path}': {error.strerror}"
        raise VirtError(Code.SYSTEM_ERROR, text, source=From.STORAGE) from error
    if account is None or not guest.context.settings.dynamic_ownership:
        return
    if (found.st_uid, found.st_gid) == (account.uid, account.gid):
        return
    runtime.owners.append(Owner(path, found.st_uid, found.st_gid))
    try:
        os.chown(path, account.uid, account.gid)
    except OSError as error:
        text = f"unable to set user and group to '{account.uid}:{account.gid}' on '{path}': {error.strerror}"
        raise VirtError(Code.SYSTEM_ERROR, text) from error


def restore(guest: Guest, runtime: Runtime) -> None:
    """Give all files back that no other running guest uses."""
    for owner in runtime.owners:
        restore_path(guest, owner)
    runtime.owners.clear()


def restore_path(guest: Guest, owner: Owner) -> None:
    """Give one file back, or leave that to the other guest that uses it."""
    for other in guest.context.guests:
        if other is not guest and other.live is not None and other.runtime and owner.path in _used(other.live):
            if owner.path not in (o.path for o in other.runtime.owners):
                other.runtime.owners.append(owner)
            return
    try:
        os.chown(owner.path, owner.uid, owner.gid)
    except OSError as error:
        log.warning("guest %s: %s cannot be given back: %s", guest.name, owner.path, error.strerror)
        return
    for name in _REMEMBERED:
        with contextlib.suppress(OSError):
            os.removexattr(owner.path, f"{_NAMESPACE}{name}")


def remembered(domain: Domain) -> Iterator[Owner]:
    """Whose a guest's files were, as libvirt noted on the files themselves.  Blocks."""
    for path in dict.fromkeys(_used(domain)):
        try:
            match = _OWNER.fullmatch(os.getxattr(path, f"{_NAMESPACE}dac").rstrip(b"\0"))
        except OSError:
            continue
        if match is not None:
            yield Owner(path, int(match[1]), int(match[2]))


def _missing(text: str, source: From) -> VirtError:
    return VirtError(Code.SYSTEM_ERROR, f"{text}: {os.strerror(errno.ENOENT)}", source=source)


def _used(domain: Domain) -> Iterator[str]:
    yield from file_paths(domain)
    yield from device_paths(domain)


def device_paths(domain: Domain) -> Iterator[str]:
    """What else a guest opens by name: devices of the host, the host's end of character devices, a table."""
    yield from _nodes(domain)
    for device in domain.devices.character_devices():
        yield from _backend_paths(device)
    yield from (table.path for table in (domain.os.acpi.tables if domain.os.acpi else ()) if table.path)


def _nodes(domain: Domain) -> Iterator[str]:
    """Devices of the host."""
    for device in domain.devices.character_devices():
        if device.type == "dev" and device.source is not None and device.source.path:
            yield device.source.path
    for input_ in domain.devices.inputs:
        if input_.source is not None and (path := input_.source.evdev or input_.source.dev):
            yield path
    for graphics in domain.devices.graphics:
        if graphics.gl is not None and graphics.gl.rendernode:
            yield graphics.gl.rendernode


def _backend_paths(device: CharacterBackend) -> Iterator[str]:
    source = device.source
    if source is None or not source.path:
        return
    if device.type == "pipe" and all(os.path.exists(source.path + end) for end in _PIPE_ENDS):
        yield from (source.path + end for end in _PIPE_ENDS)
    elif device.type == "pipe" or (device.type == "unix" and source.mode != "bind"):
        yield source.path


def file_paths(domain: Domain) -> Iterator[str]:
    """The files of the host that a guest opens: images, firmware variables, kernel."""
    for disk in domain.devices.disks:
        layers = layers_of(disk)
        yield from (layer.path for layer in layers if layer.path)
        if disk.mirror is not None:
            yield from (layer.path for layer in mirror_chain(disk) if layer.path)
    for hostdev in domain.devices.hostdevs:
        place = hostdev.source.usb
        if hostdev.type == "usb" and place is not None:
            yield f"/dev/bus/usb/{place.bus:03d}/{place.device:03d}"
    yield from _boot_files(domain)


def _boot_files(domain: Domain) -> Iterator[str]:
    os_ = domain.os
    variables = variables_path(domain)
    for path in (os_.kernel, os_.initrd, os_.dtb, str(variables) if variables else None):
        if path:
            yield path
