# SPDX-License-Identifier: LGPL-2.1-or-later
"""Models to text in libvirt's canonical form: single quotes, two spaces a level, nothing empty."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import groupby
from typing import Any

from conf.binding.document import NAMESPACES, FormatOptions, dump_foreign
from conf.binding.fields import Values
from conf.binding.model import Model
from conf.binding.plan import Field, fields_of
from conf.binding.scalars import Scale

#: (model, tag, indentation, values around, options, lines, keep when empty)
Writer = Callable[[Model, str, str, Values, FormatOptions, list[str], bool], None]
#: (values, values around, options) → " name='value'…" or ""
AttributeWriter = Callable[[Values, Values, FormatOptions], str]
#: (values, values around, indentation, options, lines)
ChildWriter = Callable[[Values, Values, str, FormatOptions, list[str]], None]

_NOTHING: Values = {}
_SPECIAL = re.compile("[<>&'\"\x00-\x08\x0b\x0c\x0e-\x1f]")
_ESCAPES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "'": "&apos;", '"': "&quot;"}


def escape(text: str) -> str:
    """Text for an attribute or an element; characters that XML cannot carry are dropped."""
    if _SPECIAL.search(text) is None:
        return text
    return _SPECIAL.sub(lambda match: _ESCAPES.get(match[0], ""), text)


def format_document(
    model: Model, tag: str, options: FormatOptions, *, indent: int = 0, around: Values = _NOTHING
) -> str:
    """The element `tag` of a model, every line ended, `indent` spaces in front of each."""
    lines: list[str] = []
    writer(type(model))(model, tag, " " * indent, around, options, lines, True)
    return "".join(lines)


@cache
def writer(cls: type[Model]) -> Writer:
    """The compiled writer of a class."""
    fields = fields_of(cls)
    head_fields = [f for f in fields if f.binding.kind in ("attr", "text") and not f.binding.at]
    attributes = [(_unless_none(f), write) for f in head_fields if (write := _attribute_writer(f))]
    texts = [_value_getter(f) for f in fields if f.binding.kind == "text"]
    children = _child_writers(fields)
    namespaces = cls.namespaces if cls.namespaces is not Model.namespaces else None

    def run(
        model: Model, tag: str, pad: str, around: Values, options: FormatOptions, lines: list[str], keep: bool
    ) -> None:
        values = model.__dict__
        head = f"{pad}<{tag}"
        start = len(head)
        for name, write in attributes:
            if name is None or values[name] is not None:
                head += write(values, around, options)
        if namespaces is not None:
            head += "".join([f" xmlns:{prefix}='{NAMESPACES[prefix]}'" for prefix in namespaces(model)])
        for get_text in texts:
            text = get_text(values, around, options)
            if text is not None:
                lines.append(f"{head}>{text}</{tag}>\n")
                return
        here = len(lines)
        lines.append("")
        inner = pad + "  "
        for name, needs_content, write_child in children:
            if name is None or (values[name] if needs_content else values[name] is not None):
                write_child(values, around, inner, options, lines)
        if len(lines) > here + 1:
            lines[here] = head + ">\n"
            lines.append(f"{pad}</{tag}>\n")
        elif keep or len(head) > start:
            lines[here] = f"{head}>\n{pad}</{tag}>\n" if model.has_end_tag else head + "/>\n"
        else:
            del lines[here]

    return run


def _unless_none(field: Field) -> str | None:
    """The field to look at before its writer is called: most attributes of most elements are not there."""
    return None if field.binding.shown else field.name


def _needs_content(field: Field) -> bool:
    """Whether a child is only written for True, a model or members, and not for every value but None."""
    return field.binding.kind in _EMPTY_IS_NOTHING


def _value_getter(field: Field) -> Callable[[Values, Values, FormatOptions], str | None]:
    """The escaped text of a field's value, None where it is not to be written."""
    name, binding = field.name, field.binding
    form = field.scalar.format or escape
    if binding.scale is not None and binding.scale.pretty:
        form = _pretty_number(binding.scale)
    when, live, kept, secret, omit = binding.when, binding.live, binding.kept, binding.secret, binding.omit
    shown = binding.shown

    def run(values: Values, around: Values, options: FormatOptions) -> str | None:
        value = values[name]
        if shown is not None:
            value = shown(value, values, around, options)
        if value is None or (omit is not None and value == omit):
            return None
        if live and options.inactive and not (kept and kept(value)):
            return None
        if secret and not options.secure:
            return None
        if when is not None and not when(values, around):
            return None
        return form(value)

    def run_plainly(values: Values, _around: Values, _options: FormatOptions) -> str | None:
        value = values[name]
        return None if value is None else form(value)

    return run if live or secret or shown or when is not None or omit is not None else run_plainly


def _attribute_writer(field: Field) -> AttributeWriter | None:
    """Writes an attribute; for a text with a unit, only that."""
    get, scale, is_text, name = _value_getter(field), field.binding.scale, field.binding.kind != "attr", field.name
    if is_text and scale is None:
        return None
    before = f" {field.xml}='"

    def run(values: Values, around: Values, options: FormatOptions) -> str:
        value = get(values, around, options)
        return "" if value is None else f"{before}{value}'"

    def run_scaled(values: Values, around: Values, options: FormatOptions) -> str:
        value = get(values, around, options)
        if value is None or scale is None:
            return ""
        unit = f" unit='{scale.written(values[name])[1]}'"
        return unit if is_text else f"{before}{value}'{unit}"

    return run_scaled if scale else run


