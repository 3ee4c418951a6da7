# SPDX-License-Identifier: LGPL-2.1-or-later
"""Long documents: their cost grows with their length, whatever they repeat."""

from __future__ import annotations

import time

import pytest

from conf.domain import parse_domain
from conf.domain.validation import validate, validate_early
from conf.errors import ConfError

MANY = 3000
#: Seconds; a cost that grows with the square of `MANY` is far above.
LIMIT = 2.5


def letters(number: int) -> str:
    """0 → a, 25 → z, 26 → aa."""
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("a") + rest) + name
    return name


def repeated(form: str) -> str:
    return "".join(form.format(i=i, name=letters(i)) for i in range(MANY))


USB = "<hostdev mode='subsystem' type='usb'><source><address bus='1' device='{i}'/></source></hostdev>"


@pytest.mark.parametrize(
    "inside",
    [
        "<devices>" + repeated("<disk><source file='/x'/><target dev='sd{name}'/></disk>") + "</devices>",
        "<devices>" + repeated(USB) + "</devices>",
        "<devices>" + repeated("<interface type='user'><boot order='1{i}'/></interface>") + "</devices>",
        "<cpu><numa>" + repeated("<cell cpus='0-65535' memory='1'/>") + "</numa></cpu>",
        "<cputune>" + repeated("<vcpupin vcpu='0' cpuset='0-65535'/>") + "</cputune>",
        "<iothreads>65536</iothreads><cputune><iothreadsched iothreads='1-65535' scheduler='batch'/></cputune>",
        "<vcpu>4294967295</vcpu><vcpus><vcpu id='0' enabled='yes'/></vcpus>",
        "<iothreads>4294967295</iothreads><iothreadids><iothread id='1'/></iothreadids>",
        "<cpu><model>a</model>" + repeated("<feature name='{name}'/>") + "</cpu>",
    ],
    ids=["disks", "hostdevs", "boots", "cells", "pins", "schedulers", "vcpus", "iothreads", "features"],
)
def test_costs(inside: str) -> None:
    xml = f"<domain type='qemu'><name>a</name><memory>1000</memory><os><type>hvm</type></os>{inside}</domain>"
    start = time.process_time()
    try:
        domain = parse_domain(xml)
        validate_early(domain)
        validate(domain)
    except ConfError:
        # Some of these are refused; that must be cheap as well.
        pass
    assert time.process_time() - start < LIMIT
