# SPDX-License-Identifier: LGPL-2.1-or-later
"""The XML format of checkpoints.

libvirt holds these documents against the schema (domaincheckpoint.rng) always, and not only when a client
asks for it: that is for the driver to do, before it has them parsed.
"""

from __future__ import annotations

from conf.binding import FormatOptions, ParseOptions, format_document, parse_document
from conf.binding.reading import read
from conf.checkpoint.align import align_checkpoint
from conf.checkpoint.checkpoint import Checkpoint, CheckpointDisk
from conf.moments import check_owner, prepare_moment

__all__ = [
    "Checkpoint",
    "CheckpointDisk",
    "align_checkpoint",
    "format_checkpoint",
    "parse_checkpoint",
    "settle_redefined_checkpoint",
]


def parse_checkpoint(xml: str | bytes, *, redefine: bool = False, now: int | None = None) -> Checkpoint:
    """A checkpoint from untrusted XML; its disks are as written, see `align_checkpoint`.

    Args:
        redefine: it exists already; its history and domain count.
        now: the time that a new one is given, seconds since 1970.

    Raises:
        ConfError: with libvirt's code and text.
    """
    root = parse_document(xml, "domaincheckpoint", what="domain_checkpoint")
    prepare_moment(root, redefine=redefine)
    checkpoint = read(Checkpoint, root, ParseOptions())
    if redefine:
        checkpoint.settle_existing()
    else:
        checkpoint.settle_new(now=now)
    return checkpoint


def settle_redefined_checkpoint(checkpoint: Checkpoint, uuid: str) -> None:
    """Check and complete a checkpoint that was read with `redefine`; see `check_lineage` for its parent.

    Raises:
        ConfError: it is another guest's (`uuid`), or its disks do not fit its domain.
    """
    check_owner(checkpoint.domain, uuid, "checkpoint", checkpoint.name or "")
    if checkpoint.domain is not None:
        align_checkpoint(checkpoint, checkpoint.domain)


def format_checkpoint(checkpoint: Checkpoint, *, secure: bool = False, domain: bool = True, size: bool = False) -> str:
    """A checkpoint's XML as libvirt 9.0.0 writes it.

    Args:
        secure: with passwords.
        domain: with the domain.
        size: with the sizes that the disks were given.
    """
    update: dict[str, object] = {} if domain else {"domain": None}
    if not size:
        update["disks"] = [disk.model_copy(update={"size": None}) for disk in checkpoint.disks]
    return format_document(checkpoint.model_copy(update=update), "domaincheckpoint", FormatOptions(secure=secure))
