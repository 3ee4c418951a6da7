# SPDX-License-Identifier: LGPL-2.1-or-later
"""Virtual CPUs, one by one."""

from __future__ import annotations

from conf.domain import Domain, parse_domain
from drivers.common import onlinecpus


def domain(vcpus: str) -> Domain:
    return parse_domain(
        f"<domain type='qemu'><name>g</name><memory>1</memory>{vcpus}<os><type>hvm</type></os></domain>"
    )


def shown(found: Domain) -> list[tuple[int, bool, bool | None, int | None]]:
    return [(e.id, e.enabled, e.hotpluggable, e.order) for e in found.vcpus]


NAMED = (
    "<vcpu>4</vcpu><vcpus><vcpu id='0' enabled='yes' hotpluggable='no' order='1'/>"
    "<vcpu id='2' enabled='yes' hotpluggable='yes' order='3'/><vcpu id='3' enabled='yes' hotpluggable='yes' order='2'/>"
    "</vcpus>"
)


def test_those_that_are_there() -> None:
    assert onlinecpus.online(domain("<vcpu current='2'>4</vcpu>")) == [0, 1]
    named = domain(NAMED)
    assert (onlinecpus.count(named), onlinecpus.online(named)) == (3, [0, 2, 3])
    assert onlinecpus.plugged_at_start(named) == [3, 2]


def test_a_count_names_cpus_only_where_they_differ() -> None:
    found = domain("<vcpu current='2'>4</vcpu>")
    onlinecpus.set_count(found, 3, hotpluggable=False)
    onlinecpus.set_count(found, 2, hotpluggable=True)
    assert (onlinecpus.count(found), found.vcpus) == (2, [])
    onlinecpus.set_count(found, 3, hotpluggable=True)
    assert shown(found) == [
        (0, True, False, None),
        (1, True, False, None),
        (2, True, True, None),
        (3, False, True, None),
    ]


def test_a_count_forgets_the_order_and_takes_the_last_away() -> None:
    found = domain(NAMED)
    onlinecpus.set_count(found, 2, hotpluggable=False)
    assert shown(found) == [
        (0, True, False, None),
        (1, False, True, None),
        (2, True, True, None),
        (3, False, True, None),
    ]
    assert found.vcpu.current == 2


def test_the_maximum() -> None:
    found = domain(NAMED)
    onlinecpus.set_maximum(found, 6)
    assert ([e.id for e in found.vcpus], found.vcpu.current) == (list(range(6)), 3)
    onlinecpus.set_maximum(found, 3)
    assert (onlinecpus.online(found), onlinecpus.count(found)) == ([0, 2], 2)


def test_what_comes_and_goes_is_named_with_its_turn() -> None:
    found = domain("<vcpu current='2'>4</vcpu>")
    onlinecpus.note_plugged(found, [3])
    assert [(e.id, e.order) for e in found.vcpus if e.enabled] == [(0, 1), (1, 2), (3, 3)]
    onlinecpus.note_unplugged(found, [3])
    assert shown(found)[3] == (3, False, True, None)
    assert onlinecpus.count(found) == 2
