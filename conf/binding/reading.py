# SPDX-License-Identifier: LGPL-2.1-or-later
"""Elements to models: a class's plan as tables, made once; one loop goes through attributes and children and asks them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, TypeAlias, TypeVar, cast

from lxml import etree
from pydantic_core import PydanticUndefined

from conf.binding.complaints import missing, unknown_child, wrong_attribute, wrong_text, wrong_variant
from conf.binding.document import ParseOptions, take_foreign
from conf.binding.fields import Binding, Values
from conf.binding.model import Model, assemble
from conf.binding.plan import Field, fields_of, variants
from conf.binding.scalars import BadValueError
from conf.errors import ConfError, of_domain

M = TypeVar("M", bound=Model)
Element = etree._Element
#: (element, values around it, options) → value
Reader = Callable[[Element, Values, ParseOptions], Any]
#: (element, values so far, values around, options): puts what it finds into the values.
Filler = Callable[[Element, dict[str, Any], Values, ParseOptions], None]
#: What is done with a child: (_LIST, field, Reader): its value is appended; (_SEVERAL, "", Filler);
#: (value, field, Reader): it is the field's value if that is still this one.
Entry: TypeAlias = tuple[object, str, Callable[..., Any]]

_NOTHING: Values = {}
_items = cast("Callable[[Element], list[tuple[str, str]]]", Element.items)
_LIST, _SEVERAL = object(), object()
#: Defaults that no document states: a field that holds one was not read yet.
_UNREAD = (None, False, PydanticUndefined)


def read(cls: type[M], element: Element, options: ParseOptions, around: Values = _NOTHING) -> M:
    """The model of an element.  `around`: field values of the element it stands in, if conditions ask.

    Raises:
        ConfError: a wrong value.
    """
    model: M = reader(cls)(element, around, options)
    return model


def element_text(element: Element) -> str:
    """An element's string value: all text in it, comments left out."""
    if len(element):
        return str(element.xpath("string()"))
    return element.text or ""


@cache
def reader(cls: type[Model]) -> Reader:
    """The reader of a class."""
    fields = fields_of(cls)
    defaults: dict[str, Any] = {field.name: None if field.is_list else field.default for field in fields}
    lists = [field.name for field in fields if field.is_list]
    on_start_tag = [field for field in fields if field.binding.kind == "attr" and not field.binding.at]
    take_attributes = _attributes(on_start_tag) if on_start_tag else None
    texts = [(field.name, field.binding.when, _text_value(field)) for field in fields if field.binding.kind == "text"]
    children = Children(cls)
    required = [field for field in fields if field.binding.required]
    needed_first = [(field.name, field) for field in required if field in on_start_tag]
    needed = [(field.name, field) for field in required if field not in on_start_tag]
    check = cls.check if cls.check is not Model.check else None

    def run(element: Element, around: Values, options: ParseOptions) -> Model:
        values = defaults.copy()
        for name in lists:
            values[name] = []
        if take_attributes is not None:
            take_attributes(element, values, around, options)
        for name, when, value_of in texts:
            if when is None or when(values, around):
                values[name] = value_of(element, values, options)
        for name, field in needed_first:
            if values[name] is None:
                _require(field, element, values, around)
        # Most elements have no children, and to ask for their number costs less than a loop.
        for sub in element if len(element) else ():
            unread, name, take = children[sub.tag]
            if unread is _LIST:
                values[name].append(take(sub, values, options))
            elif unread is _SEVERAL:
                take(sub, values, around, options)
            elif values[name] is unread:
                values[name] = take(sub, values, options)
        for name, field in needed:
            if values[name] is None:
                _require(field, element, values, around)
        model = assemble(cls, values)
        if check is not None:
            check(model, options)
        return model

    return run


def _require(field: Field, element: Element, values: Values, around: Values) -> None:
    if field.binding.when is None or field.binding.when(values, around):
        raise missing(field, element)


