# SPDX-License-Identifier: LGPL-2.1-or-later
"""Snapshots: moments that a guest can be taken back to, and chains of images."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.abi import check_abi
from conf.domain.devices.disk import DiskDriver
from conf.domain.devices.storage_source import BackingStore, Format, StorageSource
from conf.domain.lookup import find_disk
from conf.moments import check_lineage
from conf.snapshot import (
    Snapshot,
    SnapshotMemory,
    align_disks,
    format_snapshot,
    parse_snapshot,
    settle_redefinition,
)
from conf.snapshot.snapshot import SnapshotState
from drivers.common.filters import passes
from drivers.common.schema import validated
from drivers.test.base import DomainPart
from drivers.test.defaults import complete
from drivers.test.guest import TestGuest
from virtd.enums import (
    DomainEventResumedDetailType,
    DomainEventStartedDetailType,
    DomainEventStoppedDetailType,
    DomainEventSuspendedDetailType,
    DomainEventType,
    DomainPausedReason,
    DomainRunningReason,
    DomainShutoffReason,
    DomainSnapshotXMLFlags,
    DomainState,
)
from virtd.enums import DomainSnapshotCreateFlags as Create
from virtd.enums import DomainSnapshotDeleteFlags as Delete
from virtd.enums import DomainSnapshotListFlags as List
from virtd.enums import DomainSnapshotRevertFlags as Revert
from virtd.errors import Code, VirtError, check_flags
from virtd.refs import DomainRef, SnapshotRef

_CREATE = (
    Create.REDEFINE | Create.CURRENT | Create.NO_METADATA | Create.HALT | Create.DISK_ONLY | Create.REUSE_EXT
    | Create.QUIESCE | Create.ATOMIC | Create.LIVE | Create.VALIDATE
)  # fmt: skip
_METADATA = List.METADATA, List.NO_METADATA
_LEAVES = List.LEAVES, List.NO_LEAVES
_PLACES = List.INTERNAL, List.EXTERNAL
_STATES = {"shutoff": List.INACTIVE, "disk-snapshot": List.DISK_ONLY}
_BY_STATE = List.INACTIVE | List.ACTIVE | List.DISK_ONLY
_LIST = sum((*_METADATA, *_LEAVES, *_PLACES)) | _BY_STATE | List.ROOTS | List.TOPOLOGICAL


class SnapshotApi(DomainPart):
    """virDomainSnapshot…, virDomainListAllSnapshots, virDomainRevertToSnapshot."""

    def _snapshot(self, ref: SnapshotRef) -> tuple[TestGuest, Snapshot]:
        """The snapshot a client means, and its guest.  Raises NO_DOMAIN, NO_DOMAIN_SNAPSHOT."""
        guest = self._guest(ref.dom)
        return guest, guest.snapshots.named(ref.name)

    # -- taking

    @validated("domainsnapshot.rng", Create.VALIDATE, xml=1)
    def domain_snapshot_create_xml(self, dom: DomainRef, xml_desc: str, flags: int) -> SnapshotRef:
        """virDomainSnapshotCreateXML."""
        check_flags(flags, _CREATE, "testDomainSnapshotCreateXML")
        guest = self._guest(dom)
        create = _redefine if flags & Create.REDEFINE else self._take
        snapshot = create(guest, xml_desc, flags)
        return SnapshotRef(snapshot.name or "", guest.ref)

    def _take(self, guest: TestGuest, xml: str, flags: int) -> Snapshot:
        disks_only = bool(flags & Create.DISK_ONLY)
        snapshot = parse_snapshot(xml, offline=disks_only, now=int(self.world.clock.now()))
        definition = guest.definition
        external = disks_only or snapshot.memory_location == "external"
        align_disks(snapshot, definition, "external" if external else "internal", is_file=lambda _path: True)
        for entry in snapshot.disks:
            if entry.snapshot == "external":
                guest.refuse_busy(entry.name)
        snapshot.domain = definition.model_copy(deep=True)
        snapshot.state = _state(guest, disks_only=disks_only)
        if snapshot.memory_location != "external":
            snapshot.memory = SnapshotMemory(snapshot="internal" if guest.active and not disks_only else "no")
        if flags & Create.NO_METADATA:
            if snapshot.name in guest.snapshots:
                raise VirtError(Code.OPERATION_FAILED, f"domain moment {snapshot.name} already exists")
        else:
            guest.snapshots.add_new(snapshot)
        for changed in {id(d): d for d in (guest.live, guest.persistent) if d is not None}.values():
            _put_overlays(changed, snapshot)
        if flags & Create.HALT and guest.active:
            guest.end(DomainShutoffReason.FROM_SNAPSHOT, DomainEventStoppedDetailType.FROM_SNAPSHOT)
        return snapshot

    # -- finding

    def domain_snapshot_lookup_by_name(self, dom: DomainRef, name: str, flags: int) -> SnapshotRef:
        """virDomainSnapshotLookupByName."""
        check_flags(flags, 0, "testDomainSnapshotLookupByName")
        guest = self._guest(dom)
        return _ref(guest, guest.snapshots.named(name))

    def domain_list_all_snapshots(self, dom: DomainRef, flags: int) -> list[SnapshotRef]:
        """virDomainListAllSnapshots."""
        check_flags(flags, _LIST, "testDomainListAllSnapshots")
        guest = self._guest(dom)
        inner = guest.snapshots.inner
        wanted = guest.snapshots.roots() if flags & List.ROOTS else guest.snapshots.in_order()
        return [_ref(guest, found) for found in wanted if _matches(found, inner, flags)]

    def domain_snapshot_list_all_children(self, snapshot: SnapshotRef, flags: int) -> list[SnapshotRef]:
        """virDomainSnapshotListAllChildren."""
        check_flags(flags, _LIST, "testDomainSnapshotListAllChildren")
        guest, parent = self._snapshot(snapshot)
        snapshots, inner = guest.snapshots, guest.snapshots.inner
        # the flag that asks for roots elsewhere asks for descendants here
        wanted = snapshots.descendants(parent) if flags & List.ROOTS else snapshots.children(parent)
        return [_ref(guest, found) for found in wanted if _matches(found, inner, flags)]

    def domain_snapshot_get_parent(self, snap: SnapshotRef, flags: int) -> SnapshotRef:
        """virDomainSnapshotGetParent."""
        check_flags(flags, 0, "testDomainSnapshotGetParent")
        guest, snapshot = self._snapshot(snap)
        return _ref(guest, guest.snapshots.required_parent(snapshot))

    def domain_has_current_snapshot(self, dom: DomainRef, flags: int) -> int:
        """virDomainHasCurrentSnapshot."""
        check_flags(flags, 0, "testDomainHasCurrentSnapshot")
        return int(self._guest(dom).snapshots.current is not None)

    def domain_snapshot_current(self, dom: DomainRef, flags: int) -> SnapshotRef:
        """virDomainSnapshotCurrent."""
        check_flags(flags, 0, "testDomainSnapshotCurrent")
        guest = self._guest(dom)
        if guest.snapshots.current is None:
            raise VirtError(Code.NO_DOMAIN_SNAPSHOT, "the domain does not have a current snapshot")
        return _ref(guest, guest.snapshots.current)

    def domain_snapshot_is_current(self, snap: SnapshotRef, flags: int) -> int:
        """virDomainSnapshotIsCurrent."""
        check_flags(flags, 0, "testDomainSnapshotIsCurrent")
        guest, snapshot = self._snapshot(snap)
        return int(guest.snapshots.current is snapshot)

    def domain_snapshot_has_metadata(self, snap: SnapshotRef, flags: int) -> int:
        """virDomainSnapshotHasMetadata: others are not kept."""
        check_flags(flags, 0, "testDomainSnapshotHasMetadata")
        self._snapshot(snap)
        return 1

    def domain_snapshot_get_xml_desc(self, snap: SnapshotRef, flags: int) -> str:
        """virDomainSnapshotGetXMLDesc."""
        check_flags(flags, DomainSnapshotXMLFlags.SECURE, "testDomainSnapshotGetXMLDesc")
        _guest, snapshot = self._snapshot(snap)
        return format_snapshot(snapshot, secure=bool(flags))

    # -- going back, and forgetting

    def domain_revert_to_snapshot(self, snap: SnapshotRef, flags: int) -> None:
        """virDomainRevertToSnapshot."""
        known = Revert.RUNNING | Revert.PAUSED | Revert.FORCE | Revert.RESET_NVRAM
        check_flags(flags, known, "testDomainRevertToSnapshot")
        guest, snapshot = self._snapshot(snap)
        assert snapshot.domain is not None
        stops = snapshot.state not in ("running", "paused") and not flags & (Revert.RUNNING | Revert.PAUSED)
        if guest.persistent is None and stops:
            raise VirtError(Code.OPERATION_INVALID, "transient domain needs to request run or pause to revert")
        guest.snapshots.current = snapshot
        if guest.persistent is not None:
            guest.persistent = (snapshot.inactive_domain or snapshot.domain).model_copy(deep=True)
        if stops:
            if guest.active:
                guest.end(DomainShutoffReason.FROM_SNAPSHOT, DomainEventStoppedDetailType.FROM_SNAPSHOT)
            guest.set_state(DomainState.SHUTOFF, DomainShutoffReason.FROM_SNAPSHOT)
        else:
            paused = bool(flags & Revert.PAUSED) or (snapshot.state == "paused" and not flags & Revert.RUNNING)
            _go_back(guest, snapshot.domain, paused=paused)

    def domain_snapshot_delete(self, snap: SnapshotRef, flags: int) -> None:
        """virDomainSnapshotDelete."""
        check_flags(flags, Delete.CHILDREN | Delete.METADATA_ONLY | Delete.CHILDREN_ONLY, "testDomainSnapshotDelete")
        guest, snapshot = self._snapshot(snap)
        guest.snapshots.delete(
            snapshot,
            children=bool(flags & (Delete.CHILDREN | Delete.CHILDREN_ONLY)),
            itself=not flags & Delete.CHILDREN_ONLY,
        )


def _ref(guest: TestGuest, snapshot: Snapshot) -> SnapshotRef:
    return SnapshotRef(snapshot.name or "", guest.ref)


def _matches(snapshot: Snapshot, inner: set[str | None], flags: int) -> bool:
    """Whether a snapshot is among those that the filters ask for; `inner` ones are followed by others."""
    state = _STATES.get(snapshot.state or "", List.ACTIVE)
    return (
        (not flags & _BY_STATE or bool(flags & state))
        and passes(flags, _METADATA, True)
        and passes(flags, _LEAVES, snapshot.name not in inner)
        and passes(flags, _PLACES, not snapshot.is_external)
    )


def _redefine(guest: TestGuest, xml: str, flags: int) -> Snapshot:
    """Take in the description of a snapshot that exists."""
    snapshot = parse_snapshot(xml, redefine=True)
    name = snapshot.name or ""
    for domain in (snapshot.domain, snapshot.inactive_domain):
        if domain is not None:
            complete(domain)
    check_lineage(name, snapshot.parent_name, guest.snapshots.parents)
    settle_redefinition(
        snapshot,
        guest.snapshots.get(name),
        guest.definition.uuid,
        check_abi,
        disk_only=bool(flags & Create.DISK_ONLY),
        is_file=lambda _path: True,
    )
    guest.snapshots.add(snapshot)
    if flags & Create.CURRENT:
        guest.snapshots.current = snapshot
    return snapshot


def _state(guest: TestGuest, *, disks_only: bool) -> SnapshotState:
    """How a guest is, in the words of the format."""
    if disks_only:
        return "disk-snapshot"
    if not guest.active:
        return "shutoff"
    return "paused" if guest.state == DomainState.PAUSED else "running"


def _put_overlays(definition: Domain, snapshot: Snapshot) -> None:
    """From now on the guest writes to new images, above the ones it had, where the snapshot is external."""
    for entry in snapshot.disks:
        disk = find_disk(definition, entry.name) if entry.snapshot == "external" else None
        if disk is None or disk.source is None:
            continue
        below = Format(type=(disk.driver.type if disk.driver else None) or "raw")
        disk.backing_store = BackingStore(
            type=disk.type, format=below, source=disk.source, backing_store=disk.backing_store
        )
        disk.type = "file"
        disk.source = StorageSource(file=entry.path)
        disk.driver = disk.driver or DiskDriver()
        disk.driver.type = "qcow2"


def _go_back(guest: TestGuest, domain: Domain, *, paused: bool) -> None:
    """The guest runs (or is paused) as it did then."""
    was_active, was_paused = guest.active, guest.state == DomainState.PAUSED
    if not was_active:
        started = DomainEventStartedDetailType.FROM_SNAPSHOT
        guest.enter(domain, DomainRunningReason.FROM_SNAPSHOT, started)
    else:
        guest.give_up_jobs()
        guest.live = domain.model_copy(deep=True)
        guest.live.id = guest.id
    if paused:
        guest.set_state(DomainState.PAUSED, DomainPausedReason.FROM_SNAPSHOT)
        if not was_paused:
            guest.emit_lifecycle(DomainEventType.SUSPENDED, DomainEventSuspendedDetailType.FROM_SNAPSHOT)
        return
    guest.set_state(DomainState.RUNNING, DomainRunningReason.FROM_SNAPSHOT)
    if was_active and was_paused:
        guest.emit_lifecycle(DomainEventType.RESUMED, DomainEventResumedDetailType.FROM_SNAPSHOT)
