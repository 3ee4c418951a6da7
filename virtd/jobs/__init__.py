# SPDX-License-Identifier: LGPL-2.1-or-later
"""One job at a time for each object that calls change."""

from virtd.jobs.lock import JobKind, JobLock

__all__ = ["JobKind", "JobLock"]
