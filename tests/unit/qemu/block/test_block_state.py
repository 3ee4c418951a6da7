# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a status file keeps of block jobs."""

from __future__ import annotations

import pytest
from lxml import etree

from drivers.common.images.jobkinds import JobKind
from drivers.qemu.block.state import BlockJob, BlockState, JobState


def test_jobs_are_found_again() -> None:
    state = BlockState(last_index=7)
    state.jobs["vda"] = BlockJob("copy-vda-libvirt-1-format", JobKind.COPY, "vda", 1, shallow=True)
    commit = BlockJob("c", JobKind.ACTIVE_COMMIT, "vdb", 2, 5, delete=True, state=JobState.READY)
    state.jobs["vdb"] = commit
    found = BlockState.from_element(etree.fromstring(etree.tostring(state.to_element())))
    assert found.last_index == 7
    assert found.next_index() == 8
    for disk, job in state.jobs.items():
        again = found.jobs[disk]
        for name in ("id", "kind", "disk", "top", "base", "shallow", "delete", "state"):
            assert getattr(again, name) == getattr(job, name), name


@pytest.mark.parametrize(
    "xml",
    [
        "<blockjobs/>",
        "<blockjobs last_index='x'/>",
        "<blockjobs last_index='1'><blockjob name='a' type='zzz' disk='vda' state='new' top='1'/></blockjobs>",
        "<blockjobs last_index='1'><blockjob name='a' type='copy' disk='vda' state='new'/></blockjobs>",
    ],
)
def test_damage_is_noticed(xml: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        BlockState.from_element(etree.fromstring(xml))
