# SPDX-License-Identifier: LGPL-2.1-or-later
"""A domain's share of the host's processors."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.cputune import RANGES, CPUTune
from drivers.common.part import IMPACT, definition
from drivers.lxc.api.base import Part
from drivers.lxc.guest import Guest
from virtd.enums import TypedParameterType as T
from virtd.errors import check_flags, invalid_arg
from virtd.params import TypedParam, validate_params
from virtd.refs import DomainRef

#: Parameter → (its type, the field of `<cputune>`, which is the control group's setting too).
_PARAMS = {
    "cpu_shares": (T.ULLONG, "shares"),
    "vcpu_period": (T.ULLONG, "period"),
    "vcpu_quota": (T.LLONG, "quota"),
}


class SchedulerApi(Part):
    """virDomainGetSchedulerType, virDomain…SchedulerParametersFlags."""

    def domain_get_scheduler_type(self, dom: DomainRef) -> tuple[str, int]:
        """virDomainGetSchedulerType: its name, and how many parameters it has."""
        self._guest(dom)
        return "posix", len(_PARAMS)

    def domain_get_scheduler_parameters_flags(self, dom: DomainRef, flags: int) -> list[TypedParam]:
        """virDomainGetSchedulerParametersFlags: periods and quotas in microseconds; 0: left to the host."""
        check_flags(flags, IMPACT, "lxcDomainGetSchedulerParametersFlags")
        guest = self._guest(dom)
        found = definition(guest, flags)
        if found is not guest.live:
            return [
                TypedParam(n, type_, getattr(found.cputune, field, None) or 0) for n, (type_, field) in _PARAMS.items()
            ]
        group = self._group(guest)
        return [TypedParam(name, type_, group.get(field)) for name, (type_, field) in _PARAMS.items()]

    async def domain_set_scheduler_parameters_flags(self, dom: DomainRef, params: list[TypedParam], flags: int) -> None:
        """virDomainSetSchedulerParametersFlags; 0 leaves a parameter to the host, in the running guest as it is."""
        check_flags(flags, IMPACT, "lxcDomainSetSchedulerParametersFlags")
        types = {name: type_ for name, (type_, _) in _PARAMS.items()}
        wanted = {_PARAMS[name][1]: int(value) for name, value in validate_params(params, types).items()}
        _check_ranges(wanted)
        guest = self._guest(dom)
        async with self._changing(guest, flags) as (live, stored):
            if live is not None:
                self._apply(guest, wanted)
                _note(live, {field: value for field, value in wanted.items() if value})
            if stored is not None:
                _note(stored, wanted)

    def _apply(self, guest: Guest, wanted: dict[str, int]) -> None:
        group = self._group(guest)
        for field, value in wanted.items():
            if value:
                group.set(field, value)


def _check_ranges(wanted: dict[str, int]) -> None:
    """What a definition could not hold is refused in a running guest too."""
    for name, (_, field) in _PARAMS.items():
        low, high = RANGES[field]
        value = wanted.get(field, 0)
        if value > 0 and not low <= value <= high:
            raise invalid_arg(f"value of '{name}' is out of range [{low}, {high}]")


def _note(changed: Domain, wanted: dict[str, int]) -> None:
    changed.cputune = changed.cputune or CPUTune()
    for field, value in wanted.items():
        setattr(changed.cputune, field, value or None)
