# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<domaincheckpoint>`: a moment from which changes of disks are tracked, for incremental backups."""

from __future__ import annotations

import time
from typing import Literal

from conf.binding import FormatOptions, Model, Ulong, attr, child, child_text, children
from conf.binding.fields import Values
from conf.domain import Domain
from conf.moments import CreationTime, MomentParent, creation_time, require_name_and_time


def _of_tracked(size: int | None, own: Values, _around: Values, _options: FormatOptions) -> int | None:
    return size if own["checkpoint"] == "bitmap" else None


class CheckpointDisk(Model):
    """`<disk>`: whether changes of this disk are tracked, and the name of the bitmap that does it.

    `size`: what has changed since, in bytes; known only while a client asks for it.
    """

    name: str = attr(required=True)
    checkpoint: Literal["no", "bitmap"] | None = attr()
    bitmap: str | None = attr()
    size: Ulong | None = attr(shown=_of_tracked)


class Checkpoint(Model):
    """`<domaincheckpoint>`; `creation_time` in seconds since 1970."""

    name: str | None = child_text()
    description: str | None = child_text()
    parent: MomentParent | None = child()
    creation_time: CreationTime | None = creation_time("checkpoint")
    disks: list[CheckpointDisk] = children("disk", within="disks")
    domain: Domain | None = child(definition=True)

    @property
    def parent_name(self) -> str | None:
        """The name of the checkpoint before."""
        return self.parent.name if self.parent is not None else None

    def settle_new(self, *, now: int | None = None) -> None:
        """Complete the description of a checkpoint that is to be made."""
        self.creation_time = int(time.time()) if now is None else now
        self.name = self.name or str(self.creation_time)

    def settle_existing(self) -> None:
        """Complete the description of a checkpoint that was made before.

        Raises:
            ConfError: it lacks what every checkpoint has.
        """
        require_name_and_time(self, "checkpoint")
