# SPDX-License-Identifier: LGPL-2.1-or-later
"""The XML format of the host's devices."""

from __future__ import annotations

from conf.binding import FormatOptions, ParseOptions, format_document, parse_document
from conf.binding.reading import read
from conf.errors import ConfError, NoNameError
from conf.naming import named
from conf.nodedev.device import NodeDevice

__all__ = ["NodeDevice", "format_node_device", "parse_node_device"]

#: How a device to be made is called until the host names it.
NEW_NAME = "new device"


def parse_node_device(xml: str | bytes, *, creating: bool = False) -> NodeDevice:
    """A node device from untrusted XML.

    Args:
        creating: it shall be made: its name in the document does not count, and what the host
            decides (numbers and names of adapters) is not asked for.

    Raises:
        ConfError: with libvirt's code and text.
    """
    root = parse_document(xml, "device", what="node_device_definition")
    name = NEW_NAME if creating else root.findtext("name")
    if not name:
        raise NoNameError("")
    try:
        device = read(NodeDevice, root, ParseOptions(inactive=creating))
    except ConfError as error:
        raise named(error, name) from None
    device.name = name
    return device


def format_node_device(device: NodeDevice) -> str:
    """A node device's XML as libvirt 9.0.0 writes it."""
    return format_document(device, "device", FormatOptions(inactive=False))