def _pretty_number(scale: Scale) -> Callable[[int], str]:
    return lambda value: str(scale.written(value)[0])


def _child_writers(fields: tuple[Field, ...]) -> list[tuple[str | None, bool, ChildWriter]]:
    """Child writers in order, each with the field that must hold something (None: ask the writer) and how much.

    Fields of one small child element or of one bracket go together.
    """

    def key(field: Field) -> tuple[str, str]:
        if field.binding.kind == "child_text" or field.binding.at:
            return ("small", field.binding.at or field.xml)
        return ("bracket", field.binding.within) if field.binding.within else ("", field.name)

    candidates = [field for field in fields if field.binding.kind not in ("attr", "text") or field.binding.at]
    writers: list[tuple[str | None, bool, ChildWriter]] = []
    for (kind, name), group in groupby(candidates, key):
        members = list(group)
        if kind == "small":
            lone = _unless_none(members[0]) if len(members) == 1 else None
            writers.append((lone, False, _small_child_writer(name, members)))
        elif kind == "bracket":
            writers.append((None, False, _bracket_writer(name, [_child_writer(field) for field in members])))
        else:
            writers.append((_unless_none(members[0]), _needs_content(members[0]), _child_writer(members[0])))
    return writers


def _small_child_writer(tag: str, members: list[Field]) -> ChildWriter:
    """Writes a child that has no model: attributes and perhaps a text."""
    attributes = [write for write in map(_attribute_writer, members) if write]
    texts = [_value_getter(field) for field in members if field.binding.kind == "child_text"]

    def run(values: Values, around: Values, pad: str, options: FormatOptions, lines: list[str]) -> None:
        text = next((get(values, around, options) for get in texts), None)
        head = "".join([write(values, around, options) for write in attributes])
        if text is not None:
            lines.append(f"{pad}<{tag}{head}>{text}</{tag}>\n")
        elif head:
            lines.append(f"{pad}<{tag}{head}/>\n")

    return run


def _bracket_writer(tag: str, writers: list[ChildWriter]) -> ChildWriter:
    """Writes an element around others, if there are others."""

    def run(values: Values, around: Values, pad: str, options: FormatOptions, lines: list[str]) -> None:
        here = len(lines)
        lines.append(f"{pad}<{tag}>\n")
        for write in writers:
            write(values, around, pad + "  ", options, lines)
        if len(lines) == here + 1:
            del lines[here]
        else:
            lines.append(f"{pad}</{tag}>\n")

    return run


def _child_writer(field: Field) -> ChildWriter:
    name, binding = field.name, field.binding
    write = _WRITERS[binding.kind](field)
    when, live, shown, secret = binding.when, binding.live, binding.shown, binding.secret

    def run(values: Values, around: Values, pad: str, options: FormatOptions, lines: list[str]) -> None:
        value = values[name] if shown is None else shown(values[name], values, around, options)
        if value is None or value is False or (live and options.inactive) or (secret and not options.secure):
            return
        if when is None or when(values, around):
            write(value, values, pad, options, lines)

    return run


#: Kinds of children of which an empty value is no content.
_EMPTY_IS_NOTHING = frozenset({"child", "children", "texts", "flag"})

#: (value, values of its model, indentation, options, lines)
ValueWriter = Callable[[Any, Values, str, FormatOptions, list[str]], None]


def _model_writer(field: Field) -> ValueWriter:
    tag, keep = field.xml, field.binding.keep_empty

    def run(value: Any, values: Values, pad: str, options: FormatOptions, lines: list[str]) -> None:
        write: Writer = writer(value.__class__)
        write(value, tag, pad, values, options, lines, keep)

    def run_definition(value: Any, values: Values, pad: str, options: FormatOptions, lines: list[str]) -> None:
        run(value, values, pad, replace(options, inactive=True, status=False), lines)

    def run_list(value: Any, values: Values, pad: str, options: FormatOptions, lines: list[str]) -> None:
        for member in value:
            write: Writer = writer(member.__class__)
            write(member, tag, pad, values, options, lines, keep)

    if field.binding.definition:
        return run_definition
    return run_list if field.is_list else run


def _texts_writer(field: Field) -> ValueWriter:
    tag, form = field.xml, field.scalar.format or escape

    def run(value: Any, _values: Values, pad: str, _options: FormatOptions, lines: list[str]) -> None:
        lines.extend(f"{pad}<{tag}>{form(member)}</{tag}>\n" for member in value)

    return run


def _flag_writer(field: Field) -> ValueWriter:
    return lambda _value, _values, pad, _options, lines: lines.append(f"{pad}<{field.xml}/>\n")


def _raw_writer(_field: Field) -> ValueWriter:
    return lambda value, _values, pad, _options, lines: lines.append(dump_foreign(value, len(pad) // 2))


def _irregular_writer(field: Field) -> ValueWriter:
    form = field.binding.format
    assert form is not None

    def run(value: Any, _values: Values, pad: str, options: FormatOptions, lines: list[str]) -> None:
        lines.extend(f"{pad}{line}\n" for line in form(value, options))

    return run


_WRITERS: dict[str, Callable[[Field], ValueWriter]] = {
    "child": _model_writer,
    "children": _model_writer,
    "texts": _texts_writer,
    "flag": _flag_writer,
    "raw": _raw_writer,
    "irregular": _irregular_writer,
}
