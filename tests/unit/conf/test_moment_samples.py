# SPDX-License-Identifier: LGPL-2.1-or-later
"""Snapshots, checkpoints, backups and network ports: canonical text there and back, every field, the schemas."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from conf.binding import Model
from conf.binding.plan import fields_of
from conf.domain import Domain
from conf.domain.cpu import CPU
from conf.domain.devices.storage_source import StorageSource
from drivers.common import schema
from tests.fakes.moments import KINDS, SAMPLES, kind_of

#: Models with samples of their own, in tests/data/conf and in tests of networks.
ELSEWHERE = {"Domain", "CPU", "StorageSource", "VirtualPort", "Bandwidth", "Vlan", "PrivateObjects", "HostPCIAddress"}
#: What only formatting sets.
WRITTEN = {"Snapshot.owner"}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_there_and_back(path: Path) -> None:
    kind, internal = kind_of(path)
    found = kind.parse(path.read_text(), internal)
    assert kind.format(found, internal) == path.read_text()
    assert deepcopy(found) == found


def touched(model: Model, seen: set[tuple[type, str]]) -> None:
    """Note every field that has another value than when it is absent."""
    for field in fields_of(type(model)):
        value = getattr(model, field.name)
        if value not in (field.default, [], None):
            seen.add((type(model), field.name))
        for member in value if isinstance(value, list) else [value]:
            if isinstance(member, Model):
                touched(member, seen)


def reachable(cls: type[Model], known: set[type[Model]]) -> None:
    """Note `cls` and the models below it that have their samples here."""
    if cls in known or any(base.__name__ in ELSEWHERE for base in cls.__mro__):
        return
    known.add(cls)
    for field in fields_of(cls):
        for model in field.models:
            reachable(model, known)


def test_every_field_has_a_sample() -> None:
    seen: set[tuple[Any, str]] = set()
    for path in SAMPLES:
        kind, internal = kind_of(path)
        touched(kind.parse(path.read_text(), internal), seen)
    known: set[type[Model]] = set()
    for kind in KINDS.values():
        reachable(kind.model, known)
    missing = {
        f"{cls.__name__}.{field.name}" for cls in known for field in fields_of(cls) if (cls, field.name) not in seen
    }
    assert missing == WRITTEN


def test_what_has_its_samples_elsewhere_is_there() -> None:
    assert {Domain.__name__, CPU.__name__, StorageSource.__name__} <= ELSEWHERE


PUBLIC = [path for path in SAMPLES if not kind_of(path)[1]]


@pytest.mark.skipif(not schema.FOLDER.is_dir(), reason="libvirt's schemas are not installed")
@pytest.mark.parametrize("path", PUBLIC, ids=lambda path: path.stem)
async def test_what_clients_are_shown_fits_the_schema(path: Path) -> None:
    await schema.validate(path.read_text(), kind_of(path)[0].schema)
