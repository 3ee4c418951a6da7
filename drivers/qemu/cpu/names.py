# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPU features as QEMU calls them, and QEMU's models as libvirt does."""

from __future__ import annotations

from drivers.common.cpu.cpu_map import CpuMap
from drivers.qemu.capabilities.arch import PPC64, X86
from drivers.qemu.capabilities.model import Capabilities, CpuDefinition

#: Names that differ by more than their separators.
_X86 = {"pclmuldq": "pclmulqdq", "arch-facilities": "arch-capabilities"}


def qemu_feature(caps: Capabilities, name: str) -> str:
    """QEMU's canonical name of a feature."""
    if not caps.is_x86:
        return name
    return _X86.get(name) or name.replace("_", "-")


def known_models(caps: Capabilities, virt_type: str, cpu_map: CpuMap) -> dict[str, CpuDefinition]:
    """The models a guest can name: QEMU's, of x86 those that the map knows; POWER's are called by generation."""
    definitions = caps.cpu_facts(virt_type).models
    if caps.arch in PPC64:
        return {(d.name.upper() if d.name.upper() in cpu_map.models else d.name): d for d in definitions}
    return {d.name: d for d in definitions if caps.arch not in X86 or not cpu_map.models or d.name in cpu_map.models}


def offered_models(caps: Capabilities, virt_type: str, cpu_map: CpuMap) -> dict[str, CpuDefinition]:
    """The models of which clients are told."""
    known = known_models(caps, virt_type, cpu_map)
    return {name: d for name, d in known.items() if name in cpu_map.models} if caps.arch in PPC64 else known