def _attributes(fields: list[Field]) -> Filler:
    """Reads attributes: in one pass those that stand alone, then those that others decide about."""
    uses = Counter(field.tag for field in fields)
    alone = [f for f in fields if f.binding.when is None and not f.binding.live and uses[f.tag] == 1]
    plain = {field.tag: (field.name, _parser(field), field.binding.scale, field) for field in alone}
    late = [(field.tag, _parser(field), field.binding.scale, field) for field in fields if field not in alone]

    def run(element: Element, values: dict[str, Any], around: Values, options: ParseOptions) -> None:
        others: dict[str, str] = {}
        try:
            for key, text in _items(element):
                if (entry := plain.get(key)) is None:
                    others[key] = text
                    continue
                name, parse, scale, field = entry
                value = parse(text)
                values[name] = value if scale is None else scale.convert(value, element.get("unit"))
            for key, parse, scale, field in late if others else ():
                if key in others and wanted(field.binding, values, around, options, others[key]):
                    text = others[key]
                    value = parse(text)
                    values[field.name] = value if scale is None else scale.convert(value, element.get("unit"))
        except BadValueError as bad:
            raise wrong_attribute(field, element, text, bad) from None

    return run


def _parser(field: Field) -> Callable[[str], Any]:
    parse, default = field.scalar.parse, field.default
    return (lambda text: parse(text) if text else default) if field.binding.empty_is_unset else parse


def wanted(binding: Binding, values: Values, around: Values, options: ParseOptions, text: str | None = None) -> bool:
    """Whether a field's conditions let it be read; `text` as far as it is known already."""
    if binding.live and options.inactive and not (binding.kept and text is not None and binding.kept(text)):
        return False
    return binding.when is None or binding.when(values, around)


class Children(dict[object, Entry]):
    """Child tag → what is done with such a child; filled as documents have them: most never do."""

    def __init__(self, cls: type[Model]) -> None:
        super().__init__()
        self._fields: dict[str, list[Field]] = {}
        self._last_counts = cls.last_counts
        self._refusal = cls.unknown_child
        for field in fields_of(cls):
            binding = field.binding
            if binding.kind not in ("attr", "text") or binding.at:
                self._fields.setdefault(binding.at or binding.within or field.tag, []).append(field)

    def __missing__(self, tag: object) -> Entry:
        if isinstance(tag, str):
            if tag in self._fields:
                self[tag] = self._entry(tag)
                return self[tag]
            if self._refusal is not None:
                raise unknown_child(self._refusal, tag)
        # A document's own words, or a comment: not to be kept.
        return _SEVERAL, "", _ignore

    def _entry(self, tag: str) -> Entry:
        fields = self._fields[tag]
        if len(fields) == 1 and (entry := _plain_entry(fields[0], last_counts=self._last_counts)):
            return entry
        takers = [_taker(field, last_counts=self._last_counts) for field in fields if not field.binding.at]
        if at := [field for field in fields if field.binding.at]:
            takers.append(_first_with(tag, at))
        return _SEVERAL, "", takers[0] if len(takers) == 1 else _all_of(takers)


def _ignore(element: Element, values: dict[str, Any], around: Values, options: ParseOptions) -> None:
    pass


def _all_of(takers: list[Filler]) -> Filler:
    def run(element: Element, values: dict[str, Any], around: Values, options: ParseOptions) -> None:
        for take in takers:
            take(element, values, around, options)

    return run


def _plain_entry(field: Field, *, last_counts: bool) -> Entry | None:
    """What is done with a child that is read whatever else there is; None if it is not as simple."""
    binding = field.binding
    if binding.at or binding.within or binding.having or binding.when or binding.live or binding.only:
        return None
    if field.is_list and binding.kind != "irregular":
        return _LIST, field.name, _value(field)
    if last_counts or field.default not in _UNREAD:
        return None
    return field.default, field.name, _value(field)


