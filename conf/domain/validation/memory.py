# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of `<memory>` devices.  Sizes are KiB."""

from __future__ import annotations

from conf.domain.devices.memory import FILE_MODELS, Memory
from conf.domain.domain import Domain
from conf.errors import ConfigUnsupportedError, XMLDetailError

#: The pages that virtio-mem gives at once are huge pages at least.
SMALLEST_BLOCK = 2048
_PPC64 = ("ppc64", "ppc64le")


def check_memory(memory: Memory, domain: Domain) -> None:
    """Raise ConfError for a module that cannot be."""
    _check_node(memory, domain)
    if memory.model in FILE_MODELS and not (memory.source and memory.source.path):
        raise XMLDetailError(f"path is required for model '{memory.model}'")
    if memory.uuid is not None and not (domain.os.type and domain.os.type.arch in _PPC64):
        raise ConfigUnsupportedError("UUID is not supported for NVDIMM device")
    if memory.model in _CHECKS:
        _CHECKS[memory.model](memory)


def _check_node(memory: Memory, domain: Domain) -> None:
    node = memory.target.node
    if node is None:
        return
    cells = domain.cpu.numa.cells if domain.cpu and domain.cpu.numa else []
    if not cells:
        raise XMLDetailError("can't add memory backend as guest has no NUMA nodes configured")
    if node >= len(cells):
        raise XMLDetailError(
            f"can't add memory backend for guest node '{node}' as the guest has only "
            f"'{len(cells)}' NUMA nodes configured"
        )


def _check_nvdimm(memory: Memory) -> None:
    if memory.discard:
        raise ConfigUnsupportedError("discard is not supported for nvdimms")


def _check_virtio_pmem(memory: Memory) -> None:
    if memory.access != "shared":
        raise ConfigUnsupportedError("shared access mode required for virtio-pmem device")
    if memory.target.node is not None:
        raise ConfigUnsupportedError("virtio-pmem does not support NUMA nodes")


def _check_virtio_mem(memory: Memory) -> None:
    target = memory.target
    block, requested = target.block or 0, target.requested or 0
    if requested > target.size:
        raise XMLDetailError(f"requested size must be smaller than or equal to @size ({target.size}KiB)")
    if not block or block & (block - 1):
        raise XMLDetailError("block size must be a power of two")
    if block < SMALLEST_BLOCK:
        raise XMLDetailError(f"block size too small, must be at least {SMALLEST_BLOCK}KiB")
    if requested % block:
        raise XMLDetailError("requested size must be an integer multiple of block size")


_CHECKS = {"nvdimm": _check_nvdimm, "virtio-pmem": _check_virtio_pmem, "virtio-mem": _check_virtio_mem}
