# SPDX-License-Identifier: LGPL-2.1-or-later
"""qemu.conf."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.qemu.settings import Account, QemuSettings, account
from virtd.errors import VirtError


def load(tmp_path: Path, text: str) -> QemuSettings:
    (tmp_path / "qemu.conf").write_text(text)
    return QemuSettings.load(tmp_path / "qemu.conf")


def test_what_is_not_named_keeps_its_default(tmp_path: Path):
    settings = load(tmp_path, 'user = "+1000"\ndynamic_ownership = 0\nnvram = "a:b"\nunheard_of = 1\n')
    assert settings == QemuSettings(user="+1000", dynamic_ownership=False, nvram=["a:b"])


@pytest.mark.parametrize("text", ['max_queued = "x"', "vnc_listen = [ 'a' ]", 'block_pivot_recovery = "hope"'])
def test_a_value_of_the_wrong_kind_is_refused(tmp_path: Path, text: str):
    with pytest.raises(VirtError, match="configuration file syntax error"):
        load(tmp_path, text)


def test_whom_guests_run_as():
    assert account(QemuSettings(user="+1000", group="+2000"), privileged=False) is None
    assert account(QemuSettings(user="root", group="root"), privileged=True) is None
    found = account(QemuSettings(user="+4711", group="+4712"), privileged=True)
    assert isinstance(found, Account)
    assert (found.uid, found.gid, found.label) == (4711, 4712, "+4711:+4712")
    with pytest.raises(VirtError, match="Failed to parse user 'no such user'"):
        account(QemuSettings(user="no such user"), privileged=True)
