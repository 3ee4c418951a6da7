# SPDX-License-Identifier: LGPL-2.1-or-later
"""Models to text in libvirt's canonical form: single quotes, two spaces a level, nothing empty.

Each class gets a function of its own, generated from its plan on first use: an `if` and a line of text a field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from typing import Any

from conf.binding.document import NAMESPACES, FormatOptions, dump_foreign
from conf.binding.fields import STATED, Condition, Values
from conf.binding.model import Model
from conf.binding.plan import Field, fields_of

#: (model, tag, indentation, values around, options, lines, keep when empty)
Writer = Callable[[Model, str, str, Values, FormatOptions, list[str], bool], None]

_NOTHING: Values = {}
_SPECIAL = re.compile("[<>&'\"\x00-\x08\x0b\x0c\x0e-\x1f]")
_special = _SPECIAL.search
_ESCAPES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "'": "&apos;", '"': "&quot;"}
#: Kinds of children of which an empty value is no content.
_EMPTY_IS_NOTHING = frozenset({"child", "children", "texts", "flag"})


def escape(text: str) -> str:
    """Text for an attribute or an element; characters that XML cannot carry are dropped."""
    if _special(text) is None:
        return text
    return _SPECIAL.sub(lambda match: _ESCAPES.get(match[0], ""), text)


def format_document(
    model: Model, tag: str, options: FormatOptions, *, indent: int = 0, around: Values = _NOTHING
) -> str:
    """The element `tag` of a model, every line ended, `indent` spaces in front of each."""
    lines: list[str] = []
    _writers[type(model)](model, tag, " " * indent, around, options, lines, True)
    return "".join(lines)


class _Writers(dict[type[Model], Writer]):
    """The compiled writers of classes, each made when a model is first written."""

    def __missing__(self, cls: type[Model]) -> Writer:
        source = _Source(cls)
        exec(compile(source.text(), f"<writer of {cls.__name__}>", "exec"), source.names)  # noqa: S102 - our own
        self[cls] = source.names["write"]
        return self[cls]


_writers = _Writers()


def source_of(cls: type[Model]) -> str:
    """The source of a class's writer, for people: `print(source_of(Disk))`."""
    return _Source(cls).text()


class _Source:
    """The lines of a class's writer, and the objects that they name."""

    def __init__(self, cls: type[Model]) -> None:
        self.fields = fields_of(cls)
        self.lines: list[str] = []
        self.names: dict[str, Any] = {
            "writers": _writers,
            "special": _special,
            "escape": escape,
            "dump_foreign": dump_foreign,
            "as_definition": _as_definition,
        }
        self._indent = ""
        with self.block("def write(model, tag, pad, around, options, lines, keep):"):
            _element(self, cls)

    def text(self) -> str:
        return "\n".join(self.lines)

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
        word = getattr(value, "__name__", "").strip("<>_")
        name = f"{word}_{len(self.names)}"
        self.names[name] = value
        return name


def _as_definition(options: FormatOptions) -> FormatOptions:
    return replace(options, inactive=True, status=False)


def _element(source: _Source, cls: type[Model]) -> None:
    """The start tag, then a text or children, then the end."""
    on_start_tag = [f for f in source.fields if f.binding.kind in ("attr", "text") and not f.binding.at]
    children = [f for f in source.fields if f not in on_start_tag]
    source.line("values = model.__dict__")
    source.line("head = f'{pad}<{tag}'")
    source.line("bare = head")
    for field in on_start_tag:
        _attribute(source, field, "head")
    if cls.namespaces is not Model.namespaces:
        with source.block("for prefix in model.namespaces():"):
            source.line(f"head += f\" xmlns:{{prefix}}='{{{source.name(NAMESPACES)}[prefix]}}'\"")
    for field in on_start_tag:
        if field.binding.kind == "text":
            with source.block(f"if {_present(source, field)}:"):
                source.line(f'lines.append(f"{{head}}>{_text(source, field)}</{{tag}}>\\n")')
                source.line("return")
    if children:
        _content(source, cls, children)
    else:
        with source.block("if keep or head is not bare:"):
            source.line(f"lines.append({_empty(cls)})")


