# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that move from one host to another: the client leads both through the five steps of protocol version 3.

begin (source) → prepare (destination) → perform (source) → finish (destination) → confirm (source)
"""

from __future__ import annotations

import asyncio

from conf.domain import Domain
from drivers.common.part import definition
from drivers.common.state import current_memory
from drivers.test.base import DomainPart
from drivers.test.defaults import prepare
from drivers.test.guest import TestGuest
from drivers.test.jobs import begin_job, job_stats
from drivers.test.work import UNLIMITED
from virtd.enums import (
    DomainEventDefinedDetailType,
    DomainEventID,
    DomainEventResumedDetailType,
    DomainEventStartedDetailType,
    DomainEventStoppedDetailType,
    DomainEventSuspendedDetailType,
    DomainEventType,
    DomainEventUndefinedDetailType,
    DomainPausedReason,
    DomainRunningReason,
    DomainShutoffReason,
    DomainState,
    TypedParameterType,
)
from virtd.enums import DomainMigrateFlags as Migrate
from virtd.errors import Code, VirtError, check_flags, invalid_arg, operation_invalid
from virtd.params import TypedParam
from virtd.refs import DomainRef

_FLAGS = (
    Migrate.LIVE | Migrate.PERSIST_DEST | Migrate.UNDEFINE_SOURCE | Migrate.PAUSED | Migrate.UNSAFE | Migrate.OFFLINE
    | Migrate.COMPRESSED | Migrate.AUTO_CONVERGE | Migrate.NON_SHARED_DISK | Migrate.NON_SHARED_INC | Migrate.PARALLEL
)  # fmt: skip
#: What destinations answer to the question where the guest's memory should be sent.
_URI = "test://localhost"
#: Features of a driver that clients ask for before they migrate: version 3, with parameters, offline.
FEATURES = frozenset({6, 11, 12, 13})


def _texts(params: list[TypedParam]) -> dict[str, str]:
    return {param.field: str(param.value) for param in params}


class MigrationApi(DomainPart):
    """virDomainMigrate…."""

    def connect_supports_feature(self, feature: int) -> int:
        """Whether clients may use a way of migrating."""
        return int(feature in FEATURES)

    # -- begin: the source says what it has

    def domain_migrate_begin3_params(self, dom: DomainRef, params: list[TypedParam], flags: int) -> tuple[bytes, str]:
        """The first step: what the destination has to start."""
        check_flags(flags, _FLAGS, "testDomainMigrateBegin3Params")
        given = _texts(params)
        guest = self._guest(dom)
        if not guest.active and not flags & Migrate.OFFLINE:
            raise operation_invalid("domain is not running")
        if flags & Migrate.OFFLINE and guest.persistent is None:
            raise operation_invalid("offline migration requires a persistent domain")
        begin_job(guest)
        model = definition(guest, 0)
        if "destination_xml" in given:
            model = prepare(given["destination_xml"])
        if name := given.get("destination_name"):
            model = model.model_copy(update={"name": name})
        return b"", guest.format(model, inactive=True, secure=True, migratable=True)

    # -- prepare: the destination makes room

    def domain_migrate_prepare3_params(
        self, params: list[TypedParam], cookie_in: bytes, flags: int
    ) -> tuple[bytes, str | None]:
        """The second step."""
        check_flags(flags, _FLAGS, "testDomainMigratePrepare3Params")
        given = _texts(params)
        if "destination_xml" not in given:
            raise VirtError(Code.INTERNAL_ERROR, "no domain XML passed")
        domain = prepare(given["destination_xml"])
        domain.name = given.get("destination_name") or domain.name
        self.guests.place(domain, to_run=True)
        self.world.incoming[domain.name] = domain
        return b"", None if "migrate_uri" in given else _URI

    # -- perform: the memory moves

    async def domain_migrate_perform3_params(
        self, dom: DomainRef, dconnuri: str | None, params: list[TypedParam], cookie_in: bytes, flags: int
    ) -> bytes:
        """The third step: it takes the time that jobs take on the source."""
        check_flags(flags, _FLAGS, "testDomainMigratePerform3Params")
        if dconnuri is not None:
            raise VirtError(Code.ARGUMENT_UNSUPPORTED, "hosts here do not connect to each other")
        if flags & Migrate.OFFLINE:
            return b""
        guest = self._running(dom)
        begin_job(guest)
        if not flags & Migrate.LIVE and guest.state == DomainState.RUNNING:
            guest.pause(DomainPausedReason.MIGRATION, DomainEventSuspendedDetailType.PAUSED)
        limit = int(_texts(params).get("bandwidth", 0))
        await self._move(guest, limit or guest.migration.speed)
        guest.pause(DomainPausedReason.MIGRATION, DomainEventSuspendedDetailType.MIGRATED)
        return b""

    async def _move(self, guest: TestGuest, speed: int) -> None:
        """Return when all memory has moved, at so many MiB/s.

        Raises:
            VirtError: OPERATION_ABORTED: somebody gave it up, or the guest ended.
        """
        moved: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def settle(*, well: bool) -> None:
            if not moved.done():
                guest.completed_job = job_stats(guest) if well else None
                moved.set_result(well)

        size = current_memory(guest) * 1024
        seconds = self.world.job_seconds if speed == UNLIMITED else size / (speed << 20)
        guest.work.begin(None, size, seconds, lambda: settle(well=True))
        guest.give_up = lambda: settle(well=False)
        try:
            if not await moved:
                raise VirtError(Code.OPERATION_ABORTED, "migration out job: canceled by client")
        finally:
            guest.give_up = None
            guest.work.finish(None)
        guest.emit(DomainEventID.JOB_COMPLETED, guest.completed_job or [])

    # -- finish: the destination goes on with the guest, or forgets it

    def domain_migrate_finish3_params(
        self, params: list[TypedParam], cookie_in: bytes, flags: int, cancelled: int
    ) -> tuple[DomainRef, bytes]:
        """The fourth step."""
        check_flags(flags, _FLAGS, "testDomainMigrateFinish3Params")
        name = _texts(params).get("destination_name") or ""
        domain = self.world.incoming.pop(name, None)
        if domain is None or cancelled:
            raise VirtError(Code.OPERATION_FAILED, "migration was cancelled or never prepared")
        guest = self.guests.place(domain, to_run=True)
        if guest is None:
            guest = TestGuest(self.world, domain)
            self.guests.add(guest)
        if not flags & Migrate.OFFLINE:
            _arrive(guest, domain, paused=bool(flags & Migrate.PAUSED))
        if flags & (Migrate.PERSIST_DEST | Migrate.OFFLINE):
            guest.persistent = domain
            guest.emit_lifecycle(DomainEventType.DEFINED, DomainEventDefinedDetailType.ADDED)
        return guest.ref, b""

    # -- confirm: the source forgets the guest, or goes on with it

    def domain_migrate_confirm3_params(
        self, dom: DomainRef, params: list[TypedParam], cookie_in: bytes, flags: int, cancelled: int
    ) -> None:
        """The last step."""
        check_flags(flags, _FLAGS, "testDomainMigrateConfirm3Params")
        guest = self._guest(dom)
        if cancelled:
            _stay(guest)
            return
        if flags & Migrate.UNDEFINE_SOURCE and guest.persistent is not None:
            guest.live = guest.live or guest.persistent
            guest.persistent = None
            guest.emit_lifecycle(DomainEventType.UNDEFINED, DomainEventUndefinedDetailType.REMOVED)
        if guest.active:
            guest.end(DomainShutoffReason.MIGRATED, DomainEventStoppedDetailType.MIGRATED)

    # -- the same without parameters, as older functions have it

    def domain_migrate_begin3(
        self, dom: DomainRef, xmlin: str | None, flags: int, dname: str | None, resource: int
    ) -> tuple[bytes, str]:
        """The first step."""
        return self.domain_migrate_begin3_params(dom, _params(destination_xml=xmlin, destination_name=dname), flags)

    def domain_migrate_prepare3(
        self, cookie_in: bytes, uri_in: str | None, flags: int, dname: str | None, resource: int, dom_xml: str
    ) -> tuple[bytes, str | None]:
        """The second step."""
        params = _params(migrate_uri=uri_in, destination_name=dname, destination_xml=dom_xml)
        return self.domain_migrate_prepare3_params(params, cookie_in, flags)

    async def domain_migrate_perform3(
        self,
        dom: DomainRef,
        xmlin: str | None,
        cookie_in: bytes,
        dconnuri: str | None,
        uri: str | None,
        flags: int,
        dname: str | None,
        resource: int,
    ) -> bytes:
        """The third step."""
        limit = [TypedParam("bandwidth", TypedParameterType.ULLONG, resource)]
        return await self.domain_migrate_perform3_params(dom, dconnuri, limit, cookie_in, flags)

    def domain_migrate_finish3(
        self, dname: str, cookie_in: bytes, dconnuri: str | None, uri: str | None, flags: int, cancelled: int
    ) -> tuple[DomainRef, bytes]:
        """The fourth step."""
        return self.domain_migrate_finish3_params(_params(destination_name=dname), cookie_in, flags, cancelled)

    def domain_migrate_confirm3(self, dom: DomainRef, cookie_in: bytes, flags: int, cancelled: int) -> None:
        """The last step."""
        self.domain_migrate_confirm3_params(dom, [], cookie_in, flags, cancelled)

    # -- limits

    def domain_migrate_set_max_speed(self, dom: DomainRef, bandwidth: int, flags: int) -> None:
        """virDomainMigrateSetMaxSpeed, in MiB/s."""
        check_flags(flags, 0, "testDomainMigrateSetMaxSpeed")
        if not 0 < bandwidth <= UNLIMITED:
            raise VirtError(Code.OVERFLOW, f"bandwidth must be less than {UNLIMITED + 1}")
        self._guest(dom).migration.speed = bandwidth

    def domain_migrate_get_max_speed(self, dom: DomainRef, flags: int) -> int:
        """virDomainMigrateGetMaxSpeed."""
        check_flags(flags, 0, "testDomainMigrateGetMaxSpeed")
        return self._guest(dom).migration.speed

    def domain_migrate_set_max_downtime(self, dom: DomainRef, downtime: int, flags: int) -> None:
        """virDomainMigrateSetMaxDowntime, in milliseconds."""
        check_flags(flags, 0, "testDomainMigrateSetMaxDowntime")
        self._running(dom).migration.downtime = downtime

    def domain_migrate_get_max_downtime(self, dom: DomainRef, flags: int) -> int:
        """virDomainMigrateGetMaxDowntime."""
        check_flags(flags, 0, "testDomainMigrateGetMaxDowntime")
        return self._running(dom).migration.downtime

    def domain_migrate_set_compression_cache(self, dom: DomainRef, cache_size: int, flags: int) -> None:
        """virDomainMigrateSetCompressionCache, in bytes."""
        check_flags(flags, 0, "testDomainMigrateSetCompressionCache")
        if cache_size & (cache_size - 1):
            raise invalid_arg("compression cache size must be a power of 2")
        self._running(dom).migration.cache = cache_size

    def domain_migrate_get_compression_cache(self, dom: DomainRef, flags: int) -> int:
        """virDomainMigrateGetCompressionCache."""
        check_flags(flags, 0, "testDomainMigrateGetCompressionCache")
        return self._running(dom).migration.cache


def _params(**values: str | None) -> list[TypedParam]:
    return [TypedParam(name, TypedParameterType.STRING, value) for name, value in values.items() if value is not None]


def _arrive(guest: TestGuest, domain: Domain, *, paused: bool) -> None:
    guest.enter(domain, DomainRunningReason.MIGRATED, DomainEventStartedDetailType.MIGRATED)
    if paused:
        guest.pause()
    else:
        guest.emit_lifecycle(DomainEventType.RESUMED, DomainEventResumedDetailType.MIGRATED)


def _stay(guest: TestGuest) -> None:
    """Nothing came of it: a guest that was paused for it goes on."""
    if guest.state == DomainState.PAUSED and guest.reason == DomainPausedReason.MIGRATION:
        guest.set_state(DomainState.RUNNING, DomainRunningReason.MIGRATION_CANCELED)
        guest.emit_lifecycle(DomainEventType.RESUMED, DomainEventResumedDetailType.MIGRATED)
