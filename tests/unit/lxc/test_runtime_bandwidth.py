# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tc is told of an interface's limits."""

from __future__ import annotations

import pytest

from conf.domain.devices.single import parse_device
from drivers.lxc.runtime.bandwidth import commands


def told(limits: str) -> list[str]:
    device = parse_device(f"<interface type='ethernet'><bandwidth>{limits}</bandwidth></interface>")
    return [" ".join(words) for words in commands("vnet3", device.bandwidth)]


def test_traffic_to_the_container_is_shaped():
    assert told("<inbound average='100' peak='300' burst='20'/>") == [
        "qdisc add dev vnet3 root handle 1: htb default 1",
        "class add dev vnet3 parent 1: classid 1:1 htb rate 100kbps ceil 300kbps burst 20kb",
    ]


@pytest.mark.parametrize(
    ("limits", "burst"), [("average='10'", 64), ("average='1000'", 1000), ("average='9' burst='5'", 5)]
)
def test_traffic_from_the_container_is_policed(limits: str, burst: int):
    first, second = told(f"<outbound {limits}/>")
    assert first == "qdisc add dev vnet3 ingress"
    assert f"burst {burst}kb" in second


def test_nothing_is_said_of_what_is_not_limited():
    assert told("<inbound floor='5'/>") == []
