# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of `<filesystem>`."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.filesystem import Filesystem
from drivers.qemu.validate.complaints import unsupported
from drivers.qemu.validate.devices.others import homeless
from drivers.qemu.validate.question import Question

#: Drivers of containers.
_OTHERS = ("loop", "nbd", "ploop")


def check_filesystem(filesystem: Filesystem, question: Question) -> None:
    """Raise VirtError for a share that QEMU cannot make."""
    if filesystem.driver and filesystem.driver.type in _OTHERS:
        raise homeless()
    if filesystem.type != "mount":
        raise unsupported("only supports mount filesystem type")
    if (filesystem.fmode or filesystem.dmode) and filesystem.accessmode != "mapped":
        raise unsupported("fmode and dmode must be used with accessmode=mapped")
    if filesystem.is_virtiofs:
        _check_virtiofs(filesystem, question.domain)
    elif filesystem.driver and filesystem.driver.type == "handle" and filesystem.accessmode != "passthrough":
        raise unsupported("only supports passthrough accessmode")


def _check_virtiofs(filesystem: Filesystem, domain: Domain) -> None:
    if filesystem.readonly and not (filesystem.source and filesystem.source.socket):
        raise unsupported("virtiofs does not yet support read-only mode")
    if filesystem.accessmode not in (None, "passthrough"):
        raise unsupported("virtiofs only supports passthrough accessmode")
    if filesystem.driver and filesystem.driver.format is not None:
        raise unsupported("virtiofs does not support format")
    if filesystem.driver and filesystem.driver.wrpolicy != "default":
        raise unsupported("virtiofs does not support wrpolicy")
    if filesystem.model is not None:
        raise unsupported("virtiofs does not support model")
    if filesystem.multidevs != "default":
        raise unsupported("virtiofs does not support multidevs")
    if not shares_memory(domain):
        raise unsupported("'virtiofs' requires shared memory")


def shares_memory(domain: Domain) -> bool:
    """Whether a helper process can see all of the guest's memory."""
    backing = domain.memory_backing
    shared = backing is not None and backing.access is not None and backing.access.mode == "shared"
    cells = domain.cpu.numa.cells if domain.cpu and domain.cpu.numa else []
    if not cells:
        return shared
    return all(cell.mem_access == "shared" or (cell.mem_access is None and shared) for cell in cells)
