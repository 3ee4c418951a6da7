# SPDX-License-Identifier: LGPL-2.1-or-later
"""Elements to models: each class's plan compiled into closures, once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import Any, TypeVar, cast

from lxml import etree
from pydantic_core import PydanticUndefined

from conf.binding.document import ParseOptions, take_foreign
from conf.binding.fields import Binding, Complaint, Values
from conf.binding.model import Model, assemble
from conf.binding.plan import Field, fields_of, variants
from conf.binding.scalars import BadValueError
from conf.errors import ConfError, XMLFormError, of_domain

M = TypeVar("M", bound=Model)
Element = etree._Element
#: (element, values around it, options) → model
Reader = Callable[[Element, Values, ParseOptions], Any]
#: (child element, values so far, values around, options): puts what it finds into the values.
ChildReader = Callable[[Element, dict[str, Any], Values, ParseOptions], None]
#: (attribute's text, element) → value
Converter = Callable[[str, Element], Any]

_NOTHING: Values = {}


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
    """The compiled reader of a class."""
    fields = fields_of(cls)
    defaults = {field.name: None if field.is_list else field.default for field in fields}
    lists = [field.name for field in fields if field.is_list]
    attributes = _attributes([f for f in fields if f.binding.kind == "attr" and not f.binding.at])
    own_text = [_text_reader(f) for f in fields if f.binding.kind == "text"]
    children = _children(fields, last_counts=cls.last_counts)
    needed_first = [_missing(f) for f in fields if f.binding.required and _on_start_tag(f)]
    needed = [_missing(f) for f in fields if f.binding.required and not _on_start_tag(f)]
    check = cls.check if cls.check is not Model.check else None
    refusal = cls.unknown_child

    def run(element: Element, around: Values, options: ParseOptions) -> Model:
        values = defaults.copy()
        for name in lists:
            values[name] = []
        attributes(element, values, around, options)
        for own in own_text:
            own(element, values, around, options)
        for require in needed_first:
            require(element, values, around)
        for sub in element:
            readers = children.get(sub.tag)
            if readers is not None:
                for take in readers:
                    take(sub, values, around, options)
            elif refusal is not None and isinstance(sub.tag, str):
                raise refusal[0](refusal[1].replace("%s", etree.QName(sub).localname))
        for require in needed:
            require(element, values, around)
        model = assemble(cls, values)
        if check is not None:
            check(model, options)
        return model

    return run


def _on_start_tag(field: Field) -> bool:
    return field.binding.kind == "attr" and not field.binding.at


def _attributes(fields: list[Field]) -> ChildReader:
    """Reads an element's attributes: in one pass those that stand alone, then those that others decide about."""
    plain: dict[str, list[tuple[str, Converter]]] = {}
    late: list[tuple[Field, Converter]] = []
    for field in fields:
        if field.binding.when or field.binding.live:
            late.append((field, _converter(field)))
        else:
            plain.setdefault(field.tag, []).append((field.name, _converter(field)))

    def run(element: Element, values: dict[str, Any], around: Values, options: ParseOptions) -> None:
        for key, value in cast("Iterable[tuple[str, str]]", element.items()):
            for name, convert in plain.get(key, ()):
                values[name] = convert(value, element)
        for field, convert in late:
            text = element.get(field.tag)
            if text is not None and wanted(field.binding, values, around, options, text):
                values[field.name] = convert(text, element)

    return run


def wanted(binding: Binding, values: Values, around: Values, options: ParseOptions, text: str | None = None) -> bool:
    """Whether a field's conditions let it be read; `text` as far as it is known already."""
    if binding.live and options.inactive and not (binding.kept and text is not None and binding.kept(text)):
        return False
    return binding.when is None or binding.when(values, around)


def _converter(field: Field) -> Converter:
    binding, parse, scale = field.binding, field.scalar.parse, field.binding.scale
    complaint, xml, default = binding.error, field.xml, field.default

    def convert(text: str, element: Element) -> Any:
        if not text and binding.empty_is_unset:
            return default
        try:
            value = parse(text)
            return value if scale is None else scale.convert(value, element.get("unit"))
        except BadValueError as bad:
            if scale and not complaint:
                raise XMLFormError(f"Invalid value '{text}' for element or attribute './@{xml}'") from None
            raise wrong_attribute(element, xml, text, bad, complaint) from None

    def convert_plainly(text: str, element: Element) -> Any:
        try:
            return parse(text)
        except BadValueError as bad:
            raise wrong_attribute(element, xml, text, bad, complaint) from None

    return convert if scale or binding.empty_is_unset else convert_plainly


def wrong_attribute(
    element: Element, name: str, text: str, bad: BadValueError, complaint: Complaint | None = None
) -> ConfError:
    """libvirt's complaint about an attribute's value, or the field's own."""
    if complaint:
        return complaint[0](complaint[1].replace("%s", text))
    where = f"Invalid value for attribute '{name}' in element '{etree.QName(element).localname}'"
    if bad.hint == "zero":
        return XMLFormError(f"{where}: Zero is not permitted")
    return XMLFormError(f"{where}: '{text}'.{bad.hint}")


def _text_reader(field: Field) -> ChildReader:
    """Reads an element's own text into a field."""
    binding, name, value_of = field.binding, field.name, _text_value(field)

    def run(element: Element, values: dict[str, Any], around: Values, options: ParseOptions) -> None:
        if wanted(binding, values, around, options):
            values[name] = value_of(element, values, options)

    return run


def _wrong_text(element: Element, text: str, binding: Binding) -> ConfError:
    if binding.error:
        return binding.error[0](binding.error[1].replace("%s", text))
    name = etree.QName(element).localname
    if binding.scale:
        return XMLFormError(f"Invalid value '{text}' for element or attribute './{name}'")
    return XMLFormError(f"Invalid value for element '{name}': '{text}'.")