def _empty(cls: type[Model]) -> str:
    """The expression of an element with nothing in it."""
    if cls.has_end_tag is Model.has_end_tag:
        return "head + '/>\\n'"
    return "f'{head}>\\n{pad}</{tag}>\\n' if model.has_end_tag else head + '/>\\n'"


def _content(source: _Source, cls: type[Model], children: list[Field]) -> None:
    """Children between start and end tag; an empty line waits for them in the place of the start tag."""
    source.line("here = len(lines)")
    source.line("lines.append('')")
    source.line("inner = pad + '  '")
    _children(source, children)
    with source.block("if lines[-1]:"):
        source.line("lines[here] = head + '>\\n'")
        source.line("lines.append(f'{pad}</{tag}>\\n')")
    with source.block("elif keep or head is not bare:"):
        source.line(f"lines[here] = {_empty(cls)}")
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
    if binding.status:
        conditions.append("options.status")
    if binding.when is not None:
        conditions.append(_condition(source, binding.when))
    return conditions


def _condition(source: _Source, when: Condition) -> str:
    """The expression of a condition: what it asks, or a call."""
    stated = STATED.get(when)
    if stated is None:
        return f"{source.name(when)}(values, around)"
    outer = stated.field.removeprefix("../")
    own = stated.field == outer
    return f"{'values' if own else 'around'}.get({outer!r}) {stated.test}"


def _present(source: _Source, field: Field) -> str:
    """The condition under which an attribute or a text is written; it sets `value`."""
    omit = field.binding.omit
    conditions = [f"(value := {_value(source, field)}) is not None"]
    if omit is not None:
        conditions.append(f"value != {omit!r}")
    return " and ".join([*conditions, *_conditions(source, field)])


def _text(source: _Source, field: Field) -> str:
    """`value` as escaped text, in an f-string."""
    scale, scalar = field.binding.scale, field.scalar
    if scale is not None and scale.pretty:
        return f"{{{source.name(scale.written)}(value)[0]}}"
    if scalar.source is not None:
        return scalar.source
    if scalar.format is not None:
        return f"{{{source.name(scalar.format)}(value)}}"
    return "{value if special(value) is None else escape(value)}"


def _attribute(source: _Source, field: Field, to: str) -> None:
    """Add what a field has in a start tag to the variable `to`."""
    if text := _in_tag(source, field):
        with source.block(f"if {_present(source, field)}:"):
            source.line(f'{to} += f"{text}"')


def _in_tag(source: _Source, field: Field) -> str:
    """A field's attribute, or of a text the unit, in an f-string."""
    own = f" {field.xml}='{_text(source, field)}'" if field.binding.kind == "attr" else ""
    scale = field.binding.scale
    if scale is None:
        return own
    unit = f"{{{source.name(scale.written)}(values[{field.name!r}])[1]}}" if scale.pretty else scale.unit
    return f"{own} unit='{unit}'"


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
    texts = [field for field in members if field.binding.kind == "child_text"]
    if len(members) == 1:
        with source.block(f"if {_present(source, members[0])}:"):
            _small_line(source, tag, _in_tag(source, members[0]), texts)
        return
    source.line("small = ''")
    for field in members:
        _attribute(source, field, "small")
    for field in texts:
        with source.block(f"if {_present(source, field)}:"):
            _small_line(source, tag, "{small}", texts)
    with source.block("elif small:" if texts else "if small:"):
        _small_line(source, tag, "{small}", [])


def _small_line(source: _Source, tag: str, attributes: str, texts: list[Field]) -> None:
    end = f">{_text(source, texts[0])}</{tag}>" if texts else "/>"
    source.line(f'lines.append(f"{{inner}}<{tag}{attributes}{end}\\n")')


def _bracket(source: _Source, tag: str, members: list[Field]) -> None:
    """An element around lists, if there is anything in them."""
    there = [_value(source, field) for field in members]
    with source.block(f"if {' or '.join(there)}:"):
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
            source.line(f"writers[member.__class__](member, {arguments})")
    else:
        source.line(f"writers[value.__class__](value, {arguments})")


def _texts(source: _Source, field: Field) -> None:
    with source.block("for value in value:"):
        source.line(f'lines.append(f"{{inner}}<{field.xml}>{_text(source, field)}</{field.xml}>\\n")')


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
