# SPDX-License-Identifier: LGPL-2.1-or-later
"""The samples in tests/data/moments, and how each kind is read and written; a kind is a file name's first word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from conf.backup import Backup, format_backup, parse_backup
from conf.binding import Model
from conf.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from conf.networkport import NetworkPort, format_network_port, parse_network_port
from conf.snapshot import Snapshot, format_snapshot, parse_snapshot

SAMPLES = sorted((Path(__file__).parents[1] / "data" / "moments").glob("*.xml"))


class Kind(NamedTuple):
    """A document's format; the functions' second argument says whether it is the daemon's own record."""

    model: type[Model]
    schema: str
    parse: Callable[[str, bool], Any]
    format: Callable[[Any, bool], str]


KINDS = {
    "snapshot": Kind(
        Snapshot,
        "domainsnapshot.rng",
        lambda xml, internal: parse_snapshot(xml, redefine=True, internal=internal),
        lambda snapshot, internal: format_snapshot(snapshot, secure=True, internal=internal),
    ),
    "checkpoint": Kind(
        Checkpoint,
        "domaincheckpoint.rng",
        lambda xml, _internal: parse_checkpoint(xml, redefine=True),
        lambda checkpoint, _internal: format_checkpoint(checkpoint, secure=True, size=True),
    ),
    "backup": Kind(
        Backup,
        "domainbackup.rng",
        lambda xml, internal: parse_backup(xml, internal=internal),
        lambda backup, internal: format_backup(backup, internal=internal),
    ),
    "networkport": Kind(
        NetworkPort,
        "networkport.rng",
        lambda xml, _internal: parse_network_port(xml),
        lambda port, _internal: format_network_port(port),
    ),
}


def kind_of(path: Path) -> tuple[Kind, bool]:
    """A sample's kind, and whether it is the daemon's own record."""
    name, _, variant = path.stem.partition("-")
    return KINDS[name], variant == "record"
