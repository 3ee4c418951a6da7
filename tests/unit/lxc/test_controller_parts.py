# SPDX-License-Identifier: LGPL-2.1-or-later
"""The parts of the controller that need no container."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

import drivers
from drivers.lxc.controller import meminfo, messages
from drivers.lxc.controller.terminals import Flow

#: Modules that a container's start does not wait for.
HEAVY = {"json", "re", "socket", "enum", "typing", "collections", "contextlib", "dataclasses", "subprocess", "pathlib"}


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        {"a": [1, -2, None, True, False]},
        {"text": 'quotes " and \\ and \n and ü and \U0001f600'},
        {"deep": {"er": []}},
    ],
)
def test_messages_are_json(value: object):
    assert json.loads(messages.dumps(value)) == value
    assert messages.loads(json.dumps(value, indent=2)) == value


@pytest.mark.parametrize("text", ["", "{", "1 2", "nonsense", '{"a": }', "[1,"])
def test_what_is_no_json_is_refused(text: str):
    with pytest.raises(ValueError):
        messages.loads(text)


def test_lines_may_come_in_pieces():
    lines = messages.Lines()
    assert lines.feed(b'{"a": 1}\n{"b"') == [{"a": 1}]
    assert lines.feed(b": 2}\n\n") == [{"b": 2}]


def test_a_line_without_end_is_refused():
    with pytest.raises(ValueError):
        messages.Lines().feed(b"x" * (messages.MAX_LINE + 1))


HOST = (
    "MemTotal:       16000000 kB\nMemFree:         9000000 kB\nCached:          5000000 kB\nHugePages_Total:       0\n"
)


def test_meminfo_tells_the_containers_figures():
    text = meminfo.render(HOST, 65536, 1536, {"cache": 2048 * 1024, "active_anon": 5})
    assert text == (
        "MemTotal:          65536 kB\nMemFree:           64000 kB\nCached:             2048 kB\nHugePages_Total:       0\n"
    )


def test_meminfo_of_a_container_without_a_limit_is_the_hosts():
    assert meminfo.render(HOST, 1 << 53, 1536, {}) == HOST


@pytest.fixture
def pipes() -> Iterator[tuple[int, int, int, int]]:
    ends = (*os.pipe(), *os.pipe())
    for fd in ends:
        os.set_blocking(fd, False)
    yield ends
    for fd in ends:
        os.close(fd)


def fill(fd: int) -> None:
    """Write until there is no room."""
    try:
        while True:
            os.write(fd, bytes(65536))
    except BlockingIOError:
        return


def test_a_flow_carries_data(pipes: tuple[int, int, int, int]):
    source, into, out, sink = pipes
    os.write(into, b"words")
    Flow(source, sink, 100, drops=False).read()
    assert os.read(out, 100) == b"words"


def test_a_flow_that_drops_keeps_the_newest(pipes: tuple[int, int, int, int]):
    source, into, out, sink = pipes
    fill(sink)
    flow = Flow(source, sink, 8, drops=True)
    for words in (b"oldest", b"newest-8"):
        os.write(into, words)
        assert flow.wants_data
        flow.read()
    assert flow.has_data
    while len(os.read(out, 1 << 20)) == 1 << 20:
        pass
    flow.write()
    assert os.read(out, 100) == b"newest-8"


def test_a_flow_that_does_not_drop_stops_reading(pipes: tuple[int, int, int, int]):
    source, into, _, sink = pipes
    fill(sink)
    flow = Flow(source, sink, 8, drops=False)
    os.write(into, b"12345678")
    flow.read()
    assert not flow.wants_data


def test_the_controller_imports_nothing_heavy():
    program = "import sys; sys.path.append(sys.argv[1]); from drivers.lxc.controller import main; print(*sys.modules)"
    folder = os.path.dirname(os.path.dirname(drivers.__file__))
    command = [sys.executable, "-I", "-S", "-c", program, folder]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert HEAVY & set(loaded) == set()
