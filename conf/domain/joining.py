# SPDX-License-Identifier: LGPL-2.1-or-later
"""Elements that are only a bracket around others: where a document has several of a name, they are read as one."""

from __future__ import annotations

from lxml.etree import _Element

LXC_NAMESPACE = "{http://libvirt.org/schemas/domain/lxc/1.0}namespace"

_BRACKETS = frozenset(
    {
        "blkiotune", "clock", "cputune", "devices", "features", "idmap", "memoryBacking", "memtune", "os", "perf", "pm",
        LXC_NAMESPACE,
    }
)  # fmt: skip
#: Of these, within `<features>`, the attributes of the last one count.
_FEATURES = frozenset({"capabilities", "hyperv"})


def join_brackets(root: _Element) -> dict[str, _Element]:
    """Move what stands in further brackets of a name into the first.

    Returns:
        The first child of each name; the elements need not be looked up again as long as it lives.
    """
    firsts = {child.tag: child for child in reversed(root)}
    if len(firsts) < len(root):
        _join(root, _BRACKETS, last_counts=False)
    if (features := firsts.get("features")) is not None:
        _join(features, _FEATURES, last_counts=True)
    return firsts


def _join(parent: _Element, brackets: frozenset[str], *, last_counts: bool) -> None:
    firsts: dict[str, _Element] = {}
    for child in list(parent):
        if child.tag in brackets:
            first = firsts.setdefault(child.tag, child)
            if first is not child:
                first.extend(list(child))
                parent.remove(child)
                if last_counts:
                    first.attrib.clear()
                    first.attrib.update(child.attrib)
