# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<capabilities>` of a make-believe host."""

from __future__ import annotations

from drivers.test.defaults import EMULATOR
from drivers.test.world import Node

#: Page sizes in KiB that each cell has beside its usual one, and of which none are in use.
_HUGE = (2048, 1 << 20)
#: Pages of its usual size that a cell has.
_PAGES = 524288


def cell_memory(cell: int) -> int:
    """KiB of a NUMA cell."""
    return (cell + 1) * (2 << 20)


def page_size(cell: int) -> int:
    """KiB of a cell's usual pages."""
    return 4 << cell


def capabilities(node: Node) -> str:
    """The document."""
    sizes = [*(page_size(cell) for cell in range(node.nodes)), *_HUGE]
    pages = "".join(f"      <pages unit='KiB' size='{size}'/>\n" for size in sizes)
    cells = "".join(_cell(node, cell) for cell in range(node.nodes))
    guests = "".join(_guest(node.model, os_type) for os_type in ("hvm", "xen"))
    return f"""\
<capabilities>

  <host>
    <cpu>
      <arch>{node.model}</arch>
      <features>
        <pae/>
        <nonpae/>
      </features>
{pages}    </cpu>
    <power_management/>
    <iommu support='no'/>
    <topology>
      <cells num='{node.nodes}'>
{cells}      </cells>
    </topology>
    <secmodel>
      <model>testSecurity</model>
      <doi></doi>
    </secmodel>
  </host>

{guests}</capabilities>
"""


def _cell(node: Node, cell: int) -> str:
    count = node.cpus // node.nodes
    first = cell * count
    usual = f"          <pages unit='KiB' size='{page_size(cell)}'>{_PAGES}</pages>\n"
    huge = "".join(f"          <pages unit='KiB' size='{size}'>0</pages>\n" for size in _HUGE)
    cpus = "".join(
        f"            <cpu id='{first + core}' socket_id='{cell}' die_id='0' core_id='{core}'"
        f" siblings='{first + core}'/>\n"
        for core in range(count)
    )
    return f"""\
        <cell id='{cell}'>
          <memory unit='KiB'>{cell_memory(cell)}</memory>
{usual}{huge}          <cpus num='{count}'>
{cpus}          </cpus>
        </cell>
"""


def _guest(arch: str, os_type: str) -> str:
    return f"""\
  <guest>
    <os_type>{os_type}</os_type>
    <arch name='{arch}'>
      <wordsize>32</wordsize>
      <emulator>{EMULATOR}</emulator>
      <domain type='test'/>
    </arch>
    <features>
      <pae/>
      <nonpae/>
    </features>
  </guest>

"""
