# SPDX-License-Identifier: LGPL-2.1-or-later
"""Typed parameters of guests: they are kept in the definition, and here that is all there is to do."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.disk import Disk
from conf.domain.devices.interface import Interface
from conf.domain.lookup import find_disk
from drivers.common import iotune
from drivers.common.part import IMPACT, definition
from drivers.common.tuning import BANDWIDTH, BLKIO, MEMORY, NUMA, PERF, Settings
from drivers.test.base import DomainPart
from virtd.enums import DomainEventID
from virtd.enums import TypedParameterType as T
from virtd.errors import Code, From, VirtError, check_flags, invalid_arg
from virtd.params import TypedParam, validate_params
from virtd.refs import DomainRef

#: What guests weigh among each other: the only thing that can be set of the scheduler.
_SCHEDULER = {"weight": T.UINT}


class TuningApi(DomainPart):
    """virDomainGet… and virDomainSet… of memory, NUMA, block I/O, interface, performance and scheduler parameters."""

    def domain_get_memory_parameters(self, dom: DomainRef, flags: int) -> list[TypedParam]:
        """virDomainGetMemoryParameters."""
        return self._told(MEMORY, dom, flags, "testDomainGetMemoryParameters")

    def domain_set_memory_parameters(self, dom: DomainRef, params: list[TypedParam], flags: int) -> None:
        """virDomainSetMemoryParameters."""
        self._change(MEMORY, dom, params, flags, "testDomainSetMemoryParameters")

    def domain_get_numa_parameters(self, dom: DomainRef, flags: int) -> list[TypedParam]:
        """virDomainGetNumaParameters."""
        return self._told(NUMA, dom, flags, "testDomainGetNumaParameters")

    def domain_set_numa_parameters(self, dom: DomainRef, params: list[TypedParam], flags: int) -> None:
        """virDomainSetNumaParameters."""
        self._change(NUMA, dom, params, flags, "testDomainSetNumaParameters")

    def domain_get_blkio_parameters(self, dom: DomainRef, flags: int) -> list[TypedParam]:
        """virDomainGetBlkioParameters."""
        return self._told(BLKIO, dom, flags, "testDomainGetBlkioParameters")

    def domain_set_blkio_parameters(self, dom: DomainRef, params: list[TypedParam], flags: int) -> None:
        """virDomainSetBlkioParameters."""
        self._change(BLKIO, dom, params, flags, "testDomainSetBlkioParameters")

    def domain_get_perf_events(self, dom: DomainRef, flags: int) -> list[TypedParam]:
        """virDomainGetPerfEvents."""
        return self._told(PERF, dom, flags, "testDomainGetPerfEvents")

    def domain_set_perf_events(self, dom: DomainRef, params: list[TypedParam], flags: int) -> None:
        """virDomainSetPerfEvents."""
        self._change(PERF, dom, params, flags, "testDomainSetPerfEvents")

    def _told(self, settings: Settings, dom: DomainRef, flags: int, function: str) -> list[TypedParam]:
        check_flags(flags, IMPACT, function)
        return settings.told(definition(self._guest(dom), flags))

    def _change(self, settings: Settings, dom: DomainRef, params: list[TypedParam], flags: int, function: str) -> None:
        check_flags(flags, IMPACT, function)
        given = settings.given(params)
        for changed in self._changed(dom, flags):
            settings.write(changed, given)

    # -- of single devices

    def domain_get_interface_parameters(self, dom: DomainRef, device: str, flags: int) -> list[TypedParam]:
        """virDomainGetInterfaceParameters."""
        check_flags(flags, IMPACT, "testDomainGetInterfaceParameters")
        found = definition(self._guest(dom), flags)
        return BANDWIDTH.told(find_interface(found, device) if device else Interface(type="user"))

    def domain_set_interface_parameters(
        self, dom: DomainRef, device: str, params: list[TypedParam], flags: int
    ) -> None:
        """virDomainSetInterfaceParameters."""
        check_flags(flags, IMPACT, "testDomainSetInterfaceParameters")
        given = BANDWIDTH.given(params)
        for interface in [find_interface(changed, device) for changed in self._changed(dom, flags)]:
            BANDWIDTH.write(interface, given)

    def domain_get_block_io_tune(self, dom: DomainRef, disk: str | None, flags: int) -> list[TypedParam]:
        """virDomainGetBlockIoTune."""
        check_flags(flags, IMPACT, "testDomainGetBlockIoTune")
        found = definition(self._guest(dom), flags)
        if disk is None:  # the question is how many parameters there are
            return iotune.parameters(dict.fromkeys(iotune.FIELDS, 0))
        return iotune.parameters(iotune.stored(disk_of(found, disk)))

    def domain_set_block_io_tune(self, dom: DomainRef, disk: str, params: list[TypedParam], flags: int) -> None:
        """virDomainSetBlockIoTune."""
        check_flags(flags, IMPACT, "testDomainSetBlockIoTune")
        given = validate_params(params, iotune.PARAMETERS)
        disks = [disk_of(changed, disk) for changed in self._changed(dom, flags)]
        limits = [iotune.merged(found.iotune, given) for found in disks]
        for limit in limits:
            iotune.check_bursts(limit)
        for found, limit in zip(disks, limits, strict=True):
            found.iotune = limit
        guest = self._guest(dom)
        if guest.active:
            told = [TypedParam("blkdeviotune.disk", T.STRING, disks[0].target.dev or "")]
            told += [TypedParam(f"blkdeviotune.{param.field}", param.type, param.value) for param in params]
            guest.emit(DomainEventID.TUNABLE, told)

    # -- the scheduler

    def domain_get_scheduler_type(self, dom: DomainRef) -> tuple[str, int]:
        """virDomainGetSchedulerType: its name, and how many parameters it has."""
        self._guest(dom)
        return "fair", len(_SCHEDULER)

    def domain_get_scheduler_parameters_flags(self, dom: DomainRef, flags: int) -> list[TypedParam]:
        """virDomainGetSchedulerParametersFlags."""
        check_flags(flags, 0, "testDomainGetSchedulerParametersFlags")
        return [TypedParam("weight", T.UINT, self._guest(dom).weight)]

    def domain_set_scheduler_parameters_flags(self, dom: DomainRef, params: list[TypedParam], flags: int) -> None:
        """virDomainSetSchedulerParametersFlags."""
        check_flags(flags, 0, "testDomainSetSchedulerParametersFlags")
        given = validate_params(params, _SCHEDULER)
        guest = self._guest(dom)
        if "weight" in given:
            guest.weight = int(given["weight"])


def find_interface(found: Domain, device: str) -> Interface:
    """The interface that a client names by the host's end or by its address.

    Raises:
        VirtError: INVALID_ARG.
    """
    for interface in found.devices.interfaces:
        name = interface.target.dev if interface.target else None
        mac = interface.mac.address if interface.mac else None
        if device == name or device.lower() == mac:
            return interface
    raise VirtError(Code.INVALID_ARG, f"'{device}' is not a known interface", source=From.DOMAIN)


def disk_of(found: Domain, name: str) -> Disk:
    """The disk that a client names by its target or its image.

    Raises:
        VirtError: INVALID_ARG.
    """
    disk = find_disk(found, name)
    if disk is None:
        raise invalid_arg(f"disk '{name}' was not found in the domain config")
    return disk
