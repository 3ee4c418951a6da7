# SPDX-License-Identifier: LGPL-2.1-or-later
"""The domain XML format."""

from __future__ import annotations

from conf.binding import FormatOptions, ParseOptions, format_document, parse_document
from conf.binding.reading import read
from conf.domain.domain import Domain
from conf.domain.joining import join_brackets
from conf.errors import NoNameError

__all__ = ["Domain", "format_domain", "parse_domain"]


def parse_domain(xml: str | bytes, *, inactive: bool = True, status: bool = False, update: bool = False) -> Domain:
    """A domain from untrusted XML.

    Args:
        inactive: it is a definition; what only a running guest has is ignored.
        status: it is the daemon's own record.
        update: a guest is defined anew, by a hypervisor whose guests' memory follows from their NUMA nodes.

    Raises:
        ConfError: with libvirt's code and text.
    """
    root = parse_document(xml, "domain", what="domain_definition")
    children = join_brackets(root)
    if "name" not in children or not children["name"].text:
        # Said before anything else is looked at.
        raise NoNameError("")
    return read(Domain, root, ParseOptions(inactive=inactive, status=status, update=update))


def format_domain(
    domain: Domain,
    *,
    inactive: bool = True,
    secure: bool = False,
    migratable: bool = False,
    status: bool = False,
    transient: bool = False,
) -> str:
    """A domain's XML, letter by letter as libvirt 9.0.0 writes it; see `FormatOptions`."""
    options = FormatOptions(inactive=inactive, secure=secure, migratable=migratable, status=status, transient=transient)
    return format_document(domain, "domain", options)
