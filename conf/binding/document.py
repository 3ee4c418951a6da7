# SPDX-License-Identifier: LGPL-2.1-or-later
"""From untrusted bytes to an element tree, and the options of parsing and formatting."""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass
from functools import cache

from lxml import etree

from conf.errors import XMLDetailError, XMLFormError

#: What the RPC protocol can carry in a string; nothing larger has a right to be here.
MAX_BYTES = 4 * 1024 * 1024
#: Elements (roughly: each start and end tag counts) and attributes a document may have.  A real
#: domain has a few thousand; libxml needs about 100 bytes for each.
MAX_TAGS = 200_000
MAX_ATTRIBUTES = 200_000

NAMESPACES = {
    "qemu": "http://libvirt.org/schemas/domain/qemu/1.0",
    "lxc": "http://libvirt.org/schemas/domain/lxc/1.0",
    "xen": "http://libvirt.org/schemas/domain/xen/1.0",
    "bhyve": "http://libvirt.org/schemas/domain/bhyve/1.0",
    "vmware": "http://libvirt.org/schemas/domain/vmware/1.0",
    "dnsmasq": "http://libvirt.org/schemas/network/dnsmasq/1.0",
    "fs": "http://libvirt.org/schemas/storagepool/fs/1.0",
    "rbd": "http://libvirt.org/schemas/storagepool/rbd/1.0",
}

_DOCTYPE = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->|\xef\xbb\xbf)*+<!DOCTYPE", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """What a document describes.

    Attributes:
        inactive: a definition: what only a running guest has is ignored.
        status: the daemon's own state file: everything is read.
        update: a guest is defined anew: what was said before and follows from other parts by now is settled again.
        partial: an entry is looked for: it need not say all.
    """

    inactive: bool = True
    status: bool = False
    update: bool = False
    partial: bool = False


@dataclass(frozen=True, slots=True)
class FormatOptions:
    """For whom a document is written.

    Attributes:
        inactive: a definition: without what only a running guest has.
        secure: with passwords and keys.
        migratable: for another host, which may be older.
        status: the daemon's own state file.
        transient: with `inactive`: of a guest that has no definition but the running one, names it got at its start included.
    """

    inactive: bool = True
    secure: bool = False
    migratable: bool = False
    status: bool = False
    transient: bool = False


def qualified(name: str) -> str:
    """`qemu:arg` as lxml spells it."""
    prefix, colon, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}" if colon else name


def parse_document(source: str | bytes, root: str | None, *, what: str) -> etree._Element:
    """The root element of a document.

    Args:
        source: from anybody: no DTD, no entities, bounded in size, depth and number of nodes.
        root: the name the root element must have; None takes any.
        what: how errors call the document, e.g. "domain_definition".

    Raises:
        XMLDetailError: not well-formed, or refused for its size or form.
        XMLFormError: another root element.
    """
    if len(source) > MAX_BYTES:
        raise XMLDetailError(f"({what}):1: document is larger than {MAX_BYTES} bytes")
    data = source.encode("utf-8", "surrogateescape") if isinstance(source, str) else source
    _refuse_bombs(data, what)
    parser = _parser()
    try:
        element = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise XMLDetailError(_syntax_error_text(error, parser, data, what)) from None
    if element.getroottree().docinfo.internalDTD is not None:
        raise XMLDetailError(f"({what}):1: a document type declaration is not allowed")
    if root is not None and element.tag != root:
        raise XMLFormError(f"expecting root element of '{root}', not '{etree.QName(element).localname}'")
    return element


@cache
def _parser() -> etree.XMLParser:
    # Blanks between elements go, as in libvirt: foreign subtrees are indented anew when written.
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_blank_text=True,
        strip_cdata=False,
    )


def take_foreign(element: etree._Element) -> str:
    """An element as text, with the subtrees of others in it: the first of each namespace, nothing else."""
    # A copy: writing the element itself would declare every namespace in scope, used or not.
    copy = deepcopy(element)
    seen: set[str] = set()
    for member in list(copy):
        member.tail = None
        namespace = etree.QName(member).namespace if isinstance(member.tag, str) else None
        if namespace is None or namespace in seen:
            copy.remove(member)
        else:
            seen.add(namespace)
    copy.text = None
    return etree.tostring(copy, encoding="unicode", with_tail=False)


def dump_foreign(source: str, level: int) -> str:
    """A serialised subtree as lines indented for `level`; text in it stays as it is."""
    element = etree.fromstring(source, _parser())
    for _ in range(level):
        around = etree.Element("x")
        around.append(element)
        element = around
    lines = etree.tostring(element, encoding="unicode", pretty_print=True).split("\n")
    return "\n".join(lines[level : len(lines) - 1 - level]) + "\n"


def _refuse_bombs(data: bytes, what: str) -> None:
    """Raise for a document that would cost more than any honest one, before a parser sees it."""
    if data.count(b"<") > MAX_TAGS or data.count(b"=") > MAX_ATTRIBUTES:
        raise XMLDetailError(f"({what}):1: too many elements or attributes")
    if _DOCTYPE.match(data):
        raise XMLDetailError(f"({what}):1: a document type declaration is not allowed")


def _syntax_error_text(error: etree.XMLSyntaxError, parser: etree.XMLParser, data: bytes, what: str) -> str:
    """libvirt's form: file, line, complaint, and the spot under the offending line."""
    log = parser.error_log
    message = log[0].message.rstrip("\n") if len(log) else error.msg or "not well-formed"
    line_number = (log[0].line if len(log) else error.lineno) or 1
    column = (log[0].column if len(log) else error.offset) or 1
    lines = data.decode("utf-8", "replace").split("\n")
    line = lines[line_number - 1] if 0 < line_number <= len(lines) else ""
    start = max(0, column - 1 - 79)
    shown = line[start : start + 80]
    return f"({what}):{line_number}: {message}\n{shown if data else '(null)'}\n{'-' * max(0, min(column - 1 - start, 79))}^"
