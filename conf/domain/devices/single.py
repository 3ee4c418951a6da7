# SPDX-License-Identifier: LGPL-2.1-or-later
"""The XML of one device on its own, as clients send it to attach, detach or change it."""

from __future__ import annotations

from functools import cache

from lxml import etree

from conf.binding import FormatOptions, Model, ParseOptions, format_document, parse_document
from conf.binding.plan import fields_of
from conf.binding.reading import read
from conf.domain.devices.all import Devices
from conf.domain.devices.chardev_source import CharacterBackend, check_source
from conf.domain.devices.disk import Disk
from conf.domain.devices.rng import RNG
from conf.errors import ConfigUnsupportedError

#: A rule about devices, not a device.
_NOT_DEVICES = frozenset({"redirfilter"})


def parse_device(xml: str | bytes, *, inactive: bool = True, to_find: bool = False) -> Model:
    """The device that an untrusted document describes; its root element says which model it is.

    Args:
        inactive: it is for a definition; what only a running guest has is ignored.
        to_find: it names a device that there is, to be removed: it need not say where that one's source is.

    Raises:
        ConfError: with libvirt's code and text.
    """
    root = parse_document(xml, None, what="device_definition")
    tag = etree.QName(root).localname
    model = device_models().get(tag)
    if model is None:
        raise ConfigUnsupportedError(f"unknown device type '{tag}'")
    device = read(model, root, ParseOptions(inactive=inactive))
    if not to_find:
        _check_source(device)
    return device


def _check_source(device: Model) -> None:
    backend = device.backend if isinstance(device, RNG) else device
    if isinstance(backend, CharacterBackend) and backend.type is not None:
        check_source(backend)
    if isinstance(device, Disk):
        device.check_source()


def format_device(device: Model, options: FormatOptions, *, indent: int = 0) -> str:
    """One device's XML, each line ended."""
    return format_document(device, device_tag(device), options, indent=indent)


def device_tag(device: Model) -> str:
    """The name of a device's element."""
    return next(tag for tag, model in device_models().items() if isinstance(device, model))


@cache
def device_models() -> dict[str, type[Model]]:
    """Element → model, for all kinds of devices."""
    return {
        field.xml: field.models[0] for field in fields_of(Devices) if field.models and field.xml not in _NOT_DEVICES
    }


def device_list(devices: Devices, device: Model) -> str:
    """The name of the member of `devices` where a device of this kind belongs."""
    return next(field.name for field in fields_of(Devices) if field.models and isinstance(device, field.models[0]))
