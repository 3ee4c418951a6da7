# SPDX-License-Identifier: LGPL-2.1-or-later
"""How much memory a domain has and may have."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.memory import UNLIMITED, MemoryTune
from drivers.common.part import IMPACT, definition
from drivers.lxc.api.base import Part
from drivers.lxc.guest import Guest
from virtd.enums import DomainMemoryModFlags
from virtd.enums import TypedParameterType as T
from virtd.errors import Code, From, VirtError, check_flags, invalid_arg, operation_invalid
from virtd.params import ParamList, TypedParam, validate_params
from virtd.refs import DomainRef

#: Parameter, which is a field of `<memtune>` too → the control group's setting.
_LIMITS = {"hard_limit": "memory", "soft_limit": "soft_limit", "swap_hard_limit": "swap_hard_limit"}


class MemoryApi(Part):
    """virDomainGetMaxMemory, virDomainSetMemoryFlags, virDomain…MemoryParameters."""

    def domain_get_max_memory(self, dom: DomainRef) -> int:
        """virDomainGetMaxMemory, in KiB."""
        return self._guest(dom).definition.memory

    async def domain_set_memory_flags(self, dom: DomainRef, memory: int, flags: int) -> None:
        """virDomainSetMemoryFlags; `memory` in KiB."""
        check_flags(flags, IMPACT | DomainMemoryModFlags.MAXIMUM, "lxcDomainSetMemoryFlags")
        guest = self._guest(dom)
        async with self._changing(guest, flags) as (live, stored):
            if flags & DomainMemoryModFlags.MAXIMUM:
                _set_maximum(live, stored, memory)
            else:
                self._set_current(guest, live, stored, memory)

    def _set_current(self, guest: Guest, live: Domain | None, stored: Domain | None, memory: int) -> None:
        for changed in (live, stored):
            if changed is not None and memory > changed.memory:
                raise invalid_arg("Cannot set memory higher than max memory")
        if live is not None:
            self._group(guest).set("memory", memory)
        for changed in (live, stored):
            if changed is not None:
                changed.current_memory = memory

    def domain_get_memory_parameters(self, dom: DomainRef, flags: int) -> list[TypedParam]:
        """virDomainGetMemoryParameters, in KiB."""
        check_flags(flags, IMPACT, "lxcDomainGetMemoryParameters")
        guest = self._guest(dom)
        found = definition(guest, flags)
        if found is not guest.live:
            return _params({name: getattr(found.memtune, name, None) for name in _LIMITS})
        group = self._group(guest)
        return _params({name: group.get(setting) for name, setting in _LIMITS.items()})

    async def domain_set_memory_parameters(self, dom: DomainRef, params: list[TypedParam], flags: int) -> None:
        """virDomainSetMemoryParameters, in KiB."""
        check_flags(flags, IMPACT, "lxcDomainSetMemoryParameters")
        wanted = {n: int(v) for n, v in validate_params(params, dict.fromkeys(_LIMITS, T.ULLONG)).items()}
        guest = self._guest(dom)
        async with self._changing(guest, flags) as (live, stored):
            for changed in (live, stored):
                if changed is not None:
                    _check_order(changed, wanted)
            if live is not None:
                self._limit(guest, wanted)
            for changed in (live, stored):
                if changed is not None:
                    _note(changed, wanted)

    def _limit(self, guest: Guest, wanted: dict[str, int]) -> None:
        """Of memory and swap together there is never less than of memory: what makes room is written first."""
        group = self._group(guest)
        swap_first = wanted.get("swap_hard_limit", 0) >= group.get("memory")
        for name in sorted(wanted, key=lambda name: (name == "swap_hard_limit") != swap_first):
            group.set(_LIMITS[name], min(wanted[name], UNLIMITED))


def _set_maximum(live: Domain | None, stored: Domain | None, memory: int) -> None:
    if live is not None:
        raise operation_invalid("Cannot resize the max memory on an active domain")
    assert stored is not None
    stored.memory = memory
    stored.current_memory = min(stored.current_memory, memory)


def _params(limits: dict[str, int | None]) -> list[TypedParam]:
    params = ParamList()
    for name, limit in limits.items():
        params.add_ullong(name, UNLIMITED if limit is None else limit)
    return params


def _check_order(changed: Domain, wanted: dict[str, int]) -> None:
    """Memory and swap together are not less than memory alone."""
    limits = {name: getattr(changed.memtune, name, None) for name in ("hard_limit", "swap_hard_limit")}
    hard, swap = (wanted.get(name, UNLIMITED if limit is None else limit) for name, limit in limits.items())
    if limits.keys() & wanted.keys() and hard > swap:
        text = "memory hard_limit tunable value must be lower than or equal to swap_hard_limit"
        raise VirtError(Code.INVALID_ARG, text, source=From.DOMAIN)


def _note(changed: Domain, wanted: dict[str, int]) -> None:
    tune = changed.memtune = changed.memtune or MemoryTune()
    for name, limit in wanted.items():
        setattr(tune, name, None if limit >= UNLIMITED else limit)
