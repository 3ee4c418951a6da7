# SPDX-License-Identifier: LGPL-2.1-or-later
"""-rtc and the other timers."""

from __future__ import annotations

import time

from conf.domain.clock import Clock
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine

_RTC_TRACKS = {"boot": None, "guest": "vm", "wall": "host", "realtime": "rt"}


def add_clock(build: Build, line: CommandLine) -> None:
    """-rtc and what is set about the other timers."""
    clock = build.domain.clock
    rtc = next((t for t in clock.timers if t.name == "rtc"), None)
    track = _RTC_TRACKS[rtc.track] if rtc and rtc.track else None
    slew = "slew" if rtc and rtc.tickpolicy == "catchup" else None
    line.add_list("-rtc", ("base", _rtc_base(build, clock)), ("clock", track), ("driftfix", slew))
    if clock.offset == "timezone" and clock.timezone:
        line.env["TZ"] = clock.timezone
    for timer in clock.timers:
        if timer.name == "pit" and timer.tickpolicy in (None, "delay", "discard"):
            if build.caps.has("kvm-pit-lost-tick-policy"):
                line.add("-global", f"kvm-pit.lost_tick_policy={timer.tickpolicy or 'delay'}")
        elif timer.name == "hpet" and timer.present is False and build.caps.has("no-hpet"):
            line.add("-no-hpet")


def settle_variable(clock: Clock) -> None:
    """At a start: the difference is to UTC from now on, and kept, for the guest will tell its own to this one."""
    seconds = int(clock.adjustment or 0)
    if clock.basis == "localtime":
        seconds += time.localtime().tm_gmtoff
        clock.basis = "utc"
    clock.adjustment = str(seconds)
    clock.adjustment0 = seconds


def _rtc_base(build: Build, clock: Clock) -> str:
    match clock.offset:
        case "localtime" | "timezone":
            return "localtime"
        case "variable":
            seconds = build.context.now() + int(clock.adjustment or 0)
            parts = time.localtime(seconds) if clock.basis == "localtime" else time.gmtime(seconds)
            return time.strftime("%Y-%m-%dT%H:%M:%S", parts)
        case "absolute":
            return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(clock.start or 0))
        case _:
            return "utc"
