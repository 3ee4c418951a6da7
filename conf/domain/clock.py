# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<clock>` and its timers."""

from __future__ import annotations

from typing import Annotated, Literal

from conf.binding import Model, ParseOptions, Uint, Ulong, YesNo, attr, child, children, number, on
from conf.binding.scalars import BadValueError, read_number
from conf.errors import ConfigUnsupportedError, InternalError, XMLError

_Seconds = Annotated[int, number(-(2**63), 2**63 - 1)]

_NO_START = (InternalError, "missing 'start' attribute for clock with offset='absolute'")


class Catchup(Model):
    """`<catchup>`."""

    threshold: Uint | None = attr(omit=0)
    slew: Uint | None = attr(omit=0)
    limit: Uint | None = attr(omit=0)


class Timer(Model):
    """`<timer>`; frequency in Hz."""

    name: Literal["platform", "pit", "rtc", "hpet", "tsc", "kvmclock", "hypervclock", "armvtimer"] = attr(required=True)
    present: YesNo | None = attr()
    tickpolicy: Literal["delay", "catchup", "merge", "discard"] | None = attr()
    track: Literal["boot", "guest", "wall", "realtime"] | None = attr()
    frequency: Ulong | None = attr(omit=0)
    mode: Literal["auto", "native", "emulate", "paravirt", "smpsafe"] | None = attr()
    catchup: Catchup | None = child()


class Clock(Model):
    """`<clock>`: what the guest's hardware clock shows.

    `adjustment` is a number of seconds, or "reset" for offsets utc and localtime.
    """

    offset: Literal["utc", "localtime", "variable", "timezone", "absolute"] = attr(
        default="utc", error=(ConfigUnsupportedError, "unknown clock offset '%s'"), empty_is_unset=True
    )
    adjustment: str | None = attr(when=on("offset", "utc", "localtime", "variable"), empty_is_unset=True)
    adjustment0: _Seconds | None = attr(when=on("offset", "variable"), live=True, omit=0, status=True)
    basis: Literal["utc", "localtime"] | None = attr(
        when=on("offset", "variable"),
        error=(ConfigUnsupportedError, "unknown clock basis '%s'"),
        empty_is_unset=True,
    )
    timezone: str | None = attr(
        when=on("offset", "timezone"),
        required=(InternalError, "missing 'timezone' attribute for clock with offset='timezone'"),
        empty_is_unset=True,
    )
    start: Ulong | None = attr(when=on("offset", "absolute"), required=_NO_START, error=_NO_START)
    timers: list[Timer] = children("timer")

    def check(self, options: ParseOptions) -> None:
        if self.offset == "variable":
            self.basis = self.basis or "utc"
            # libvirt takes what is no number for 0 here.
            self.adjustment = str(_seconds(self.adjustment) or 0)
        elif self.adjustment is not None and self.adjustment != "reset":
            # A fixed offset from a known time of day is what "variable" says.
            seconds = _seconds(self.adjustment)
            if seconds is None:
                raise XMLError(f"unknown clock adjustment '{self.adjustment}'")
            self.adjustment = str(seconds)
            self.basis = "localtime" if self.offset == "localtime" else "utc"
            self.offset = "variable"


def _seconds(text: str | None) -> int | None:
    try:
        return read_number(text or "")
    except BadValueError:
        return None
