# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPUs that clients hand in: as a host has them (with an architecture) or as a guest asks for them."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from conf.binding import FormatOptions, ParseOptions, format_document, parse_document
from conf.binding.reading import read
from conf.domain.cpu import CPU
from conf.errors import ConfError
from drivers.common.cpu.cpu_map import CpuMap
from virtd.errors import Code, From, VirtError


@dataclass(frozen=True, slots=True)
class GivenCpu:
    """A CPU's XML.  `arch` is None for a guest's."""

    cpu: CPU
    arch: str | None

    @property
    def model(self) -> str | None:
        return self.cpu.model.name if self.cpu.model else None


def parse_cpu(xml: str, *, of_host: bool = False) -> GivenCpu:
    """Read `<cpu>`.

    Args:
        of_host: only a host's will do.

    Raises:
        VirtError: what is wrong with it.
    """
    try:
        root = parse_document(xml, None, what="CPU_definition")
        if root.tag != "cpu":
            raise VirtError(Code.XML_ERROR, "XML does not contain expected 'cpu' element", source=From.CPU)
        arch = root.findtext("arch")
        if not of_host and arch is not None and "match" in root.attrib:
            text = "'arch' element cannot be used inside 'cpu' element with 'match' attribute'"
            raise VirtError(Code.XML_ERROR, text, source=From.CPU)
        if of_host or arch is not None:
            _check_host(root, arch)
        return GivenCpu(read(CPU, root, ParseOptions()), arch)
    except ConfError as error:
        raise VirtError(Code(error.code), str(error), source=From.CPU) from None


def _check_host(root: etree._Element, arch: str | None) -> None:
    if "mode" in root.attrib:
        raise _unsupported("Attribute mode is only allowed for guest CPU")
    if arch is None:
        raise VirtError(Code.XML_ERROR, "Missing CPU architecture", source=From.CPU)
    if not root.findtext("model"):
        raise VirtError(Code.XML_ERROR, "Missing CPU model name", source=From.CPU)


def _unsupported(detail: str) -> VirtError:
    return VirtError(Code.CONFIG_UNSUPPORTED, detail, source=From.CPU)


def check_features(cpu: CPU, cpu_map: CpuMap) -> None:
    """Refuse features that the map does not know.

    Raises:
        VirtError: INTERNAL_ERROR.
    """
    for feature in cpu.features:
        if cpu_map.canonical(feature.name) is None:
            raise VirtError(Code.INTERNAL_ERROR, f"Unknown CPU feature {feature.name}", source=From.CPU)


def format_cpu(cpu: CPU) -> str:
    """`<cpu>` of its own."""
    return format_document(cpu, "cpu", FormatOptions())
