# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest's vsock gets its number from the XML, or the first that is free."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from pathlib import Path

import pytest

from conf.domain.devices.vsock import Cid, Vsock
from drivers.qemu.hostside import vsock
from virtd.errors import Code, VirtError


@pytest.fixture
def taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """A kernel that gives away every number but these."""
    numbers = {3, 4}
    device = tmp_path / "vhost-vsock"
    device.touch()

    def ioctl(_fd: int, _request: int, argument: bytes) -> int:
        (cid,) = struct.unpack("=Q", argument)
        if cid in numbers:
            raise OSError(errno.EADDRINUSE, "in use")
        numbers.add(cid)
        return 0

    monkeypatch.setattr(vsock, "DEVICE", device)
    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    return numbers


def test_the_first_free_number(taken: set[int]) -> None:
    device = Vsock(cid=Cid(auto=True, address=4))
    os.close(vsock.connect(device))
    assert device.cid == Cid(auto=True, address=5)
    assert 5 in taken


def test_a_number_of_its_own(taken: set[int]) -> None:
    os.close(vsock.connect(Vsock(cid=Cid(auto=False, address=77))))
    assert 77 in taken


@pytest.mark.usefixtures("taken")
def test_a_number_that_another_guest_has() -> None:
    with pytest.raises(VirtError, match="failed to set guest cid") as raised:
        vsock.connect(Vsock(cid=Cid(auto=False, address=3)))
    assert raised.value.code == Code.SYSTEM_ERROR


def test_a_host_without_the_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vsock, "DEVICE", tmp_path / "none")
    with pytest.raises(VirtError, match="unable to open vhost-vsock device") as raised:
        vsock.connect(Vsock())
    assert raised.value.code == Code.CONFIG_UNSUPPORTED
