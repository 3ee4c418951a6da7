# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPU features as QEMU calls them."""

from __future__ import annotations

from drivers.qemu.capabilities.model import Capabilities

#: Names that differ by more than their separators.
_X86 = {"pclmuldq": "pclmulqdq", "arch-facilities": "arch-capabilities"}


def qemu_feature(caps: Capabilities, name: str) -> str:
    """QEMU's canonical name of a feature."""
    if not caps.is_x86:
        return name
    return _X86.get(name) or name.replace("_", "-")