def _taker(field: Field, *, last_counts: bool) -> Filler:
    name, binding, default, value_of = field.name, field.binding, field.default, _value(field)

    def run_list(element: Element, values: dict[str, Any], around: Values, options: ParseOptions) -> None:
        if wanted(binding, values, around, options):
            values[name].append(value_of(element, values, options))

    def run_last(element: Element, values: dict[str, Any], around: Values, options: ParseOptions) -> None:
        if wanted(binding, values, around, options):
            values[name] = value_of(element, values, options)

    def run_first(element: Element, values: dict[str, Any], around: Values, options: ParseOptions) -> None:
        if not wanted(binding, values, around, options):
            return
        if values[name] is default:
            values[name] = value_of(element, values, options)
        elif binding.only is not None:
            raise binding.only[0](binding.only[1])

    if binding.having is not None:
        return _only_having(*binding.having, run_last if last_counts else run_first)
    if binding.within:
        return _descend(field.tag, run_list)
    if field.is_list and binding.kind != "irregular":
        return run_list
    if last_counts:
        return run_last
    return run_first if default in _UNREAD else _first_only(field.tag, run_last)


def _first_only(tag: str, take: Filler) -> Filler:
    """Only the first child of a name counts."""

    def run(element: Element, values: dict[str, Any], around: Values, options: ParseOptions) -> None:
        if next(element.itersiblings(tag, preceding=True), None) is None:
            take(element, values, around, options)

    return run


def _first_with(tag: str, fields: list[Field]) -> Filler:
    """Of the first child of a name some attributes are fields."""
    take, known = _first_only(tag, _attributes(fields)), frozenset(field.tag for field in fields)

    def run(element: Element, values: dict[str, Any], around: Values, options: ParseOptions) -> None:
        if not known.isdisjoint(element.keys()):
            take(element, values, around, options)

    return run


def _descend(tag: str, take: Filler) -> Filler:
    """Reads the children of an element that is only a bracket around them."""

    def run(element: Element, values: dict[str, Any], around: Values, options: ParseOptions) -> None:
        for sub in element:
            if sub.tag == tag:
                take(sub, values, around, options)

    return run


def _only_having(attribute: str, value: str, take: Filler) -> Filler:
    """Of several elements of one name those count that say what they are."""

    def run(element: Element, values: dict[str, Any], around: Values, options: ParseOptions) -> None:
        if element.get(attribute) == value:
            take(element, values, around, options)

    return run


def _value(field: Field) -> Reader:
    return _VALUES[field.binding.kind](field)


def _model_value(field: Field) -> Reader:
    if len(field.models) > 1:
        return _variant_value(field)
    run = reader(field.models[0])

    def run_definition(element: Element, around: Values, options: ParseOptions) -> Any:
        try:
            return run(element, around, replace(options, inactive=True, status=False))
        except ConfError as error:
            of_domain(error)
            raise

    return run_definition if field.binding.definition else run


def _variant_value(field: Field) -> Reader:
    by, table = field.binding.by or "", variants(field)

    def run(element: Element, around: Values, options: ParseOptions) -> Any:
        key = element.get(by)
        model = None if key is None else table.get(key)
        if model is None:
            raise wrong_variant(field, element, key)
        return reader(model)(element, around, options)

    return run


def _text_value(field: Field) -> Reader:
    """An element's text as a value; the default if there is none."""
    parse, scale = field.scalar.parse, field.binding.scale
    unset = "" if field.is_list else field.default

    def run(element: Element, _around: Values, _options: ParseOptions) -> Any:
        text = element_text(element) if len(element) else element.text
        if not text:
            return unset
        try:
            value = parse(text)
        except BadValueError:
            raise wrong_text(field, element, text) from None
        return value if scale is None else scale.convert(value, element.get("unit"))

    return run


def _raw_value(_field: Field) -> Reader:
    return lambda element, _around, _options: take_foreign(element)


def _irregular_value(field: Field) -> Reader:
    parse = field.binding.parse
    assert parse is not None
    return lambda element, _around, options: parse(element, options)


_VALUES: dict[str, Callable[[Field], Reader]] = {
    "child": _model_value,
    "children": _model_value,
    "child_text": _text_value,
    "texts": _text_value,
    "flag": lambda _field: lambda _element, _around, _options: True,
    "raw": _raw_value,
    "irregular": _irregular_value,
}
