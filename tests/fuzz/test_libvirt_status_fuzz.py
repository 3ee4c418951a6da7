# SPDX-License-Identifier: LGPL-2.1-or-later
"""Damaged status files of libvirtd's: each is taken over, left alone or set aside."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from drivers.common.persistence import UNUSABLE
from drivers.qemu import status
from drivers.qemu.adopt import takeover
from drivers.qemu.adopt.document import is_libvirts
from tests.fakes.libvirt_status import LibvirtFile
from tests.fuzz.damage import damage

SECONDS = 5
SEED = 20230115

JOBS = """<blockjobs active='yes'>
    <blockjob name='commit-vda-libvirt-1-format' type='commit' state='running' jobflags='0x0'>
      <disk dst='vda'/>
      <base node='libvirt-3-format'/>
      <top node='libvirt-2-format'/>
    </blockjob>
  </blockjobs>"""


@pytest.mark.parametrize("runs", [True, False])
def test_nothing_else_comes_of_damaged_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, runs: bool) -> None:
    monkeypatch.setattr(takeover, "_started", lambda _pid, _folder: 17 if runs else 0)
    rng = random.Random(SEED)
    network = (
        "      <interface type='network'>\n<mac address='52:54:00:00:00:01'/>\n<source network='n'/>\n"
        "<actual type='direct'>\n<source dev='e' mode='vepa'/>\n</actual>\n</interface>\n"
    )
    file = LibvirtFile(Path("/lib/domain-5-left"), "/image", blockjobs=JOBS, interfaces=network)
    path = tmp_path / "left.xml"
    end = time.monotonic() + SECONDS
    taken = left = unusable = 0
    while time.monotonic() < end:
        path.write_text(damage(file.text(), rng))
        try:
            root = status.read_document(path)
            found = takeover.take_over(root) if is_libvirts(root) else status.understand(root)
        except takeover.NotAdoptedError:
            left += 1
        except UNUSABLE:
            unusable += 1
        else:
            taken += 1
            assert found.domain.devices.disks is not None
    assert taken > 20
    assert unusable > 20
    assert (left > 20) is runs
