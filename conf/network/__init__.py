# SPDX-License-Identifier: LGPL-2.1-or-later
"""The XML format of virtual networks."""

from __future__ import annotations

from conf.binding import FormatOptions, ParseOptions, format_document, parse_document
from conf.binding.reading import read
from conf.errors import ConfError, NoNameError
from conf.naming import named
from conf.network.network import Network
from conf.network.validation import validate_network

__all__ = ["Network", "format_network", "parse_network", "validate_network"]


def parse_network(xml: str | bytes, *, inactive: bool = True) -> Network:
    """A network from untrusted XML.

    Args:
        inactive: it is a definition; how many guests use it is ignored.

    Raises:
        ConfError: with libvirt's code and text.
    """
    root = parse_document(xml, "network", what="network_definition")
    name = root.findtext("name")
    if not name:
        raise NoNameError("")
    try:
        return read(Network, root, ParseOptions(inactive=inactive))
    except ConfError as error:
        raise named(error, name) from None


def format_network(network: Network, *, inactive: bool = True) -> str:
    """A network's XML as libvirt 9.0.0 writes it."""
    return format_document(network, "network", FormatOptions(inactive=inactive))
