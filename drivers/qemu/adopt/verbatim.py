# SPDX-License-Identifier: LGPL-2.1-or-later
"""Elements that are kept as they are: read, written again in libvirt's form, and not looked into."""

from __future__ import annotations

from typing import Any

from lxml import etree

from conf.binding import FormatOptions, ParseOptions, escape, irregular

Element = etree._Element


def verbatim(xml: str) -> Any:
    """A field for the child element `xml`: the element itself, or None."""
    return irregular(xml, parse=_keep, format=_write)


def _keep(element: Element, _options: ParseOptions) -> Element:
    return element


def _write(element: Element | None, _options: FormatOptions) -> list[str]:
    return [] if element is None else lines(element)


def lines(element: Element) -> list[str]:
    """An element in libvirt's form, without indentation of its own."""
    tag = str(element.tag)
    head = tag + "".join(f" {name!s}='{escape(str(value))}'" for name, value in element.attrib.items())
    inner = [child for child in element if isinstance(child.tag, str)]
    if inner:
        return [f"<{head}>", *(f"  {line}" for child in inner for line in lines(child)), f"</{tag}>"]
    if element.text and element.text.strip():
        return [f"<{head}>{escape(element.text)}</{tag}>"]
    return [f"<{head}/>"]
