# SPDX-License-Identifier: LGPL-2.1-or-later
"""The XML format of network filters."""

from __future__ import annotations

from conf.binding import FormatOptions, ParseOptions, parse_document
from conf.nwfilter.filter import Filter, format_filter, read_filter

__all__ = ["Filter", "format_nwfilter", "parse_nwfilter"]


def parse_nwfilter(xml: str | bytes) -> Filter:
    """A network filter from untrusted XML; a missing UUID is made up.

    Raises:
        ConfError: with libvirt's code and text.
    """
    return read_filter(parse_document(xml, "filter", what="nwfilter_definition"), ParseOptions())


def format_nwfilter(filter_: Filter) -> str:
    """A filter's XML as libvirt 9.0.0 writes it."""
    return format_filter(filter_, FormatOptions())
