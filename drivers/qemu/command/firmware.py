# SPDX-License-Identifier: LGPL-2.1-or-later
"""The firmware: -bios, or flash images as block nodes."""

from __future__ import annotations

from collections.abc import Iterator

from conf.domain import Domain
from conf.domain.devices.disk import Disk, DiskTarget
from conf.domain.devices.storage_source import StorageSource, StorageType
from drivers.common.images.layers import Layer
from drivers.qemu.block.storage import storage_driver
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine

_CODE, _VARIABLES = "libvirt-pflash0", "libvirt-pflash1"


def _uses_flash(domain: Domain) -> bool:
    loader = domain.os.loader
    return loader is not None and loader.type == "pflash" and loader.path is not None


def _variables(domain: Domain) -> StorageSource | None:
    """Where the firmware keeps its variables."""
    nvram = domain.os.nvram
    if nvram is None:
        return None
    return nvram.source if nvram.source is not None else StorageSource(file=nvram.path) if nvram.path else None


def pflash_nodes(domain: Domain) -> Iterator[tuple[str, str]]:
    """The machine's properties that name the nodes of the flash."""
    if _uses_flash(domain):
        yield "pflash0", f"{_CODE}-format"
        if _variables(domain) is not None:
            yield "pflash1", f"{_VARIABLES}-format"


def add_flash(build: Build, line: CommandLine) -> None:
    """-blockdev of the flash; it must be there before the machine."""
    os_ = build.domain.os
    if not _uses_flash(build.domain) or os_.loader is None:
        return
    _add_nodes(line, _CODE, "file", StorageSource(file=os_.loader.path), readonly=bool(os_.loader.readonly))
    variables = _variables(build.domain)
    if variables is not None:
        kind = (os_.nvram.type if os_.nvram else None) or "file"
        _add_nodes(line, _VARIABLES, kind, variables, readonly=False)


def _add_nodes(line: CommandLine, name: str, kind: StorageType, source: StorageSource, *, readonly: bool) -> None:
    disk = Disk(type=kind, source=source, target=DiskTarget(dev=name))
    storage = storage_driver(Layer(disk, disk, source, readonly))
    line.add_json("-blockdev", storage | {"node-name": f"{name}-storage", "auto-read-only": True, "discard": "unmap"})
    line.add_json(
        "-blockdev",
        {"node-name": f"{name}-format", "read-only": readonly, "driver": "raw", "file": f"{name}-storage"},
    )


def add_loader(build: Build, line: CommandLine) -> None:
    """-bios, and what guards a secure firmware's variables from the guest's system."""
    loader = build.domain.os.loader
    if loader is None or loader.path is None:
        return
    if loader.type == "pflash":
        if loader.secure:
            line.add("-global", "driver=cfi.pflash01,property=secure,value=on")
    else:
        line.add("-bios", loader.path)
