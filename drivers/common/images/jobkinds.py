# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kinds of block jobs."""

from __future__ import annotations

from enum import StrEnum

from virtd.enums import DomainBlockJobType


class JobKind(StrEnum):
    """What a block job does; the value is libvirt's word in the XML."""

    COPY = "copy"
    PULL = "pull"
    COMMIT = "commit"
    ACTIVE_COMMIT = "active-commit"

    @property
    def can_pivot(self) -> bool:
        """It ends by moving the guest to another image, when told to."""
        return self in (JobKind.COPY, JobKind.ACTIVE_COMMIT)


#: The public API's number of each kind.
JOB_TYPES = {
    JobKind.COPY: DomainBlockJobType.COPY,
    JobKind.PULL: DomainBlockJobType.PULL,
    JobKind.COMMIT: DomainBlockJobType.COMMIT,
    JobKind.ACTIVE_COMMIT: DomainBlockJobType.ACTIVE_COMMIT,
}
