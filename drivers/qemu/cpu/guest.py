# SPDX-License-Identifier: LGPL-2.1-or-later
"""The CPU that a guest with `mode='host-model'` gets."""

from __future__ import annotations

from drivers.qemu.capabilities.model import Capabilities
from drivers.qemu.cpu.cpu_map import CpuMap
from drivers.qemu.cpu.decode import NamedCpu, RawCpu, decode_guest


def host_model(caps: Capabilities, virt_type: str, cpu_map: CpuMap, *, migratable: bool) -> NamedCpu | None:
    """The named model nearest to the best CPU that QEMU can give here; None where that cannot be told.

    Args:
        migratable: leave out what QEMU would not migrate.
    """
    facts = caps.cpu_facts(virt_type)
    if not caps.is_x86 or not facts.best or not cpu_map.models:
        return None
    present = {name for name, value in facts.best.items() if value is True}
    if not migratable:
        present |= facts.unmigratable
    family, model = facts.best.get("family"), facts.best.get("model")
    return decode_guest(
        RawCpu(
            features=frozenset(name for p in present if (name := cpu_map.canonical(p))),
            vendor=cpu_map.vendor_of(str(facts.best.get("vendor", ""))),
            signature=(family, model) if isinstance(family, int) and isinstance(model, int) else None,
        ),
        cpu_map,
        {d.name: d.blockers or () for d in facts.models},
    )
