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


def test_what_has_no_effect_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    load(tmp_path, "\nseccomp_sandbx = 1\n")
    assert f"{tmp_path}/qemu.conf:2: seccomp_sandbx: not known here, it has no effect" in caplog.text


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('\nmax_queued = "x"', "2: max_queued: should be a number"),
        ("vnc_listen = 1", "1: vnc_listen: should be a string in quotes"),
        ('dynamic_ownership = "yes"', "1: dynamic_ownership: should be 0 or 1"),
        ('block_pivot_recovery = "hope"', "1: block_pivot_recovery: must be 'pause' or 'resume', not 'hope'"),
        ('\n\nuser = "no such user"', "3: user: Failed to parse user 'no such user'"),
        ('group = "no such group"', "1: group: Failed to parse group 'no such group'"),
        ("remote_display_port_min = 80", "1: remote_display_port_min: port must be between 5900 and 65535"),
        ("remote_display_port_max = 5800", "1: remote_display_port_max: port must be between the minimal port 5900"),
        ('cgroup_controllers = [ "cpu", "x" ]', "1: cgroup_controllers: Unknown cgroup controller 'x'"),
        ('max_core = "big"', "1: max_core: Unknown core size 'big'"),
    ],
)
def test_errors_name_file_line_and_option(tmp_path: Path, text: str, where: str):
    with pytest.raises(VirtError) as caught:
        load(tmp_path, text)
    assert f"configuration file syntax error: {tmp_path}/qemu.conf:{where}" in str(caught.value)


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
