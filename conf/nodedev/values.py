# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the capabilities of node devices have in common: numbers that are required, nested capabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from lxml.etree import _Element

from conf.binding import Model, Scalar, attr, child_text, irregular, number
from conf.binding.fields import Complaint
from conf.binding.scalars import UINT_MAX, ULONG_MAX, BadValueError, read_number
from conf.errors import InternalError, XMLError
from conf.naming import NAME


def _number_or_none(text: str) -> int | None:
    try:
        value = read_number(text)
    except BadValueError:
        return None
    return value if 0 <= value <= ULONG_MAX else None


#: A number of which nobody complains that it is none.
Forgiven = Annotated[int, Scalar(_number_or_none, str)]
#: The identifiers of vendors and products.
HexId = Annotated[int, number(0, UINT_MAX, base=16, form="#06x")]


def counted(xml: str, what: str) -> Any:
    """A child with a number that must be there: `what` is its name in complaints."""
    return child_text(
        xml,
        required=(InternalError, f"no {what} supplied for '{NAME}'"),
        error=(InternalError, f"invalid {what} supplied for '{NAME}'"),
    )


def identified(xml: str, what: str) -> Any:
    """The attribute `id` of a child, whose text names the same for people; `require_ids` asks for it."""
    return attr(
        "id",
        at=xml,
        empty_is_unset=True,
        error=(InternalError, f"invalid {what} ID supplied for '{NAME}'"),
    )


def require_ids(what: str, vendor: int | None, product: int | None) -> None:
    """Raise InternalError for an identifier that is missing."""
    for name, value in (("vendor", vendor), ("product", product)):
        if value is None:
            raise InternalError(f"no {what} {name} ID supplied for '{NAME}'")


def nested(look: Callable[[str | None], Complaint | None]) -> Any:
    """Looks at the type of each nested `<capability>`, and complains; other fields read it.

    The field itself stays None.
    """

    def parse(element: _Element, _options: object) -> None:
        complaint = look(element.get("type"))
        if complaint is not None:
            raise complaint[0](complaint[1])

    return irregular("capability", parse=parse, format=lambda _value, _options: [])


def untyped(type_: str | None) -> Complaint | None:
    """For `nested`: a capability must say what it is; unknown ones are passed over."""
    return None if type_ is not None else (XMLError, "Missing capability type")


def one_of(known: tuple[str, ...], missing: str, unknown: str) -> Callable[[str | None], Complaint | None]:
    """For `nested`: a capability must be one of those known; the complaints, in which %s stands for the type."""

    def look(type_: str | None) -> Complaint | None:
        if type_ is None:
            return InternalError, missing
        return None if type_ in known else (InternalError, unknown.replace("%s", type_))

    return look


class Capability(Model):
    """`<capability>` of a device."""

    @property
    def has_end_tag(self) -> bool:
        return True
