# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kinds of devices: all there are, and in what order libvirt looks at them."""

from __future__ import annotations

import pytest

from conf.binding.plan import fields_of
from conf.domain import Domain, parse_domain
from conf.domain.devices.all import Devices
from conf.domain.devices.kinds import KINDS, all_devices, by_kind, kinds_with
from conf.domain.validation import validate, validate_early
from conf.errors import ConfigUnsupportedError

FORM = "<domain type='test'><name>x</name><memory>1</memory><os><type>hvm</type></os><devices>{}</devices></domain>"
DISK = "<disk><source file='/x'/><target dev='vd{}'/>{}</disk>"
FILESYSTEM = "<filesystem><driver type='virtiofs'/><source dir='/x'/><target dir='{}'/>{}</filesystem>"
INTERFACE = "<interface type='user'><!--{}-->{}</interface>"
INPUT = "<input type='tablet' bus='virtio'><!--{}-->{}</input>"


def domain(devices: str) -> Domain:
    return parse_domain(FORM.format(devices))


def twice(device: str, inside: str) -> str:
    return device.format("a", inside) + device.format("b", inside)


def test_all_fields_with_devices_are_kinds() -> None:
    models = {field.name: field.models[0] for field in fields_of(Devices) if field.models}
    del models["redirfilter"]
    assert models == KINDS


def test_kinds_with_a_field() -> None:
    assert kinds_with("boot") == ("disks", "interfaces", "hostdevs", "filesystems", "redirdevs")
    assert {"audios", "graphics", "leases"} == set(KINDS) - set(kinds_with("alias"))


def test_devices_in_lists_and_single_ones() -> None:
    devices = domain("<rng model='virtio'><backend model='builtin'/></rng><memballoon model='none'/>").devices
    assert by_kind(devices) == {"memballoon": (devices.memballoon,), "rngs": devices.rngs}
    assert list(all_devices(devices)) == [devices.memballoon, *devices.rngs]


@pytest.mark.parametrize(("one", "other"), [(INTERFACE, FILESYSTEM), (DISK, INTERFACE)])
def test_turn_that_is_named_first(one: str, other: str) -> None:
    definition = domain(twice(other, "<boot order='2'/>") + twice(one, "<boot order='1'/>"))
    with pytest.raises(ConfigUnsupportedError, match="boot order '1' used for more than one device"):
        validate_early(definition)


@pytest.mark.parametrize(("one", "other"), [(INTERFACE, INPUT), (INPUT, FILESYSTEM)])
def test_alias_that_is_named_first(one: str, other: str) -> None:
    definition = domain(twice(other, "<alias name='ua-2'/>") + twice(one, "<alias name='ua-1'/>"))
    with pytest.raises(ConfigUnsupportedError, match="non unique alias detected: ua-1"):
        validate(definition)
