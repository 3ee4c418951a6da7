# SPDX-License-Identifier: LGPL-2.1-or-later
"""Models to text in libvirt's canonical form: single quotes, two spaces a level, nothing empty.

Each class gets a function of its own, generated from its plan on first use: an `if` and a line of text a field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from itertools import groupby
from typing import Any

from conf.binding.document import NAMESPACES, FormatOptions, dump_foreign
from conf.binding.fields import Values
from conf.binding.model import Model
from conf.binding.plan import Field, fields_of

#: (model, tag, indentation, values around, options, lines, keep when empty)
Writer = Callable[[Model, str, str, Values, FormatOptions, list[str], bool], None]

_NOTHING: Values = {}
_SPECIAL = re.compile("[<>&'\"\x00-\x08\x0b\x0c\x0e-\x1f]")
_ESCAPES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "'": "&apos;", '"': "&quot;"}
#: Kinds of children of which an empty value is no content.
_EMPTY_IS_NOTHING = frozenset({"child", "children", "texts", "flag"})


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
    source = _Source()
    with source.block("def write(model, tag, pad, around, options, lines, keep):"):
        _element(source, cls)
    exec(compile("\n".join(source.lines), f"<writer of {cls.__name__}>", "exec"), source.names)  # noqa: S102 - our own
    write: Writer = source.names["write"]
    return write


class _Source:
    """The lines of a function, and the objects that they name."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"writer": writer, "dump_foreign": dump_foreign, "as_definition": _as_definition}
        self._indent = ""

    def line(self, text: str) -> None:
        self.lines.append(self._indent + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """What is written inside stands below `head`."""
        self.line(head)
        self._indent += "    "
        yield
        self._indent = self._indent[:-4]

    def name(self, value: object) -> str:
        """How the source calls an object."""
        name = f"_{len(self.names)}"
        self.names[name] = value
        return name


def _as_definition(options: FormatOptions) -> FormatOptions:
    return replace(options, inactive=True, status=False)


def _element(source: _Source, cls: type[Model]) -> None:
    """The start tag, then a text or children, then the end."""
    fields = fields_of(cls)
    head = [f for f in fields if f.binding.kind in ("attr", "text") and not f.binding.at]
    children = [f for f in fields if f.binding.kind not in ("attr", "text") or f.binding.at]
    source.line("values = model.__dict__")
    source.line("head = f'{pad}<{tag}'")
    source.line("start = len(head)")
    for field in head:
        _attribute(source, field, "head")
    if cls.namespaces is not Model.namespaces:
        with source.block("for prefix in model.namespaces():"):
            source.line(f"head += f\" xmlns:{{prefix}}='{{{source.name(NAMESPACES)}[prefix]}}'\"")
    for field in head:
        if field.binding.kind == "text":
            with source.block(f"if {_present(source, field)}:"):
                source.line(f"lines.append(f'{{head}}>{{{_text(source, field)}}}</{{tag}}>\\n')")
                source.line("return")
    source.line("here = len(lines)")
    source.line("lines.append('')")
    source.line("inner = pad + '  '")
    _children(source, children)
    with source.block("if len(lines) > here + 1:"):
        source.line("lines[here] = head + '>\\n'")
        source.line("lines.append(f'{pad}</{tag}>\\n')")
    with source.block("elif keep or len(head) > start:"):
        source.line("lines[here] = f'{head}>\\n{pad}</{tag}>\\n' if model.has_end_tag else head + '/>\\n'")
    with source.block("else:"):
        source.line("del lines[here]")


def _value(source: _Source, field: Field) -> str:
    """The expression of what is written for a field."""
    own = f"values[{field.name!r}]"
    shown = field.binding.shown
    return own if shown is None else f"{source.name(shown)}({own}, values, around, options)"


def _conditions(source: _Source, field: Field) -> list[str]:
    """What besides being there lets `value` be written."""
    binding = field.binding
    conditions = []
    if binding.live:
        transient = " or options.transient" if binding.transient else ""
        kept = f" or {source.name(binding.kept)}(value)" if binding.kept else ""
        conditions.append(f"(not options.inactive{transient}{kept})")
    if binding.secret:
        conditions.append("options.secure")
    if binding.when is not None:
        conditions.append(f"{source.name(binding.when)}(values, around)")
    return conditions


def _present(source: _Source, field: Field) -> str:
    """The condition under which an attribute or a text is written; it sets `value`."""
    omit = field.binding.omit
    conditions = [f"(value := {_value(source, field)}) is not None"]
    if omit is not None:
        conditions.append(f"value != {source.name(omit)}")
    return " and ".join([*conditions, *_conditions(source, field)])


def _text(source: _Source, field: Field) -> str:
    """The expression of `value` as escaped text."""
    scale = field.binding.scale
    if scale is not None and scale.pretty:
        return f"{source.name(scale.written)}(value)[0]"
    return f"{source.name(field.scalar.format or escape)}(value)"


def _attribute(source: _Source, field: Field, to: str) -> None:
    """Add an attribute, or of a text the unit, to the variable `to`."""
    scale = field.binding.scale
    text = "" if field.binding.kind != "attr" else f" {field.xml}='{{{_text(source, field)}}}'"
    if scale is not None:
        text += f" unit='{{{source.name(scale.written)}(values[{field.name!r}])[1]}}'"
    if text:
        with source.block(f"if {_present(source, field)}:"):
            source.line(f'{to} += f"{text}"')


def _children(source: _Source, fields: list[Field]) -> None:
    """Child elements in order.  Fields of one small child or of one bracket go together."""

    def key(field: Field) -> tuple[str, str]:
        if field.binding.kind == "child_text" or field.binding.at:
            return ("small", field.binding.at or field.xml)
        return ("bracket", field.binding.within) if field.binding.within else ("", field.name)

    for (kind, tag), group in groupby(fields, key):
        members = list(group)
        if kind == "small":
            _small_child(source, tag, members)
        elif kind == "bracket":
            _bracket(source, tag, members)
        else:
            _child(source, members[0])


def _small_child(source: _Source, tag: str, members: list[Field]) -> None:
    """A child that has no model: attributes and perhaps a text."""
    source.line("small = ''")
    for field in members:
        _attribute(source, field, "small")
    texts = [field for field in members if field.binding.kind == "child_text"]
    empty = "if small:"
    for field in texts[:1]:
        empty = "elif small:"
        with source.block(f"if {_present(source, field)}:"):
            source.line(f"lines.append(f'{{inner}}<{tag}{{small}}>{{{_text(source, field)}}}</{tag}>\\n')")
    with source.block(empty):
        source.line(f"lines.append(f'{{inner}}<{tag}{{small}}/>\\n')")


def _bracket(source: _Source, tag: str, members: list[Field]) -> None:
    """An element around others, if there are others."""
    source.line("outer, inner, bracket = inner, inner + '  ', len(lines)")
    source.line(f"lines.append(f'{{outer}}<{tag}>\\n')")
    for field in members:
        _child(source, field)
    source.line("inner = outer")
    with source.block("if len(lines) == bracket + 1:"):
        source.line("del lines[bracket]")
    with source.block("else:"):
        source.line(f"lines.append(f'{{inner}}</{tag}>\\n')")


def _child(source: _Source, field: Field) -> None:
    """A child or a list of children."""
    there = f"(value := {_value(source, field)})"
    if field.binding.kind not in _EMPTY_IS_NOTHING:
        there += " is not None and value is not False"
    with source.block(f"if {' and '.join([there, *_conditions(source, field)])}:"):
        _CONTENTS[field.binding.kind](source, field)


def _models(source: _Source, field: Field) -> None:
    options = "as_definition(options)" if field.binding.definition else "options"
    arguments = f"{field.xml!r}, inner, values, {options}, lines, {field.binding.keep_empty}"
    if field.is_list:
        with source.block("for member in value:"):
            source.line(f"writer(member.__class__)(member, {arguments})")
    else:
        source.line(f"writer(value.__class__)(value, {arguments})")


def _texts(source: _Source, field: Field) -> None:
    with source.block("for value in value:"):
        source.line(f"lines.append(f'{{inner}}<{field.xml}>{{{_text(source, field)}}}</{field.xml}>\\n')")


def _flag(source: _Source, field: Field) -> None:
    source.line(f"lines.append(f'{{inner}}<{field.xml}/>\\n')")


def _raw(source: _Source, _field: Field) -> None:
    source.line("lines.append(dump_foreign(value, len(inner) // 2))")


def _irregular(source: _Source, field: Field) -> None:
    with source.block(f"for line in {source.name(field.binding.format)}(value, options):"):
        source.line("lines.append(f'{inner}{line}\\n')")


_CONTENTS: dict[str, Callable[[_Source, Field], None]] = {
    "child": _models,
    "children": _models,
    "texts": _texts,
    "flag": _flag,
    "raw": _raw,
    "irregular": _irregular,
}
