# SPDX-License-Identifier: LGPL-2.1-or-later
"""Probing and caching, against fake emulators that behave, crash, hang or talk nonsense."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from drivers.qemu.capabilities import CapabilitiesCache, probe
from drivers.qemu.capabilities import cache as cache_module
from virtd.errors import Code, VirtError
from virtd.tasks import TaskOwner

FAKE = Path(__file__).parents[3] / "fakes/emulator.py"

ANSWERS: dict[str, Any] = {
    "query-version": {"qemu": {"major": 8, "minor": 1, "micro": 2}, "package": "fake"},
    "query-target": {"arch": "riscv64"},
    "query-kvm": {"enabled": False, "present": False},
    "query-machines": [
        {"name": "none", "cpu-max": 1},
        {"name": "spike", "cpu-max": 8, "is-default": True, "default-cpu-type": "max-riscv-cpu"},
        {"name": "virt", "cpu-max": 512, "hotpluggable-cpus": True, "default-ram-id": "riscv_virt_board.ram"},
    ],
    "query-commands": [{"name": "query-stats"}, {"name": "query-unheard-of"}],
    "qom-list-types": [{"name": "pcie-root-port"}, {"name": "iothread"}],
    "query-command-line-options": [{"option": "sandbox", "parameters": [{"name": "enable"}]}],
    "device-list-properties": {"pcie-root-port": [{"name": "hotplug", "type": "bool"}]},
    "qom-list-properties": {"iothread": [{"name": "poll-max-ns", "type": "int"}]},
    "query-cpu-definitions": [{"name": "max", "typename": "max-riscv-cpu"}],
    "query-cpu-model-expansion": {"model": {"name": "max", "props": {"zba": True}}},
}

Make = Callable[..., str]


@pytest.fixture
def emulator(tmp_path: Path) -> Make:
    """Makes a fake emulator and returns its path."""

    def make(mode: str = "answer", name: str = "qemu-system-riscv64", **changes: object) -> str:
        path = tmp_path / name
        path.write_text(FAKE.read_text().replace("#!/usr/bin/env python3", f"#!{sys.executable} -S"))
        path.chmod(0o755)
        Path(f"{path}.json").write_text(json.dumps({"mode": mode, "answers": ANSWERS | changes}))
        return str(path)

    return make


@pytest.fixture
async def tasks() -> AsyncIterator[TaskOwner]:
    owner = TaskOwner("test")
    yield owner
    await owner.close()


def starts(path: str) -> int:
    try:
        return len(Path(f"{path}.starts").read_text().splitlines())
    except FileNotFoundError:
        return 0


async def test_what_the_emulator_says_becomes_facts(tmp_path: Path, emulator: Make, tasks: TaskOwner) -> None:
    found = await CapabilitiesCache(tmp_path / "cache", tasks).get(emulator())
    assert (found.version, found.arch, found.package, found.kvm) == (8001002, "riscv64", "fake", False)
    assert found.flags == {
        *("query-stats", "pcie-root-port", "pcie-root-port.hotplug", "iothread", "iothread.poll-max-ns"),
        *("seccomp-sandbox", "compat-deprecated"),
    }
    assert found.has_device("iothread")
    assert not found.has_device("spike")
    assert found.default_machine == "spike"
    assert [m.name for m in found.machines] == ["spike", "virt"]
    spike, virt = found.machine("spike"), found.machine("virt")
    assert spike is not None
    assert virt is not None
    assert (spike.default_cpu, spike.max_cpus) == ("max", 8)
    assert (virt.default_ram_id, virt.hotpluggable_cpus) == ("riscv_virt_board.ram", True)
    assert found.cpu_facts("qemu").best == {"zba": True}


async def test_an_emulator_is_started_once_for_all_who_ask(tmp_path: Path, emulator: Make, tasks: TaskOwner) -> None:
    path = emulator()
    cache = CapabilitiesCache(tmp_path / "cache", tasks)
    results = await asyncio.gather(*(cache.get(path) for _ in range(5)))
    assert all(r is results[0] for r in results)
    assert (await CapabilitiesCache(tmp_path / "cache", tasks).get(path)) == results[0]
    assert starts(path) == 1


async def test_nothing_is_started_before_it_is_asked_about(tmp_path: Path, emulator: Make, tasks: TaskOwner) -> None:
    asked, other = emulator(), emulator(name="qemu-system-s390x")
    await CapabilitiesCache(tmp_path / "cache", tasks).get(asked)
    assert (starts(asked), starts(other)) == (1, 0)


async def test_a_changed_emulator_is_asked_again(
    tmp_path: Path, emulator: Make, tasks: TaskOwner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "FRESH_SECONDS", -1.0)
    path = emulator()
    cache = CapabilitiesCache(tmp_path / "cache", tasks)
    await cache.get(path)
    os.utime(path, (1, 1))
    await cache.get(path)
    assert starts(path) == 2


@pytest.mark.parametrize("damage", [b"", b"{", b'{"stamp": 1}', b"\xff\xfe"])
async def test_a_damaged_file_is_ignored_and_rewritten(
    tmp_path: Path, emulator: Make, tasks: TaskOwner, damage: bytes
) -> None:
    path, folder = emulator(), tmp_path / "cache"
    await CapabilitiesCache(folder, tasks).get(path)
    [file] = folder.glob("*.json")
    file.write_bytes(damage)
    await CapabilitiesCache(folder, tasks).get(path)
    await CapabilitiesCache(folder, tasks).get(path)
    assert starts(path) == 2


async def test_the_summary_asks_little_and_uses_what_is_known(tmp_path: Path, emulator: Make, tasks: TaskOwner) -> None:
    path = emulator()
    cache = CapabilitiesCache(tmp_path / "cache", tasks)
    brief = await cache.summary(path)
    full = await cache.get(path)
    assert [m.name for m in brief.machines] == [m.name for m in full.machines]
    assert await cache.summary(path) is full


@pytest.mark.parametrize(
    ("mode", "reason"),
    [("crash", "cannot load its firmware"), ("hang", "no answer within"), ("garbage", "Did not understand Greeting")],
)
async def test_a_bad_emulator_fails_and_is_not_tried_again(
    tmp_path: Path,
    emulator: Make,
    tasks: TaskOwner,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    mode: str,
    reason: str,
) -> None:
    monkeypatch.setattr(probe, "PROBE_TIMEOUT", 0.5 if mode == "hang" else 10)
    path = emulator(mode)
    cache = CapabilitiesCache(tmp_path / "cache", tasks)
    for _ in range(2):
        with pytest.raises(VirtError, match=r"Failed to (probe|start) QEMU") as raised:
            await cache.get(path)
        assert raised.value.code == Code.INTERNAL_ERROR
    assert starts(path) == 1
    assert reason in caplog.text
    monkeypatch.setattr(cache_module, "RETRY_SECONDS", -1)
    other = CapabilitiesCache(tmp_path / "other", tasks)
    for _ in range(2):
        with pytest.raises(VirtError, match=r"Failed to (probe|start) QEMU"):
            await other.get(path)
    assert starts(path) == 3
    emulator()
    os.utime(path, (1, 1))
    assert (await cache.get(path)).version == 8001002


@pytest.mark.parametrize(
    "nonsense", [{"query-machines": "many"}, {"query-version": {}}, {"query-target": {"arch": ["x"]}}, {"query-kvm": 3}]
)
async def test_answers_of_the_wrong_form_fail_the_probe(
    tmp_path: Path, emulator: Make, tasks: TaskOwner, nonsense: dict[str, object]
) -> None:
    with pytest.raises(VirtError, match="Failed to probe QEMU"):
        await CapabilitiesCache(tmp_path / "cache", tasks).get(emulator(**nonsense))


async def test_a_program_that_is_no_emulator(tmp_path: Path, tasks: TaskOwner) -> None:
    with pytest.raises(VirtError) as raised:
        await CapabilitiesCache(tmp_path / "cache", tasks).get("/bin/false")
    assert raised.value.message == "internal error: Failed to start QEMU binary /bin/false for probing: "


async def test_what_is_no_emulator_is_refused(tmp_path: Path, tasks: TaskOwner) -> None:
    with pytest.raises(VirtError, match="Cannot check QEMU binary /nonexistent") as raised:
        await CapabilitiesCache(tmp_path / "cache", tasks).get("/nonexistent")
    assert raised.value.code == Code.SYSTEM_ERROR


async def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path: Path, emulator: Make, tasks: TaskOwner) -> None:
    (tmp_path / "file").write_text("in the way")
    found = await CapabilitiesCache(tmp_path / "file/cache", tasks).get(emulator())
    assert found.version == 8001002


@pytest.mark.integration
@pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="no QEMU")
async def test_a_real_emulator(tmp_path: Path, tasks: TaskOwner) -> None:
    path = shutil.which("qemu-system-x86_64")
    assert path is not None
    found = await CapabilitiesCache(tmp_path / "cache", tasks).get(path)
    assert found.arch == "x86_64"
    assert found.default_machine is not None
    assert found.has("virtio-net")
    assert found.has("iothread")
