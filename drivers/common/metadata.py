# SPDX-License-Identifier: LGPL-2.1-or-later
"""Title, description and the metadata of applications."""

from __future__ import annotations

from typing import Any, TypeVar

from lxml import etree

from conf.binding import parse_document
from conf.domain import Domain
from drivers.common.guestlist import G
from drivers.common.part import IMPACT, GuestPart, definition, definitions
from drivers.common.storedguest import StoredGuest
from virtd.enums import DomainEventID, DomainMetadataType
from virtd.errors import Code, From, VirtError, check_flags
from virtd.refs import DomainRef

S = TypeVar("S", bound=StoredGuest)


class ShownMetadata(GuestPart[G]):
    """virDomainGetMetadata."""

    def domain_get_metadata(self, dom: DomainRef, type_: int, uri: str | None, flags: int) -> str:
        """virDomainGetMetadata."""
        guest = self._guest(dom)
        check_flags(flags, IMPACT, "virDomainObjGetMetadata", source=From.DOMAIN)
        check_type(type_)
        found = definition(guest, flags)
        if type_ == DomainMetadataType.DESCRIPTION:
            text = found.description
        elif type_ == DomainMetadataType.TITLE:
            text = found.title
        else:
            text = element(found, uri or "")
        if text is None:
            raise VirtError(Code.NO_DOMAIN_METADATA, "Requested metadata element is not present", source=From.DOMAIN)
        return text


class Metadata(ShownMetadata[S]):
    """The same and virDomainSetMetadata, of drivers that keep files."""

    async def domain_set_metadata(
        self, dom: DomainRef, type_: int, metadata: str | None, key: str | None, uri: str | None, flags: int
    ) -> None:
        """virDomainSetMetadata; None removes."""
        check_flags(flags, IMPACT, f"{self.prefix}DomainSetMetadata")
        guest = self._guest(dom)
        async with guest.job("modify"):
            live, stored = definitions(guest, flags)
            check_type(type_)
            for changed in (live, stored):
                if changed is not None:
                    set_metadata(changed, type_, metadata, key, uri)
            await guest.save(live, stored)
        guest.emit(DomainEventID.METADATA_CHANGE, type_, uri)


def check_type(type_: int) -> None:
    """Raises INVALID_ARG for what is no `DomainMetadataType`."""
    if not DomainMetadataType.DESCRIPTION <= type_ <= DomainMetadataType.ELEMENT:
        raise VirtError(Code.INVALID_ARG, f"unknown metadata type '{type_}'", source=From.DOMAIN)


def set_metadata(changed: Domain, type_: int, text: str | None, key: str | None, uri: str | None) -> None:
    """Put `text` into a definition, or remove what is there (None); `key` and `uri` belong to an application's element."""
    if type_ == DomainMetadataType.DESCRIPTION:
        changed.description = text or None
    elif type_ == DomainMetadataType.TITLE:
        changed.title = text or None
    else:
        _set_element(changed, text, key or "", uri or "")


def _root(found: Domain) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True, strip_cdata=False)
    return etree.fromstring(found.metadata or "<metadata/>", parser)


def _child(root: etree._Element, uri: str) -> etree._Element | None:
    return next((c for c in root if isinstance(c.tag, str) and etree.QName(c).namespace == uri), None)


def element(found: Domain, uri: str) -> str | None:
    """The element of an application's namespace, as the application gave it: without our prefix."""
    child = _child(_root(found), uri)
    if child is None:
        return None
    for node in child.iter():
        if isinstance(node.tag, str) and etree.QName(node).namespace == uri:
            node.tag = etree.QName(node).localname
    etree.cleanup_namespaces(child)
    return etree.tostring(child, encoding="unicode", with_tail=False, pretty_print=True).rstrip("\n")


def _set_element(changed: Domain, text: str | None, key: str, uri: str) -> None:
    """Put an application's element in place of the one in its namespace, under the prefix `key`."""
    root = _root(changed)
    old = _child(root, uri)
    if old is not None:
        root.remove(old)
    elif text is None:
        return
    if text is not None:
        root.append(_namespaced(text, key, uri))
    changed.metadata = etree.tostring(root, encoding="unicode", pretty_print=True)


def _namespaced(text: str, key: str, uri: str) -> etree._Element:
    given = parse_document(text, None, what="metadata_xml")
    try:
        return _under_prefix(given, key, uri)
    except ValueError:  # not a name, or not an address
        text = "failed to validate prefix for a new XML namespace"
        raise VirtError(Code.INTERNAL_ERROR, text, source=From.XML) from None


def _under_prefix(given: etree._Element, key: str, uri: str) -> etree._Element:
    if not uri:
        raise ValueError("XML knows no prefix for what is in no namespace")
    if key in given.nsmap:
        raise VirtError(Code.INTERNAL_ERROR, "failed to create a new XML namespace", source=From.XML)
    attributes = {str(name): str(value) for name, value in given.attrib.items()}
    prefixes: dict[Any, str] = given.nsmap | {key: uri}
    new = etree.Element(_within(given, uri), attributes, nsmap=prefixes)
    new.text = given.text
    new.extend(list(given))
    for node in new.iterdescendants(etree.Element):
        node.tag = _within(node, uri)
    return new


def _within(node: etree._Element, uri: str) -> str:
    """An element's name in a namespace, unless it is in one of its own."""
    return node.tag if etree.QName(node).namespace else f"{{{uri}}}{node.tag}"
