# SPDX-License-Identifier: LGPL-2.1-or-later
"""From libvirt's record of a running guest to ours, where that can be done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

from lxml import etree

from conf.domain.devices.disk import Disk
from conf.domain.devices.interface import Interface
from conf.errors import ConfError
from drivers.common.images.layers import Layer, layers_of
from drivers.qemu.adopt import blockjobs, words
from drivers.qemu.adopt.document import LibvirtStatus, parse_status
from drivers.qemu.block.state import BlockState
from drivers.qemu.hostside import cgroup, ownership
from drivers.qemu.process import start_ticks
from drivers.qemu.runtime import Runtime
from drivers.qemu.status import Status

Element: TypeAlias = etree._Element

#: Long operations that need no daemon to go on.
_GO_ON = ("backup",)


class NotAdoptedError(Exception):
    """A guest that another daemon left running and that we cannot take over.  It is left alone.

    `pid` is its QEMU's, which began at `started`.
    """

    def __init__(self, root: Element, why: str) -> None:
        super().__init__(why)
        self.name = root.findtext("domain/name") or ""
        self.uuid = UUID(root.findtext("domain/uuid") or "").bytes
        self.pid = int(root.get("pid", ""))
        self.started = _started(self.pid, _lib_dir(root))


def take_over(root: Element) -> Status:
    """Our record of the guest that libvirt's document describes.  Blocks.

    Its process is gone where `started` is 0.

    Raises:
        NotAdoptedError: the guest runs, but in a way that we cannot follow.
        ConfError, ValueError, KeyError: the document is of no use, and nothing runs.
    """
    try:
        said = parse_status(root)
        found = _record(said)
    except (ConfError, KeyError) as error:
        stray = NotAdoptedError(root, f"its record is not understood: {error}")
        if stray.started:
            raise stray from error
        raise
    if found.started:
        for why in _obstacles(said, found.runtime):
            raise NotAdoptedError(root, why)
    for disk in found.domain.devices.disks:
        _forget_private(disk)
    return found


def _lib_dir(root: Element) -> Path:
    folder = root.find("libDir")
    return Path("" if folder is None else folder.get("path", ""))


def _record(said: LibvirtStatus) -> Status:
    for interface in said.domain.devices.interfaces:
        _settle_network(interface)
    state = words.STATES[said.state]
    started = _started(said.pid, Path(said.lib_dir))
    return Status(
        domain=said.domain,
        runtime=_runtime(said, runs=bool(started)),
        state=state,
        reason=words.reason(state, said.reason),
        pid=said.pid,
        started=started,
        taints=[words.TAINTS.get(taint.flag, taint.flag) for taint in said.taints],
        deprecations=list(said.deprecations),
        messages=[],
        elements=[],
        ours=False,
    )


def _runtime(said: LibvirtStatus, *, runs: bool) -> Runtime:
    return Runtime(
        domain_dir=Path(said.lib_dir),
        channel_dir=Path(said.channel_target_dir),
        vcpu_threads={vcpu.id: vcpu.pid for vcpu in said.vcpus},
        devices={device.alias for device in said.devices},
        owners=list(ownership.remembered(said.domain)) if said.remember_owner else [],
        cgroup=cgroup.of_libvirt(said.pid) if runs else None,
        fake_reboot=said.fakereboot,
        block=BlockState(last_index=said.nodename, jobs=blockjobs.followed(said.blockjobs, said.domain)),
        asked_cpu=said.cpu,
    )


def _started(pid: int, folder: Path) -> int:
    """When the process of the guest with that folder started; 0: it is gone, even if another one has its pid now."""
    if not folder.is_absolute():
        return 0
    started = start_ticks(pid)
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            is_ours = os.fsencode(str(folder)) + b"/" in file.read()
    except OSError:
        return 0
    return started or 0 if is_ours else 0


def _obstacles(said: LibvirtStatus, runtime: Runtime) -> Iterator[str]:
    """Why a running guest cannot be taken over."""
    if (said.state, said.reason) == ("paused", "starting up"):
        yield "its start was interrupted"
    if said.async_job not in (None, *_GO_ON):
        yield f"its daemon ended in the middle of a {said.async_job}"
    if said.monitor.type != "unix" or said.monitor.path != str(runtime.monitor_path):
        yield f"its monitor is at {said.monitor.path}"
    for disk in said.domain.devices.disks:
        layers = layers_of(disk)
        for layer in layers:
            yield from _odd_names(layer, disk.target.dev or "")
        if disk.mirror is not None and disk.target.dev not in runtime.block.jobs:
            yield f"disk {disk.target.dev} is being copied by a job that is not known"


def _odd_names(layer: Layer, disk: str) -> Iterator[str]:
    """Whether an image has nodes by other names than its number says."""
    private = layer.source.private_data
    usual = {"storage": layer.storage_node, "format": layer.format_node}
    for node in private.nodenames if private is not None else ():
        if node.name != usual.get(node.type, node.name):
            yield f"disk {disk} has a block node called {node.name}"


def _forget_private(disk: Disk) -> None:
    """All that is noted about nodes follows from the images' numbers."""
    disk.private_data = disk.secrets_placement = None
    for layer in layers_of(disk):
        layer.source.private_data = None


def _settle_network(interface: Interface) -> None:
    """Show what an interface on a virtual network became, as clients saw it."""
    actual, interface.actual = interface.actual, None
    if actual is None or actual.source is None or interface.source is None:
        return
    interface.source.bridge = actual.source.bridge
    if actual.type == "bridge":
        interface.type = "bridge"
    elif actual.type == "direct":
        interface.type = "direct"
        interface.source.dev, interface.source.mode = actual.source.dev, actual.source.mode
    for name in ("vlan", "virtualport", "bandwidth"):
        if getattr(actual, name) is not None:
            setattr(interface, name, getattr(actual, name))
