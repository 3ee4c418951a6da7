# SPDX-License-Identifier: LGPL-2.1-or-later
"""Timers that QEMU's machines have, and what they can be told."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.clock import Timer
from drivers.qemu import machines
from drivers.qemu.validate.complaints import unsupported

#: What guests of x86 know.
_X86_TIMERS = ("tsc", "kvmclock", "hypervclock")


def validate_timer(timer: Timer, domain: Domain) -> None:
    """A timer of the clock.

    Raises:
        VirtError: QEMU has no such timer here, or it cannot do that.
    """
    _validate_presence(timer, domain)
    _validate_policy(timer)


def _validate_presence(timer: Timer, domain: Domain) -> None:
    if timer.name == "platform":
        raise unsupported("unsupported timer type (name) 'platform'")
    if timer.name == "hpet" and timer.present and not machines.is_x86(domain):
        raise unsupported("hpet timer is not supported")
    foreign = timer.name in _X86_TIMERS and timer.present and not machines.is_x86(domain)
    if timer.name == "armvtimer":
        foreign = not (domain.type == "kvm" and machines.is_arm_virt(domain))
    if foreign:
        raise unsupported(
            f"Configuring the '{timer.name}' timer is not supported for virtType={domain.type} "
            f"arch={domain.os.arch} machine={domain.os.machine} guests"
        )


def _validate_policy(timer: Timer) -> None:
    if timer.name == "rtc":
        if timer.track == "boot":
            raise unsupported(f"unsupported rtc timer track '{timer.track}'")
        if timer.tickpolicy in ("merge", "discard"):
            raise unsupported(f"unsupported rtc timer tickpolicy '{timer.tickpolicy}'")
    elif timer.name == "pit" and timer.tickpolicy == "merge":
        raise unsupported("unsupported pit tickpolicy 'merge'")
