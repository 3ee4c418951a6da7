# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<driver>` of an interface: who moves its packets, and what is offloaded."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, OnOff, Uint, attr, child
from conf.domain.devices.virtio import VirtioOptions


class GuestOffloads(Model):
    """`<guest>`: what the guest's side may leave to the host."""

    csum: OnOff | None = attr()
    tso4: OnOff | None = attr()
    tso6: OnOff | None = attr()
    ecn: OnOff | None = attr()
    ufo: OnOff | None = attr()


class HostOffloads(Model):
    """`<host>`: what the host may leave to the guest."""

    csum: OnOff | None = attr()
    gso: OnOff | None = attr()
    tso4: OnOff | None = attr()
    tso6: OnOff | None = attr()
    ecn: OnOff | None = attr()
    ufo: OnOff | None = attr()
    mrg_rxbuf: OnOff | None = attr()


class InterfaceDriver(VirtioOptions):
    """`<driver>` of a virtio interface."""

    name: Literal["qemu", "vhost"] | None = attr()
    txmode: Literal["iothread", "timer"] | None = attr()
    ioeventfd: OnOff | None = attr()
    event_idx: OnOff | None = attr()
    queues: Uint | None = attr(omit=0)
    rx_queue_size: Uint | None = attr(omit=0)
    tx_queue_size: Uint | None = attr(omit=0)
    rss: OnOff | None = attr()
    rss_hash_report: OnOff | None = attr()
    host: HostOffloads | None = child()
    guest: GuestOffloads | None = child()
