# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<domain>`: the whole of a guest's definition."""

from __future__ import annotations

from typing import Any, Literal
from uuid import uuid4

from lxml.etree import _Element

from conf.binding import (
    MEMORY,
    OnOff,
    ParseOptions,
    Uint,
    Uuid,
    attr,
    child,
    child_text,
    children,
    irregular,
    raw,
)
from conf.binding.reading import element_text
from conf.binding.scalars import BadValueError, parse_uuid
from conf.domain.clock import Clock
from conf.domain.cpu import CPU
from conf.domain.cputune import CPUTune, DefaultIOThread, IOThreadID, Vcpu, VcpuEntry
from conf.domain.devices.all import Devices
from conf.domain.extensions import Extensions
from conf.domain.features import Features
from conf.domain.idmap import IDMap, Resource
from conf.domain.memory import Blkiotune, MaxMemory, MemoryBacking, MemoryTune, Numatune
from conf.domain.os import OS
from conf.domain.placement import settle_placement
from conf.domain.power import PM, Perf
from conf.domain.security import KeyWrap, LaunchSecurity, SecLabel, settled_labels
from conf.domain.sysinfo import Sysinfo, system_uuid
from conf.errors import ConfigUnsupportedError, InternalError, XMLDetailError, XMLError, XMLFormError

VirtType = Literal[
    "qemu",
    "kqemu",
    "kvm",
    "xen",
    "lxc",
    "uml",
    "openvz",
    "test",
    "vmware",
    "hyperv",
    "vbox",
    "phyp",
    "parallels",
    "bhyve",
    "vz",
    "hvf",
]
LifecycleAction = Literal["destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart"]
_CRASH_ONLY = ("coredump-destroy", "coredump-restart")


def _size(xml: str, *, default: int) -> Any:
    text = f"Invalid value '%s' for element or attribute './{xml}[1]'"
    return child_text(xml, default=default, scale=MEMORY, error=(XMLFormError, text))


def _action(event: str, default: str) -> Any:
    return child_text(default=default, error=(ConfigUnsupportedError, f"unknown {event} action: %s"))


def _parse_genid(element: _Element, _options: ParseOptions) -> str:
    text = element_text(element)
    if not text:
        return str(uuid4())
    try:
        return parse_uuid(text)
    except BadValueError:
        raise InternalError("malformed genid element") from None


class Domain(Extensions):
    """`<domain>`; memory sizes in KiB."""

    type: VirtType = attr(
        required=(InternalError, "missing domain type attribute"),
        error=(ConfigUnsupportedError, "invalid domain type %s"),
        empty_is_unset=True,
    )
    id: Uint | None = attr(live=True)
    name: str = child_text(required=True)
    uuid: Uuid = child_text(error=(InternalError, "malformed uuid element"))
    genid: Uuid | None = irregular(
        "genid", parse=_parse_genid, format=lambda value, _options: [f"<genid>{value}</genid>"]
    )
    title: str | None = child_text()
    description: str | None = child_text()
    metadata: str | None = raw()
    max_memory: MaxMemory | None = child("maxMemory")
    memory_dump_core: OnOff | None = attr("dumpCore", at="memory")
    memory: int = _size("memory", default=0)
    current_memory: int = _size("currentMemory", default=0)
    blkiotune: Blkiotune | None = child()
    memtune: MemoryTune | None = child()
    memory_backing: MemoryBacking | None = child("memoryBacking")
    vcpu: Vcpu = child()
    vcpus: list[VcpuEntry] = children("vcpu", within="vcpus")
    iothreads: Uint | None = child_text(omit=0, error=(XMLError, "invalid iothreads count '%s'"))
    iothreadids: list[IOThreadID] = children("iothread", within="iothreadids")
    defaultiothread: DefaultIOThread | None = child()
    cputune: CPUTune | None = child()
    numatune: Numatune | None = child(only=(XMLError, "only one numatune is supported"))
    resource: Resource | None = child(only=(XMLError, "only one resource element is supported"))
    sysinfos: list[Sysinfo] = children("sysinfo")
    bootloader: str | None = child_text()
    bootloader_args: str | None = child_text()
    os: OS = child()
    idmap: IDMap | None = child()
    features: Features | None = child()
    cpu: CPU | None = child()
    clock: Clock = child()
    on_poweroff: LifecycleAction = _action("on_poweroff", "destroy")
    on_reboot: LifecycleAction = _action("on_reboot", "restart")
    on_crash: LifecycleAction = _action("on_crash", "destroy")
    on_lockfailure: Literal["poweroff", "restart", "pause", "ignore"] | None = child_text(
        error=(ConfigUnsupportedError, "unknown on_lockfailure action: %s")
    )
    pm: PM | None = child()
    perf: Perf | None = child()
    devices: Devices = child(keep_empty=True)
    seclabels: list[SecLabel] = children("seclabel")
    keywrap: KeyWrap | None = child()
    launch_security: LaunchSecurity | None = child("launchSecurity")

    def check(self, options: ParseOptions) -> None:
        super().check(options)
        self._complete()
        self._check_names()
        self._check_actions()
        self._check_memory(update=options.update)
        settle_placement(self)
        self._check_memory_limit()

    def _complete(self) -> None:
        """What the format says about things left out."""
        self.uuid = system_uuid(self.sysinfos, self.uuid or None) or str(uuid4())
        self.seclabels = settled_labels(self.seclabels)
        if self.os is None or self.os.type is None or self.os.type.type is None:
            raise XMLError("an os <type> must be specified")
        self.vcpu = self.vcpu or Vcpu(count=1)
        self.clock = self.clock or Clock()
        self.devices = self.devices or Devices()

    def _check_names(self) -> None:
        if "/" in self.name:
            raise XMLError(f"name {self.name} cannot contain '/'")
        if "\n" in self.name:
            raise XMLDetailError(f"invalid char in name: {chr(10)}")
        if self.title and "\n" in self.title:
            raise XMLError("Domain title can't contain newlines")

    def _check_actions(self) -> None:
        for event, action in (("poweroff", self.on_poweroff), ("reboot", self.on_reboot)):
            if action in _CRASH_ONLY:
                raise ConfigUnsupportedError(f"Lifecycle event '{event}' doesn't support '{action}' action")

    def _check_memory(self, *, update: bool) -> None:
        cells = self.cpu.numa.cells if self.cpu and self.cpu.numa else []
        modules = sum(module.target.size for module in self.devices.memories)
        in_cells = sum(cell.memory for cell in cells)
        if in_cells and (update or not self.memory):
            self.memory = in_cells + modules
        elif modules > self.memory:
            raise XMLError("Total size of memory devices exceeds the total memory size")
        if self.memory == modules:
            raise XMLError("Memory size must be specified via <memory> or in the <numa> configuration")
        if not 0 < self.current_memory <= self.memory:
            self.current_memory = self.memory

    def _check_memory_limit(self) -> None:
        limit = self.max_memory
        if limit is not None and not (limit.size and limit.slots):
            raise XMLError("both maximum memory size and memory slot count must be specified")
        if limit is not None and limit.size and limit.size < self.memory:
            raise XMLError("maximum memory size must be equal or greater than the actual memory size")

    def all_iothread_ids(self) -> list[int]:
        """The ids of all I/O threads, written or not."""
        return [thread.id for thread in self.iothreadids] or list(range(1, (self.iothreads or 0) + 1))
