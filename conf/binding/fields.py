# SPDX-License-Identifier: LGPL-2.1-or-later
"""The words that declare a field's place in XML.

Each returns a pydantic field whose `json_schema_extra` carries a `Binding`; `conf.binding.plan` turns
the bindings of a model into its parse and format plan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from pydantic import Field

from conf.binding.scalars import Scale
from conf.errors import ConfError

if TYPE_CHECKING:
    from lxml.etree import _Element

    from conf.binding.document import FormatOptions, ParseOptions

#: The error for a wrong value: its class and its text, in which %s stands for the value.
Complaint = tuple[type[ConfError], str]
#: Field values of a model by name, and those of the model around it.
Values = Mapping[str, Any]
Condition = Callable[[Values, Values], bool]
#: A question about a field's value.
Predicate = Callable[[Any], bool]
#: (value, values of its model, values of the model around it, options) → what is written
Shown: TypeAlias = "Callable[[Any, Values, Values, FormatOptions], Any]"
Kind = Literal["attr", "text", "child", "children", "child_text", "texts", "flag", "raw", "irregular"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Where and when a field stands in XML; the functions below document the members."""

    kind: Kind
    xml: str | None = None
    at: str | None = None
    within: str | None = None
    by: str | None = None
    having: tuple[str, str] | None = None
    when: Condition | None = None
    required: bool | Complaint = False
    error: Complaint | None = None
    missing: Complaint | None = None
    empty_is_unset: bool = False
    omit: Any = None
    keep_empty: bool = False
    live: bool = False
    transient: bool = False
    kept: Predicate | None = None
    shown: Shown | None = None
    only: Complaint | None = None
    secret: bool = False
    status: bool = False
    definition: bool = False
    scale: Scale | None = None
    parse: Callable[[_Element, ParseOptions], Any] | None = None
    format: Callable[[Any, FormatOptions], list[str]] | None = None


def bound(binding: Binding, default: Any) -> Any:
    """The pydantic field for a binding."""
    extra: Any = {"xml": binding}
    if default is list:
        return Field(default_factory=list, json_schema_extra=extra)
    return Field(default=default, json_schema_extra=extra)


class Stated(NamedTuple):
    """What a condition made by `on` or `without` asks, as source: "type" "== 'pci'"; "../type" is of the model around."""

    field: str
    test: str


#: The conditions that need no call in generated source.
STATED: dict[Condition, Stated] = {}


def on(field: str, *values: object) -> Condition:
    """True while `field` has one of `values`; "../field" looks at the model around this one."""
    wanted = frozenset(values)
    name = field.removeprefix("../")

    def of_own(own: Values, _around: Values) -> bool:
        return own.get(name) in wanted

    def of_outer(_own: Values, around: Values) -> bool:
        return around.get(name) in wanted

    condition = of_own if name == field else of_outer
    condition.__doc__ = f"`{field}` is {_words(values)}"
    STATED[condition] = Stated(field, f"in {values!r}" if len(values) > 1 else f"== {values[0]!r}")
    return condition


def _words(values: tuple[object, ...]) -> str:
    return " or ".join("not there" if value is None else f"`{value}`" for value in values)


def without(field: str, *values: object) -> Condition:
    """True while `field` has none of `values`."""
    condition = on(field, *values)

    def negated(own: Values, around: Values) -> bool:
        return not condition(own, around)

    negated.__doc__ = f"`{field}` is not {_words(values)}"
    STATED[negated] = Stated(field, f"not in {values!r}" if len(values) > 1 else f"!= {values[0]!r}")
    return negated


def attr(
    xml: str | None = None,
    *,
    default: Any = None,
    at: str | None = None,
    when: Condition | None = None,
    required: bool | Complaint = False,
    error: Complaint | None = None,
    empty_is_unset: bool = False,
    omit: Any = None,
    live: bool = False,
    transient: bool = False,
    kept: Predicate | None = None,
    shown: Shown | None = None,
    secret: bool = False,
    status: bool = False,
    scale: Scale | None = None,
) -> Any:
    """An attribute.

    Args:
        xml: its name; the field's name if not given.
        default: the value when absent.
        at: the child element that carries it, for children too small for a model of their own.
        when: a condition; while false the attribute is neither read nor written.
        required: absence is an error: libvirt's usual one, or this one.
        error: the error for a wrong value if not libvirt's usual one.
        empty_is_unset: `x=''` counts as absent.
        omit: a value that is not written.
        live: exists only in the XML of a running guest (and is written only there).
        transient: with `live`: is written for `FormatOptions.transient`, too.
        kept: with `live`: which values stand in a definition all the same.
        shown: what is written in the value's place; it may follow from other fields and the options.
        secret: written only with `FormatOptions.secure`.
        status: written only in the daemon's own record (`FormatOptions.status`).
        scale: a size; an attribute `unit` beside it is read, and written after it.
    """
    return bound(
        Binding(
            kind="attr",
            xml=xml,
            at=at,
            when=when,
            required=required,
            error=error,
            empty_is_unset=empty_is_unset,
            omit=omit,
            live=live,
            transient=transient,
            kept=kept,
            shown=shown,
            secret=secret,
            status=status,
            scale=scale,
        ),
        default,
    )


