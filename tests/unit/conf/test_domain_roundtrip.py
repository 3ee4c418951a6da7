# SPDX-License-Identifier: LGPL-2.1-or-later
"""The samples in tests/data/conf: canonical text there and back, and no field without a sample."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from conf.binding import Model
from conf.binding.plan import fields_of
from conf.domain import Domain, format_domain, parse_domain

DATA = Path(__file__).parents[2] / "data" / "conf"
SAMPLES = sorted(DATA.glob("domain-*.xml"))


#: Written from other fields, and empty once they were read into those.
DERIVED = {"Graphics.listen", "Graphics.socket"}


def options_of(path: Path) -> dict[str, bool]:
    """Options of parsing and formatting by the file's name: domain-X, domain-X-live, domain-X-status."""
    status = path.stem.endswith("-status")
    return {"inactive": not (status or path.stem.endswith("-live")), "status": status}


def parsed(path: Path) -> Domain:
    return parse_domain(path.read_bytes(), **options_of(path))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_there_and_back(path: Path) -> None:
    domain = parsed(path)
    assert format_domain(domain, secure=True, **options_of(path)) == path.read_text()
    assert deepcopy(domain) == domain


def touched(model: Model, seen: set[tuple[type, str]]) -> None:
    """Note every field that has another value than when it is absent."""
    for field in fields_of(type(model)):
        value = getattr(model, field.name)
        if value not in (field.default, [], None):
            seen.update((cls, field.name) for cls in type(model).__mro__)
        for member in value if isinstance(value, list) else [value]:
            if isinstance(member, Model):
                touched(member, seen)


def reachable(cls: type[Model], known: set[type[Model]]) -> Iterator[type[Model]]:
    """The models below `cls`, itself included."""
    if cls in known:
        return
    known.add(cls)
    yield cls
    for field in fields_of(cls):
        for model in field.models:
            yield from reachable(model, known)


def test_every_field_has_a_sample() -> None:
    seen: set[tuple[Any, str]] = set()
    for path in SAMPLES:
        touched(parsed(path), seen)
    missing = {
        f"{cls.__name__}.{field.name}"
        for cls in reachable(Domain, set())
        for field in fields_of(cls)
        if (_owner(cls, field.name), field.name) not in seen and not _fixed(cls, field.name)
    }
    assert sorted(missing - DERIVED) == []


def _owner(cls: type[Model], name: str) -> type:
    """The class that declares a field: what one device inherits, one sample of any device covers."""
    return next(base for base in cls.__mro__ if name in inspect.get_annotations(base))


def _fixed(cls: type[Model], name: str) -> bool:
    """A discriminator can have one value only: that of the model."""
    values = getattr(cls.model_fields[name].annotation, "__args__", ())
    return len(values) == 1 and isinstance(values[0], str)
