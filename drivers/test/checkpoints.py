# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checkpoints: moments from which changes of disks are tracked."""

from __future__ import annotations

from conf.checkpoint import (
    Checkpoint,
    align_checkpoint,
    format_checkpoint,
    parse_checkpoint,
    settle_redefined_checkpoint,
)
from conf.moments import check_lineage
from drivers.common.filters import passes
from drivers.common.schema import validated
from drivers.test.base import DomainPart
from drivers.test.guest import TestGuest
from virtd.enums import DomainCheckpointCreateFlags as Create
from virtd.enums import DomainCheckpointDeleteFlags as Delete
from virtd.enums import DomainCheckpointListFlags as List
from virtd.enums import DomainCheckpointXMLFlags as Xml
from virtd.errors import check_flags, operation_invalid
from virtd.refs import CheckpointRef, DomainRef

_LEAVES = List.LEAVES, List.NO_LEAVES
_LIST = sum(_LEAVES) | List.ROOTS | List.TOPOLOGICAL


class CheckpointApi(DomainPart):
    """virDomainCheckpoint…, virDomainListAllCheckpoints."""

    def _checkpoint(self, ref: CheckpointRef) -> tuple[TestGuest, Checkpoint]:
        """The checkpoint a client means, and its guest.  Raises NO_DOMAIN, NO_DOMAIN_CHECKPOINT."""
        guest = self._guest(ref.dom)
        return guest, guest.checkpoints.named(ref.name)

    @validated("domaincheckpoint.rng", None, xml=1)
    def domain_checkpoint_create_xml(self, dom: DomainRef, xml_desc: str, flags: int) -> CheckpointRef:
        """virDomainCheckpointCreateXML."""
        known = Create.REDEFINE | Create.QUIESCE | Create.REDEFINE_VALIDATE
        check_flags(flags, known, "testDomainCheckpointCreateXML")
        guest = self._guest(dom)
        if not guest.active:
            raise operation_invalid("cannot create checkpoint for inactive domain")
        redefine = bool(flags & Create.REDEFINE)
        checkpoint = parse_checkpoint(xml_desc, redefine=redefine, now=int(self.world.clock.now()))
        if redefine:
            settle_redefined_checkpoint(checkpoint, guest.definition.uuid)
            check_lineage(checkpoint.name or "", checkpoint.parent_name, guest.checkpoints.parents)
            guest.checkpoints.add(checkpoint)
            guest.checkpoints.current = checkpoint
        else:
            checkpoint.domain = guest.definition.model_copy(deep=True)
            align_checkpoint(checkpoint, checkpoint.domain)
            guest.checkpoints.add_new(checkpoint)
        return _ref(guest, checkpoint)

    def domain_checkpoint_lookup_by_name(self, dom: DomainRef, name: str, flags: int) -> CheckpointRef:
        """virDomainCheckpointLookupByName."""
        check_flags(flags, 0, "testDomainCheckpointLookupByName")
        guest = self._guest(dom)
        return _ref(guest, guest.checkpoints.named(name))

    def domain_list_all_checkpoints(self, dom: DomainRef, flags: int) -> list[CheckpointRef]:
        """virDomainListAllCheckpoints."""
        check_flags(flags, _LIST, "testDomainListAllCheckpoints")
        guest = self._guest(dom)
        checkpoints, inner = guest.checkpoints, guest.checkpoints.inner
        wanted = checkpoints.roots() if flags & List.ROOTS else checkpoints.in_order()
        return [_ref(guest, found) for found in wanted if _matches(found, inner, flags)]

    def domain_checkpoint_list_all_children(self, checkpoint: CheckpointRef, flags: int) -> list[CheckpointRef]:
        """virDomainCheckpointListAllChildren."""
        check_flags(flags, _LIST, "testDomainCheckpointListAllChildren")
        guest, parent = self._checkpoint(checkpoint)
        checkpoints, inner = guest.checkpoints, guest.checkpoints.inner
        # the flag that asks for roots elsewhere asks for descendants here
        wanted = checkpoints.descendants(parent) if flags & List.ROOTS else checkpoints.children(parent)
        return [_ref(guest, found) for found in wanted if _matches(found, inner, flags)]

    def domain_checkpoint_get_parent(self, checkpoint: CheckpointRef, flags: int) -> CheckpointRef:
        """virDomainCheckpointGetParent."""
        check_flags(flags, 0, "testDomainCheckpointGetParent")
        guest, found = self._checkpoint(checkpoint)
        return _ref(guest, guest.checkpoints.required_parent(found))

    def domain_checkpoint_get_xml_desc(self, checkpoint: CheckpointRef, flags: int) -> str:
        """virDomainCheckpointGetXMLDesc."""
        check_flags(flags, Xml.SECURE | Xml.NO_DOMAIN, "testDomainCheckpointGetXMLDesc")
        _guest, found = self._checkpoint(checkpoint)
        return format_checkpoint(found, secure=bool(flags & Xml.SECURE), domain=not flags & Xml.NO_DOMAIN)

    def domain_checkpoint_delete(self, checkpoint: CheckpointRef, flags: int) -> None:
        """virDomainCheckpointDelete."""
        check_flags(flags, Delete.CHILDREN | Delete.METADATA_ONLY | Delete.CHILDREN_ONLY, "testDomainCheckpointDelete")
        guest, found = self._checkpoint(checkpoint)
        guest.checkpoints.delete(
            found,
            children=bool(flags & (Delete.CHILDREN | Delete.CHILDREN_ONLY)),
            itself=not flags & Delete.CHILDREN_ONLY,
        )


def _ref(guest: TestGuest, checkpoint: Checkpoint) -> CheckpointRef:
    return CheckpointRef(checkpoint.name or "", guest.ref)


def _matches(checkpoint: Checkpoint, inner: set[str | None], flags: int) -> bool:
    """Whether a checkpoint is among those that the filters ask for; `inner` ones are followed by others."""
    return passes(flags, _LEAVES, checkpoint.name not in inner)
