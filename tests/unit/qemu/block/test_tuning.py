# SPDX-License-Identifier: LGPL-2.1-or-later
"""I/O limits."""

from __future__ import annotations

from typing import Any

import pytest

from conf.domain.devices.disk import IOTune
from drivers.common import iotune
from drivers.qemu.block import tuning
from virtd.errors import Code, VirtError
from virtd.params import Value


def set_values(limits: IOTune) -> dict[str, Any]:
    return {name: value for name, value in limits if value is not None}


def test_qemu_has_other_words() -> None:
    assert [tuning.qemu_name(name) for name in iotune.FIELDS] == [
        *("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"),
        *("bps_max", "bps_rd_max", "bps_wr_max", "iops_max", "iops_rd_max", "iops_wr_max"),
        *("iops_size", "group"),
        *("bps_max_length", "bps_rd_max_length", "bps_wr_max_length"),
        *("iops_max_length", "iops_rd_max_length", "iops_wr_max_length"),
    ]


@pytest.mark.parametrize(
    ("old", "given", "new"),
    [
        ({}, {"total_iops_sec": 5}, {"total_iops_sec": 5}),
        ({"total_iops_sec": 5}, {"total_iops_sec": 0}, {}),
        ({"write_bytes_sec": 100, "write_bytes_sec_max": 1000}, {"total_bytes_sec": 7}, {"total_bytes_sec": 7, "write_bytes_sec_max": 1000}),
        ({"total_bytes_sec": 7}, {"size_iops_sec": 4096}, {"total_bytes_sec": 7, "size_iops_sec": 4096}),
        ({"total_bytes_sec": 7}, {"group_name": "g"}, {"total_bytes_sec": 7, "group_name": "g"}),
        ({"total_bytes_sec_max_length": 3}, {"read_bytes_sec_max_length": 4}, {"total_bytes_sec_max_length": 3, "read_bytes_sec_max_length": 4}),
    ],
)  # fmt: skip
def test_a_change_keeps_what_it_does_not_touch(
    old: dict[str, Any], given: dict[str, Value], new: dict[str, Any]
) -> None:
    assert set_values(iotune.merged(IOTune(**old), given)) == new


@pytest.mark.parametrize(
    ("given", "code", "text"),
    [
        ({"total_iops_sec": 5, "read_iops_sec": 5}, Code.INVALID_ARG, "total and read/write of iops_sec cannot"),
        ({"total_bytes_sec_max": 5, "write_bytes_sec_max": 5}, Code.INVALID_ARG, "read/write of bytes_sec_max cannot"),
        ({"total_iops_sec": 10**15 + 1}, Code.ARGUMENT_UNSUPPORTED, "must be no more than 1000000000000000"),
        ({"group_name": "g"}, Code.CONFIG_UNSUPPORTED, "all tune parameters zero is not supported"),
    ],
)
def test_contradictions_are_refused(given: dict[str, Value], code: Code, text: str) -> None:
    with pytest.raises(VirtError, match=text) as caught:
        iotune.merged(None, given)
    assert caught.value.code is code


def test_bursts_are_above_the_limit() -> None:
    iotune.check_bursts(IOTune(total_bytes_sec=5, total_bytes_sec_max=5))
    with pytest.raises(VirtError, match="value 'total_bytes_sec_max' cannot be smaller than 'total_bytes_sec'"):
        iotune.check_bursts(IOTune(total_bytes_sec=5, total_bytes_sec_max=4))
    with pytest.raises(VirtError, match="cannot reset 'read_iops_sec' when 'read_iops_sec_max' is set"):
        tuning.check_steady(IOTune(read_iops_sec_max=4))
