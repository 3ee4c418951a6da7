# SPDX-License-Identifier: LGPL-2.1-or-later
"""The log's levels, filters and outputs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from virtd.errors import VirtError
from virtd.host.logs import Logs


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def logs(file: Path) -> Iterator[Logs]:
    level = logging.getLogger().level
    logs = Logs(3, "", f"1:file:{file}")
    yield logs
    logs.close()
    logging.getLogger().setLevel(level)


def say(name: str) -> None:
    log = logging.getLogger(name)
    log.debug("debug of %s", name)
    log.info("info of %s", name)
    log.warning("warning of %s", name)


def heard(file: Path) -> list[str]:
    return [line.rpartition(": ")[2] for line in file.read_text().splitlines()]


def test_the_level_counts_where_no_filter_matches(logs: Logs, file: Path) -> None:
    logs.set_filters("1:qemu 2:virtd.s* 4:virtd")
    for name in ("drivers.qemu.guest", "virtd.server", "virtd.other", "drivers.test"):
        say(name)
    assert heard(file) == [
        "debug of drivers.qemu.guest",
        "info of drivers.qemu.guest",
        "warning of drivers.qemu.guest",
        "info of virtd.server",
        "warning of virtd.server",
        "warning of drivers.test",
    ]
    assert logs.filters == "1:*qemu* 2:*virtd.s* 4:*virtd*"


def test_filters_go_away_again(logs: Logs, file: Path) -> None:
    logs.set_filters("1:qemu")
    say("drivers.qemu")
    logs.set_filters("")
    say("drivers.qemu")
    assert heard(file).count("debug of drivers.qemu") == 1
    assert logs.filters == ""


def test_an_output_has_a_level_of_its_own(logs: Logs, tmp_path: Path) -> None:
    logs.set_filters("1:noisy")
    logs.set_outputs(f"1:file:{tmp_path}/all 3:file:{tmp_path}/few")
    say("noisy")
    assert len(heard(tmp_path / "all")) == 3
    assert heard(tmp_path / "few") == ["warning of noisy"]


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ("x", "invalid argument: Malformed format for filter 'x'"),
        ("5:x", "invalid argument: Invalid priority '5' for filter '5:x'"),
        ("1:", "invalid argument: Malformed format for filter '1:'"),
    ],
)
def test_filters_that_are_none_change_nothing(logs: Logs, filters: str, message: str) -> None:
    logs.set_filters("2:good")
    with pytest.raises(VirtError) as raised:
        logs.set_filters(f"1:fine {filters}")
    assert str(raised.value) == message
    assert logs.filters == "2:*good*"


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ("1:foo", "invalid argument: Invalid log destination 'foo' for log output '1:foo'"),
        ("9:stderr", "invalid argument: Invalid log priority '9' for log output '9:stderr'"),
        ("stderr", "invalid argument: Malformed format for log output 'stderr'"),
    ],
)
def test_outputs_that_are_none_change_nothing(logs: Logs, file: Path, outputs: str, message: str) -> None:
    with pytest.raises(VirtError) as raised:
        logs.set_outputs(f"1:file:{file}.other {outputs}")
    assert str(raised.value) == message
    assert logs.outputs == f"1:file:{file}"
    say("still")
    assert heard(file) == ["warning of still"]


def test_without_outputs_the_log_goes_to_standard_error(logs: Logs, capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_outputs("")
    assert logs.outputs == "3:stderr"
    say("loud")
    assert "warning of loud" in capsys.readouterr().err
