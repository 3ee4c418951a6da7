# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is said of a value that is wrong or not there: libvirt's sentence, or the field's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from conf.binding.scalars import BadValueError
from conf.errors import ConfError, XMLFormError

if TYPE_CHECKING:
    from conf.binding.fields import Complaint
    from conf.binding.plan import Field


def _about(complaint: Complaint, text: str = "") -> ConfError:
    return complaint[0](complaint[1].replace("%s", text))


def wrong_attribute(field: Field, element: etree._Element, text: str, bad: BadValueError) -> ConfError:
    """An attribute's text is no value of its field."""
    if field.binding.error:
        return _about(field.binding.error, text)
    if field.binding.scale:
        return XMLFormError(f"Invalid value '{text}' for element or attribute './@{field.xml}'")
    return _wrong_word(field.xml, element, text, bad)


def _wrong_word(attribute: str, element: etree._Element, text: str, bad: BadValueError) -> ConfError:
    where = f"Invalid value for attribute '{attribute}' in element '{etree.QName(element).localname}'"
    if bad.hint == "zero":
        return XMLFormError(f"{where}: Zero is not permitted")
    return XMLFormError(f"{where}: '{text}'.{bad.hint}")


def wrong_variant(field: Field, element: etree._Element, text: str | None) -> ConfError:
    """The attribute that decides between models is absent, or names none of them."""
    by, binding = field.binding.by or "", field.binding
    if text is None:
        if binding.missing:
            return binding.missing[0](binding.missing[1])
        return XMLFormError(f"Missing required attribute '{by}' in element '{etree.QName(element).localname}'")
    return _about(binding.error, text) if binding.error else _wrong_word(by, element, text, BadValueError())


def wrong_text(field: Field, element: etree._Element, text: str) -> ConfError:
    """An element's text is no value of its field."""
    if field.binding.error:
        return _about(field.binding.error, text)
    name = etree.QName(element).localname
    if field.binding.scale:
        return XMLFormError(f"Invalid value '{text}' for element or attribute './{name}'")
    return XMLFormError(f"Invalid value for element '{name}': '{text}'.")


def missing(field: Field, element: etree._Element) -> ConfError:
    """A required field was not found in an element."""
    binding = field.binding
    kind = "attribute" if binding.kind == "attr" else "element"
    if isinstance(binding.required, tuple):
        return binding.required[0](binding.required[1])
    if binding.scale:
        path = f"{binding.at}/@" if binding.at else "@" if kind == "attribute" else ""
        return XMLFormError(f"missing element or attribute './{path}{field.xml}'")
    holder = binding.at or etree.QName(element).localname
    return XMLFormError(f"Missing required {kind} '{field.xml}' in element '{holder}'")


def unknown_child(complaint: Complaint, tag: str) -> ConfError:
    """A child that a model of known children does not have."""
    return _about(complaint, etree.QName(tag).localname)