def text(
    *,
    default: Any = None,
    when: Condition | None = None,
    required: bool | Complaint = False,
    error: Complaint | None = None,
    secret: bool = False,
    scale: Scale | None = None,
) -> Any:
    """The element's own text.  An empty text is None.  With `scale`, the `unit` attribute's place is the field's."""
    return bound(
        Binding(kind="text", when=when, required=required, error=error, secret=secret, scale=scale),
        default,
    )


def child_text(
    xml: str | None = None,
    *,
    default: Any = None,
    when: Condition | None = None,
    required: bool | Complaint = False,
    error: Complaint | None = None,
    omit: Any = None,
    live: bool = False,
    transient: bool = False,
    secret: bool = False,
    scale: Scale | None = None,
) -> Any:
    """The text of a child element; other fields may take attributes of it with `attr(at=…)`."""
    return bound(
        Binding(
            kind="child_text",
            xml=xml,
            when=when,
            required=required,
            error=error,
            omit=omit,
            live=live,
            transient=transient,
            secret=secret,
            scale=scale,
        ),
        default,
    )


def texts(xml: str, *, within: str | None = None, error: Complaint | None = None) -> Any:
    """The texts of all children named `xml`, a list."""
    return bound(Binding(kind="texts", xml=xml, within=within, error=error), list)


def child(
    xml: str | None = None,
    *,
    by: str | None = None,
    having: tuple[str, str] | None = None,
    when: Condition | None = None,
    required: bool | Complaint = False,
    error: Complaint | None = None,
    missing: Complaint | None = None,
    only: Complaint | None = None,
    keep_empty: bool = False,
    live: bool = False,
    secret: bool = False,
    status: bool = False,
    definition: bool = False,
    shown: Shown | None = None,
) -> Any:
    """A child element with a model: the first of that name.

    Args:
        by: for an annotation that is a union of models: the attribute that decides; each model
            declares it as a field with a `Literal` type.
        having: an attribute and its value, which tell this child from others of its name.
        only: the complaint about a second one; without it the first counts.
        keep_empty: written as `<x/>` when nothing is in it; otherwise left out.
        error: for `by`: the complaint about an unknown value.
        definition: read and written as a definition, whatever the document around it is.
        missing: for `by`: the complaint when the attribute is absent; without it, libvirt's usual one.
    """
    return bound(
        Binding(
            kind="child",
            xml=xml,
            by=by,
            having=having,
            when=when,
            required=required,
            error=error,
            missing=missing,
            only=only,
            keep_empty=keep_empty,
            live=live,
            secret=secret,
            status=status,
            definition=definition,
            shown=shown,
        ),
        None,
    )


def children(
    xml: str,
    *,
    by: str | None = None,
    within: str | None = None,
    when: Condition | None = None,
    error: Complaint | None = None,
    missing: Complaint | None = None,
    keep_empty: bool = True,
    live: bool = False,
    shown: Shown | None = None,
) -> Any:
    """All children of that name, a list; `within` names an element around them and nothing else.

    `shown` makes the list that is written, if it is not the field's.
    """
    return bound(
        Binding(
            shown=shown,
            kind="children",
            xml=xml,
            by=by,
            within=within,
            when=when,
            error=error,
            missing=missing,
            keep_empty=keep_empty,
            live=live,
        ),
        list,
    )


def flag(xml: str | None = None, *, when: Condition | None = None, live: bool = False) -> Any:
    """True when an (empty) child element is there."""
    return bound(Binding(kind="flag", xml=xml, when=when, live=live), False)


def raw(xml: str | None = None) -> Any:
    """A child that holds other programs' elements: kept as a string, one subtree of each namespace."""
    return bound(Binding(kind="raw", xml=xml), None)


def irregular(
    xml: str,
    *,
    parse: Callable[[_Element, ParseOptions], Any],
    format: Callable[[Any, FormatOptions], list[str]],  # noqa: A002  beside parse no other word will do
    default: Any = None,
) -> Any:
    """A child that no other word describes.

    Args:
        parse: element → value.
        format: value → lines without indentation of their own level (a nested line has two spaces more).
    """
    return bound(Binding(kind="irregular", xml=xml, parse=parse, format=format), default)
