# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's map of CPU models, read from where its package installs it.

It is data of that package.  On a host without it the map is empty, and models are known only as
far as QEMU itself tells of them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from lxml import etree

log = logging.getLogger(__name__)

CPU_MAP = Path("/usr/share/libvirt/cpu_map")

#: Guest architecture → the part of the map that holds its models.
FAMILIES = {
    "i686": "x86",
    "x86_64": "x86",
    "ppc64": "ppc64",
    "ppc64le": "ppc64",
    "armv6l": "arm",
    "armv7l": "arm",
    "aarch64": "arm",
}


@dataclass(frozen=True, slots=True)
class CpuModel:
    """A model: its vendor, the (family, model) signatures it stands for, its features."""

    name: str
    vendor: str | None
    signatures: frozenset[tuple[int, int]]
    features: frozenset[str]
    #: features it had once and has no longer, to be named explicitly
    removed: tuple[str, ...]
    decode_host: bool
    decode_guest: bool


@dataclass(slots=True)
class CpuMap:
    """The models of one family in the map's order (oldest first) and the features in theirs."""

    models: dict[str, CpuModel] = field(default_factory=dict)
    #: feature → its rank; the order in which they are written
    features: dict[str, int] = field(default_factory=dict)
    #: every name of a feature, other programs' included → libvirt's
    aliases: dict[str, str] = field(default_factory=dict)
    #: vendor → the string that CPUs identify themselves with
    vendors: dict[str, str] = field(default_factory=dict)
    unmigratable: set[str] = field(default_factory=set)
    #: features that are told by model specific registers, not by the CPUID instruction
    by_register: set[str] = field(default_factory=set)

    def canonical(self, name: str) -> str | None:
        """libvirt's name for a feature that QEMU or Linux calls `name`; None for what it does not know."""
        return self.aliases.get(name) or self.aliases.get(_squeezed(name))

    def ordered(self, features: frozenset[str] | set[str]) -> list[str]:
        """The features in the map's order."""
        return sorted(features, key=lambda name: self.features.get(name, len(self.features)))

    def vendor_of(self, identification: str) -> str | None:
        """The vendor whose CPUs identify themselves so (`AuthenticAMD`)."""
        return next((vendor for vendor, string in self.vendors.items() if string == identification), None)


def _squeezed(name: str) -> str:
    """Programs differ in how they separate the words of a feature's name."""
    return name.translate({ord(c): None for c in "_-."})


@cache
def load_cpu_map(arch: str, folder: Path = CPU_MAP) -> CpuMap:
    """The part of the map for guests of `arch`.  Blocks the first time (some 60 small files)."""
    found = CpuMap()
    family = FAMILIES.get(arch)
    if family is None:
        return found
    try:
        index = etree.parse(os.fspath(folder / "index.xml"))
        for include in index.iterfind(f"arch[@name='{family}']/include"):
            _read(found, etree.parse(os.fspath(folder / os.path.basename(include.get("filename", "")))).getroot())
    except (OSError, etree.XMLSyntaxError, ValueError) as error:
        log.info("no CPU map: %s", error)
        return CpuMap()
    return found


def _read(found: CpuMap, root: etree._Element) -> None:
    for element in root.iterchildren("vendor", "feature", "model"):
        name = element.get("name", "")
        if element.tag == "vendor":
            found.vendors[name] = element.get("string", "")
        elif element.tag == "feature":
            _read_feature(found, name, element)
        else:
            found.models[name] = _read_model(found, name, element)


def _read_feature(found: CpuMap, name: str, element: etree._Element) -> None:
    found.features[name] = len(found.features)
    for alias in (name, *(a.get("name", "") for a in element.iterchildren("alias"))):
        found.aliases[alias] = name
        found.aliases.setdefault(_squeezed(alias), name)
    if element.get("migratable") == "no":
        found.unmigratable.add(name)
    if element.find("msr") is not None:
        found.by_register.add(name)


def _read_model(found: CpuMap, name: str, element: etree._Element) -> CpuModel:
    decode, vendor, parent = element.find("decode"), element.find("vendor"), element.find("model")
    base = found.models.get(parent.get("name", "")) if parent is not None else None
    own = set(_features(element, removed=False))
    return CpuModel(
        name=name,
        vendor=vendor.get("name") if vendor is not None else base.vendor if base else None,
        signatures=frozenset(
            (int(s.get("family", "0")), int(s.get("model", "0"))) for s in element.iterchildren("signature")
        ),
        features=frozenset(own | base.features if base else own),
        removed=tuple(_features(element, removed=True)),
        decode_host=decode is None or decode.get("host") == "on",
        decode_guest=decode is None or decode.get("guest") == "on",
    )


def _features(element: etree._Element, *, removed: bool) -> Iterator[str]:
    for feature in element.iterchildren("feature"):
        if (feature.get("removed") == "yes") is removed:
            yield feature.get("name", "")
