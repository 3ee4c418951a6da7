# SPDX-License-Identifier: LGPL-2.1-or-later
"""A model's declaration, resolved: fields in the order of writing, each with its scalar or its models.

This is what `reading` and `writing` compile; it is made once a class, on first use, when all classes that
it refers to exist.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from conf.binding.document import qualified
from conf.binding.fields import Binding
from conf.binding.model import Model
from conf.binding.scalars import TEXT, Scalar, enumeration, number

_SIZE = number(0, 2**64 - 1)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a model.

    Attributes:
        xml: the attribute's or element's name as libvirt writes it ("qemu:arg").
        tag: the same as lxml spells it.
        scalar: for attributes and texts.
        models: for children: the model, or several of which `binding.by` picks one.
    """

    name: str
    xml: str
    tag: str
    binding: Binding
    default: Any
    is_list: bool
    scalar: Scalar
    models: tuple[type[Model], ...]


@cache
def fields_of(cls: type[Model]) -> tuple[Field, ...]:
    """The bound fields of a model in the order of writing."""
    if not cls.__pydantic_fields_complete__:
        # It names a class that came after it.  To build it anew makes validators as well, which nobody needs.
        cls.model_rebuild()
    return tuple(_field(cls, name) for name in _names(cls))


def _names(cls: type[Model]) -> list[str]:
    """Field names: the class's own in the order of declaration, then its bases'."""
    names: dict[str, None] = {}
    for base in cls.__mro__:
        names.update(dict.fromkeys(inspect.get_annotations(base)))
    return [name for name in names if name in cls.model_fields]


def _field(cls: type[Model], name: str) -> Field:
    info = cls.model_fields[name]
    extra: Any = info.json_schema_extra
    binding = extra.get("xml") if isinstance(extra, dict) else None
    if not isinstance(binding, Binding):
        raise TypeError(f"{cls.__name__}.{name} is not bound to XML")
    annotation: Any = info.annotation
    if info.metadata:
        annotation = Annotated[annotation, *info.metadata]
    members = [member for member in _members(annotation) if member is not type(None)]
    is_list = get_origin(members[0]) is list
    if is_list:
        members = list(_members(get_args(members[0])[0]))
    models = tuple(member for member in members if isinstance(member, type) and issubclass(member, Model))
    if binding.kind in ("child", "children") and (not models or (len(models) > 1) != bool(binding.by)):
        raise TypeError(f"{cls.__name__}.{name}: a child needs a model, or several and `by`")
    xml = binding.xml or name.rstrip("_")
    return Field(
        name=name,
        xml=xml,
        tag=qualified(xml),
        binding=binding,
        default=info.default,
        is_list=is_list,
        scalar=TEXT if models or binding.kind in ("flag", "raw", "irregular") else _scalar(members, binding, cls, name),
        models=models,
    )


def _members(annotation: Any) -> Iterator[Any]:
    """The members of a union, nested ones too; an annotation that is none is its only member."""
    if get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _members(member)
    else:
        yield annotation


def _scalar(members: list[Any], binding: Binding, cls: type[Model], name: str) -> Scalar:
    (annotation,) = members
    if get_origin(annotation) is Annotated:
        for marker in annotation.__metadata__:
            if isinstance(marker, Scalar):
                return marker
        annotation = get_args(annotation)[0]
    if get_origin(annotation) is Literal:
        return enumeration(get_args(annotation))
    if annotation is str:
        return TEXT
    if annotation is int:
        return _SIZE if binding.scale else number()
    raise TypeError(f"{cls.__name__}.{name}: no spelling in XML for {annotation}")


def variants(field: Field) -> dict[str, type[Model]]:
    """For a union of models: value of the deciding attribute → model."""
    found: dict[str, type[Model]] = {}
    for model in field.models:
        info = model.model_fields[field.binding.by or ""]
        for member in _members(info.annotation):
            found.update(dict.fromkeys(get_args(member), model))
    return found
