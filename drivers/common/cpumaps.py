# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPU maps as the API has them: a bit a CPU, the first in the lowest."""

from __future__ import annotations

from collections.abc import Collection


def cpumap_of(cpus: Collection[int]) -> bytes:
    """As many bytes as the last of them needs."""
    return sum(1 << cpu for cpu in cpus).to_bytes(max(cpus, default=0) // 8 + 1, "little")


def cpus_of(cpumap: bytes) -> set[int]:
    """The CPUs in a map."""
    bits = int.from_bytes(cpumap, "little")
    return {cpu for cpu in range(bits.bit_length()) if bits >> cpu & 1}
