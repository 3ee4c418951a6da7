# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<bandwidth>` of an interface: the kernel's traffic control on the host's end, where the directions are the other way."""

from __future__ import annotations

from conf.domain import Domain
from conf.netdev.bandwidth import Bandwidth, BandwidthRates
from virtd.host import command

#: Seconds for each command.
SECONDS = 10.0
#: The packets that a limited sender may send at once, in KiB, where the definition does not say.
_USUAL_BURST = 64


async def limit_all(domain: Domain) -> None:
    """Limit the interfaces of a container that has just been made.

    Raises:
        VirtError: SYSTEM_ERROR, tc is not installed; INTERNAL_ERROR, the kernel refuses.
    """
    for interface in domain.devices.interfaces:
        name = interface.target.dev if interface.target is not None else None
        if interface.bandwidth is not None and name:
            await limit(name, interface.bandwidth)


async def limit(name: str, bandwidth: Bandwidth) -> None:
    """Limit one of them, whose host's end is called `name`."""
    for arguments in commands(name, bandwidth):
        await command.run("tc", *arguments, seconds=SECONDS)


def commands(name: str, bandwidth: Bandwidth) -> list[list[str]]:
    """What tc is told."""
    lines: list[str] = []
    if bandwidth.inbound is not None and bandwidth.inbound.average:
        lines += [
            f"qdisc add dev {name} root handle 1: htb default 1",
            f"class add dev {name} parent 1: classid 1:1 htb {_shaped(bandwidth.inbound)}",
        ]
    if bandwidth.outbound is not None and bandwidth.outbound.average:
        burst = bandwidth.outbound.burst or max(bandwidth.outbound.average, _USUAL_BURST)
        police = f"police rate {bandwidth.outbound.average}kbps burst {burst}kb mtu 64kb drop flowid :1"
        lines += [
            f"qdisc add dev {name} ingress",
            f"filter add dev {name} parent ffff: protocol all u32 match u32 0 0 {police}",
        ]
    return [line.split() for line in lines]


def _shaped(rates: BandwidthRates) -> str:
    words = [f"rate {rates.average}kbps"]
    if rates.peak:
        words.append(f"ceil {rates.peak}kbps")
    if rates.burst:
        words.append(f"burst {rates.burst}kb")
    return " ".join(words)
