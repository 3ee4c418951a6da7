# SPDX-License-Identifier: LGPL-2.1-or-later
"""Numbers that grow while a guest runs, all from its time: whoever reads them twice sees a rate."""

from __future__ import annotations

from typing import NamedTuple

from drivers.test.guest import TestGuest

#: Parts of a guest's CPU time, as one of so many.
VCPU_SHARE, USER_SHARE, SYSTEM_SHARE = 20 / 19, 8, 7
#: Bytes of every image that nobody resized.
DISK_SIZE = 1 << 40
#: Bytes that it has less than it takes on the host.
LOSS = 5177344


class Traffic(NamedTuple):
    """What went through an interface; the fields are those of virDomainInterfaceStats."""

    rx_bytes: int
    rx_packets: int
    rx_errs: int
    rx_drop: int
    tx_bytes: int
    tx_packets: int
    tx_errs: int
    tx_drop: int


class Requests(NamedTuple):
    """What a disk did; the fields are those of virDomainBlockStats."""

    rd_req: int
    rd_bytes: int
    wr_req: int
    wr_bytes: int
    errs: int


def traffic(guest: TestGuest) -> Traffic:
    seconds = int(guest.seconds)
    now = int(guest.seconds * 1e6)
    return Traffic(now // 10, now // 100, seconds, seconds // 2, now // 20, now // 110, seconds // 3, seconds // 4)


def requests(guest: TestGuest) -> Requests:
    now = int(guest.seconds * 1e6)
    return Requests(now // 10, now // 20, now // 30, now // 40, int(guest.seconds) // 2)