def _children(fields: tuple[Field, ...], *, last_counts: bool) -> dict[str, list[ChildReader]]:
    """Child tag → what to do with such a child."""
    table: dict[str, list[ChildReader]] = {}
    at: dict[str, list[Field]] = {}
    for field in fields:
        if field.binding.at:
            at.setdefault(field.binding.at, []).append(field)
        elif field.binding.within:
            inner = {field.tag: [_child_reader(field, last_counts=last_counts)]}
            table.setdefault(field.binding.within, []).append(_descend(inner))
        elif field.binding.kind not in ("attr", "text"):
            table.setdefault(field.tag, []).append(_child_reader(field, last_counts=last_counts))
    for tag, members in at.items():
        table.setdefault(tag, []).append(_first_only(tag, _attributes(members)))
    return table


def _first_only(tag: str, take: ChildReader) -> ChildReader:
    """Only the first child of a name counts."""

    def run(element: Element, values: dict[str, Any], around: Values, options: ParseOptions) -> None:
        if next(element.itersiblings(tag, preceding=True), None) is None:
            take(element, values, around, options)

    return run


def _descend(inner: dict[str, list[ChildReader]]) -> ChildReader:
    """Reads the children of an element that is only a bracket around them."""

    def run(element: Element, values: dict[str, Any], around: Values, options: ParseOptions) -> None:
        for sub in element:
            for take in inner.get(sub.tag, ()):
                take(sub, values, around, options)

    return run


def _child_reader(field: Field, *, last_counts: bool) -> ChildReader:
    name, binding, default = field.name, field.binding, field.default
    value_of = _VALUES[binding.kind](field)
    conditional = binding.when is not None or binding.live

    def run_list(element: Element, values: dict[str, Any], around: Values, options: ParseOptions) -> None:
        if not conditional or wanted(binding, values, around, options):
            values[name].append(value_of(element, values, options))

    def run_last(element: Element, values: dict[str, Any], around: Values, options: ParseOptions) -> None:
        if not conditional or wanted(binding, values, around, options):
            values[name] = value_of(element, values, options)

    def run_first(element: Element, values: dict[str, Any], around: Values, options: ParseOptions) -> None:
        if conditional and not wanted(binding, values, around, options):
            return
        if values[name] is default:
            values[name] = value_of(element, values, options)
        elif binding.only is not None:
            raise binding.only[0](binding.only[1])

    if binding.having is not None:
        return _only_having(*binding.having, run_last if last_counts else run_first)
    if field.is_list and binding.kind != "irregular":
        return run_list
    if last_counts:
        return run_last
    # A default that a document may well state does not tell whether a value was read already.
    return run_first if default in (None, False, PydanticUndefined) else _first_only(field.tag, run_last)


def _only_having(attribute: str, value: str, take: ChildReader) -> ChildReader:
    """Of several elements of one name those count that say what they are."""

    def run(element: Element, values: dict[str, Any], around: Values, options: ParseOptions) -> None:
        if element.get(attribute) == value:
            take(element, values, around, options)

    return run


def _model_value(field: Field) -> Reader:
    if len(field.models) > 1:
        return _variant_value(field)
    (model,) = field.models
    compiled: list[Reader] = []

    def run(element: Element, around: Values, options: ParseOptions) -> Any:
        # Compiled when first met: models may contain themselves.
        if not compiled:
            compiled.append(reader(model))
        return compiled[0](element, around, options)

    def run_definition(element: Element, around: Values, options: ParseOptions) -> Any:
        try:
            return run(element, around, replace(options, inactive=True, status=False))
        except ConfError as error:
            of_domain(error)
            raise

    return run_definition if field.binding.definition else run


def _variant_value(field: Field) -> Reader:
    by, table = field.binding.by or "", variants(field)
    complaint, missing = field.binding.error, field.binding.missing

    def run(element: Element, around: Values, options: ParseOptions) -> Any:
        key = element.get(by)
        if key is None and missing:
            raise missing[0](missing[1])
        if key is None:
            raise XMLFormError(f"Missing required attribute '{by}' in element '{etree.QName(element).localname}'")
        model = table.get(key)
        if model is None:
            raise wrong_attribute(element, by, key, BadValueError(), complaint)
        return reader(model)(element, around, options)

    return run


def _text_value(field: Field) -> Reader:
    """An element's text as a value; the default if there is none."""
    binding, parse, scale = field.binding, field.scalar.parse, field.binding.scale
    unset = "" if field.is_list else field.default

    def run(element: Element, _around: Values, _options: ParseOptions) -> Any:
        text = element_text(element)
        if not text:
            return unset
        try:
            value = parse(text)
        except BadValueError:
            raise _wrong_text(element, text, binding) from None
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


def _missing(field: Field) -> Callable[[Element, Values, Values], None]:
    """Complains when a required field was not found."""
    name, binding = field.name, field.binding
    kind = "attribute" if binding.kind == "attr" else "element"

    def run(element: Element, values: Values, around: Values) -> None:
        if values[name] is not None or (binding.when is not None and not binding.when(values, around)):
            return
        if isinstance(binding.required, tuple):
            raise binding.required[0](binding.required[1])
        if binding.scale:
            path = f"{binding.at}/@" if binding.at else "@" if kind == "attribute" else ""
            raise XMLFormError(f"missing element or attribute './{path}{field.xml}'")
        holder = binding.at or etree.QName(element).localname
        raise XMLFormError(f"Missing required {kind} '{field.xml}' in element '{holder}'")

    return run
