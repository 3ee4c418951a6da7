# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kinds of devices: a field of `Devices` each, which is a list or a single device."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from itertools import chain
from typing import Any, get_args

from conf.binding import Model
from conf.domain.devices.all import Devices
from conf.domain.devices.redirdev import RedirFilter

#: Kind → the class of its devices.
KINDS: dict[str, type[Model]] = {
    name: model
    for name, field in Devices.model_fields.items()
    for model in get_args(field.annotation)
    if issubclass(model, Model) and model is not RedirFilter
}


def kinds_with(field: str) -> frozenset[str]:
    """The kinds whose devices have a field of this name: others need not be asked for it."""
    return frozenset(name for name, model in KINDS.items() if field in model.model_fields)


def by_kind(devices: Devices, kinds: Container[str] = KINDS) -> dict[str, Sequence[Any]]:
    """Kind → its devices, for those of the kinds of which there are any."""
    return {
        name: value if type(value) is list else (value,)
        for name, value in vars(devices).items()
        if value and name in kinds
    }


def all_devices(devices: Devices, kinds: Container[str] = KINDS) -> Iterator[Any]:
    """Every device of these kinds."""
    return chain.from_iterable(by_kind(devices, kinds).values())
