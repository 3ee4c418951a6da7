# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kinds of devices: a field of `Devices` each, which is a list or a single device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, get_args

from conf.binding import Model
from conf.domain.devices.all import Devices

#: In the order in which libvirt looks at devices, which decides about what it complains first.
_ORDER = (
    "disks",
    "interfaces",
    "sounds",
    "hostdevs",
    "smartcards",
    "controllers",
    "serials",
    "parallels",
    "channels",
    "consoles",
    "inputs",
    "filesystems",
    "watchdogs",
    "memballoon",
    "rngs",
    "nvram",
    "hubs",
    "shmems",
    "tpms",
    "panics",
    "memories",
    "redirdevs",
    "videos",
    "iommu",
    "vsock",
    "leases",
    "graphics",
    "audios",
)


#: Kind → the class of its devices, of which the field has a list or, optionally, one.
KINDS: dict[str, type[Model]] = {
    kind: model
    for kind in _ORDER
    for model in get_args(Devices.model_fields[kind].annotation)
    if issubclass(model, Model)
}
_of_all_kinds = itemgetter(*KINDS)


def kinds_with(field: str) -> tuple[str, ...]:
    """The kinds whose devices have a field of this name: others need not be asked for it."""
    return tuple(kind for kind, model in KINDS.items() if field in model.model_fields)


def by_kind(devices: Devices) -> dict[str, Sequence[Any]]:
    """Kind → its devices, for those of the kinds of which there are any."""
    return {
        kind: found if type(found) is list else (found,)  # there can be one only
        for kind, found in zip(KINDS, _of_all_kinds(vars(devices)), strict=True)
        if found
    }


def all_devices(devices: Devices) -> Iterator[Any]:
    """Every device of a domain."""
    return chain.from_iterable(by_kind(devices).values())
