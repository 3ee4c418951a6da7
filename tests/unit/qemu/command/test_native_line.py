# SPDX-License-Identifier: LGPL-2.1-or-later
"""virConnectDomainXMLToNative: nothing is made, and what would be is shown by stand-ins."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drivers.common.cpu.cpu_map import CpuMap
from drivers.qemu.command import native
from drivers.qemu.command.native import NativePart
from drivers.qemu.facts import Site
from drivers.qemu.paths import QemuPaths
from drivers.qemu.settings import QemuSettings
from tests.unit.qemu.command.conftest import CAPABILITIES
from virtd.errors import Code, VirtError

XML = """<domain type='kvm'><name>g,1</name><memory>1048576</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<interface type='bridge'><source bridge='br0'/><mac address='52:54:00:00:00:01'/><model type='virtio'/>
<driver queues='4'/></interface>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/d'/><target dev='vda' bus='virtio'/></disk>
<channel type='unix'><target type='virtio' name='org.x'/></channel></devices></domain>"""


class Cache:
    """The emulator of the tests, without any probing."""

    host_arch = "x86_64"

    def emulator_for(self, arch: str) -> str:
        return CAPABILITIES.path

    async def get(self, path: str) -> Any:
        return CAPABILITIES


def native_context(root: Path) -> Any:
    """What the driver knows, with its folders under `root`."""
    return SimpleNamespace(
        capabilities=Cache(),
        env=SimpleNamespace(privileged=False),
        paths=QemuPaths(*(root / name for name in ("config", "state", "lib", "log", "cache"))),
        settings=QemuSettings(),
        site=Site(),
    )


@pytest.fixture
def part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NativePart:
    monkeypatch.setattr(native, "load_cpu_map", lambda arch: CpuMap())
    return NativePart(native_context(tmp_path))


async def test_a_definition_becomes_a_line(part: NativePart, tmp_path: Path) -> None:
    line = await part.connect_domain_xml_to_native("qemu-argv", XML, 0)
    assert not line.endswith("\n")  # clients add it
    words = shlex.split(line)
    assert words[0] == "LC_ALL=C"
    assert CAPABILITIES.path in words
    assert f"HOME={tmp_path}/lib/domain--1-g,1" in words
    assert "guest=g,,1,debug-threads=on" in words
    netdev = json.loads(words[words.index("-netdev") + 1])
    assert netdev == {"type": "tap", "fd": "3", "id": "hostnet0"}
    channel = f"{tmp_path}/lib/channel/target/domain--1-g,,1/org.x"
    assert f"socket,id=charchannel0,path={channel},server=on,wait=off" in words
    devices = [json.loads(words[i + 1]) for i, word in enumerate(words) if word == "-device"]
    [card] = [d for d in devices if d["driver"] == "virtio-net-pci"]
    assert "mq" not in card
    assert card["mac"] == "52:54:00:00:00:01"
    assert not (tmp_path / "lib").exists()


@pytest.mark.parametrize(
    ("format_", "xml", "flags", "code"),
    [("xen-xl", XML, 0, Code.INVALID_ARG), ("qemu-argv", XML, 1, Code.INVALID_ARG)],
)
async def test_refused(part: NativePart, format_: str, xml: str, flags: int, code: Code) -> None:
    with pytest.raises(VirtError) as raised:
        await part.connect_domain_xml_to_native(format_, xml, flags)
    assert raised.value.code == code
