# SPDX-License-Identifier: LGPL-2.1-or-later
"""The XML format of the host's network interfaces."""

from __future__ import annotations

from conf.binding import FormatOptions, ParseOptions, format_document, parse_document
from conf.binding.reading import read
from conf.errors import XMLFormError
from conf.interface.interface import TYPES, Interface

__all__ = ["Interface", "format_interface", "parse_interface"]


def parse_interface(xml: str | bytes) -> Interface:
    """An interface of the host from untrusted XML.

    Raises:
        ConfError: with libvirt's code and text.
    """
    root = parse_document(xml, "interface", what="interface_definition")
    type_ = root.get("type")
    if type_ is None:
        raise XMLFormError("Missing required attribute 'type' in element 'interface'")
    if type_ not in TYPES:
        raise XMLFormError(f"Invalid value for attribute 'type' in element 'interface': '{type_}'.")
    return read(TYPES[type_], root, ParseOptions())


def format_interface(interface: Interface) -> str:
    """An interface's XML as libvirt 9.0.0 writes it."""
    return format_document(interface, "interface", FormatOptions())
