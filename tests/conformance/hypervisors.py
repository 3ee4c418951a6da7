# SPDX-License-Identifier: LGPL-2.1-or-later
"""The drivers that the suite runs over.  A new driver is a line of `HYPERVISORS`."""

from __future__ import annotations

import os
import re
import shutil
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.conformance.calls import CALLS
from tests.integration.conftest import BOOT_SECTOR, QEMU
from virtd.enums import (
    DomainEventDefinedDetailType,
    DomainEventID,
    DomainEventResumedDetailType,
    DomainEventShutdownDetailType,
    DomainEventStartedDetailType,
    DomainEventStoppedDetailType,
    DomainEventSuspendedDetailType,
    DomainEventType,
    DomainEventUndefinedDetailType,
)

Event = tuple[object, ...]


def _lifecycle(type_: int, detail: int) -> Event:
    return int(DomainEventID.LIFECYCLE), int(type_), int(detail)


_TYPE = DomainEventType
DEFINED = _lifecycle(_TYPE.DEFINED, DomainEventDefinedDetailType.ADDED)
REDEFINED = _lifecycle(_TYPE.DEFINED, DomainEventDefinedDetailType.UPDATED)
UNDEFINED = _lifecycle(_TYPE.UNDEFINED, DomainEventUndefinedDetailType.REMOVED)
RENAMED = (
    _lifecycle(_TYPE.UNDEFINED, DomainEventUndefinedDetailType.RENAMED),
    _lifecycle(_TYPE.DEFINED, DomainEventDefinedDetailType.RENAMED),
)
BOOTED = _lifecycle(_TYPE.STARTED, DomainEventStartedDetailType.BOOTED)
RESTORED = _lifecycle(_TYPE.STARTED, DomainEventStartedDetailType.RESTORED)
PAUSED = _lifecycle(_TYPE.SUSPENDED, DomainEventSuspendedDetailType.PAUSED)
UNPAUSED = _lifecycle(_TYPE.RESUMED, DomainEventResumedDetailType.UNPAUSED)
DESTROYED = _lifecycle(_TYPE.STOPPED, DomainEventStoppedDetailType.DESTROYED)
POWERED_OFF = _lifecycle(_TYPE.STOPPED, DomainEventStoppedDetailType.SHUTDOWN)
SAVED = _lifecycle(_TYPE.STOPPED, DomainEventStoppedDetailType.SAVED)

_FINISHED_BY_HOST = _lifecycle(_TYPE.SHUTDOWN, DomainEventShutdownDetailType.HOST)
_FINISHED_BY_GUEST = _lifecycle(_TYPE.SHUTDOWN, DomainEventShutdownDetailType.GUEST)
_UNPAUSED_BY_RESTORE = _lifecycle(_TYPE.RESUMED, DomainEventResumedDetailType.FROM_SNAPSHOT)


#: What a driver may lack besides functions: guests are started paused, end with the connection that started them,
#: are still there after a restart of the daemon, go on running meanwhile, have ids that nobody had before.
START_PAUSED, AUTODESTROY = "start paused", "autodestroy"
KEEPS_STORED, KEEPS_RUNNING = "keeps stored guests", "keeps running guests"
COUNTS_IDS = "counts ids"

ALL_FUNCTIONS = frozenset(call.function for call in CALLS) | {"virConnectGetAllDomainStats", "virDomainCreateXML"}
#: All that a driver may lack.
KNOWN = ALL_FUNCTIONS | {START_PAUSED, AUTODESTROY, KEEPS_STORED, KEEPS_RUNNING, COUNTS_IDS}


@dataclass(frozen=True)
class Events:
    """What clients are told, in order, of each thing that happens to a guest."""

    start: tuple[Event, ...] = (BOOTED,)
    start_paused: tuple[Event, ...] = (BOOTED, PAUSED)
    destroy: tuple[Event, ...] = (DESTROYED,)
    shutdown: tuple[Event, ...] = (POWERED_OFF,)
    save: tuple[Event, ...] = (SAVED,)
    restore: tuple[Event, ...] = (RESTORED,)


def scheme(uri: str) -> str:
    """Which driver a URI means."""
    return re.split("[+:]", uri)[0]


@dataclass(frozen=True)
class Hypervisor:
    """A driver as the suite needs to know it.

    Attributes:
        uri: the URI of a local connection.
        xml: a small guest; `{name}`, `{uuid}`, `{extra}` (elements after the uuid) and `{folder}` are filled in.
        lacks: functions that it does not have; each must be refused as not supported.
        unfinished: functions that it does not have yet, though libvirt's own driver has them.
        events: its manner of telling.
        needs: programs without which it cannot be tested.
        prepare: makes what a guest of this name needs in a folder.
    """

    uri: str
    xml: str
    lacks: frozenset[str] = frozenset()
    unfinished: frozenset[str] = frozenset()
    events: Events = field(default_factory=Events)
    needs: tuple[str, ...] = ()
    prepare: Callable[[Path, str], object] = lambda folder, name: None

    def __post_init__(self) -> None:
        assert self.lacks | self.unfinished <= KNOWN, "nobody asks for that"

    @property
    def name(self) -> str:
        return scheme(self.uri)

    def has(self, *functions: str) -> bool:
        """Whether the driver has all of these functions."""
        return not (self.lacks | self.unfinished).intersection(functions)

    def missing(self) -> str:
        """What this host lacks for a test of it."""
        tools = [tool for tool in self.needs if shutil.which(tool) is None]
        return f"needs {', '.join(tools)}" if tools else ""


def _boot_disk(folder: Path, name: str) -> None:
    """A disk whose sector obeys the power button."""
    path = folder / f"{name}.img"
    path.write_bytes(BOOT_SECTOR.ljust(1 << 20, b"\0"))
    path.chmod(0o666)


def _busybox(folder: Path, name: str) -> None:
    """A root with a shell, once for each name."""
    root = folder / name
    if root.exists():
        return
    for inside in ("bin", "dev", "proc", "sys", "tmp"):
        (root / inside).mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "", root / "bin" / "busybox")
    for command in ("sh", "sleep"):
        (root / "bin" / command).symlink_to("busybox")


def _guest(type_: str, system: str, devices: str = "") -> str:
    return textwrap.dedent(f"""\
        <domain type='{type_}'>
          <name>{{name}}</name>
          <uuid>{{uuid}}</uuid>{{extra}}
          <memory unit='MiB'>32</memory>
          <vcpu>1</vcpu>
          <os>{system}</os>
          <features><acpi/></features>
          <devices>{devices}</devices>
        </domain>""")


_BOOT_DISK = (
    f"<emulator>{QEMU}</emulator><disk type='file' device='disk'><driver name='qemu' type='raw'/>"
    "<source file='{folder}/{name}.img'/><target dev='vda' bus='virtio'/></disk>"
)

_SAVES = frozenset({"virDomainSave", "virDomainSaveFlags", "virDomainManagedSave", "virDomainCoreDump"})
_SNAPSHOTS = frozenset({"virDomainSnapshotNum", "virDomainListAllSnapshots", "virDomainListAllCheckpoints"})
_JOBS = frozenset({"virDomainGetJobInfo", "virDomainGetJobStats", "virDomainAbortJob"})

TEST = Hypervisor(
    "test:///default",
    _guest("test", "<type>hvm</type>"),
    lacks=frozenset({KEEPS_STORED, KEEPS_RUNNING}),
)
_QEMU = Hypervisor(
    "qemu:///system",
    _guest("qemu", "<type arch='x86_64' machine='q35'>hvm</type>", _BOOT_DISK),
    events=Events(
        start=(UNPAUSED, BOOTED),
        destroy=(_FINISHED_BY_HOST, DESTROYED),
        shutdown=(_FINISHED_BY_GUEST, POWERED_OFF),
        save=(PAUSED, SAVED),
        restore=(RESTORED, _UNPAUSED_BY_RESTORE),
    ),
    needs=(QEMU,),
    unfinished=_SAVES | _SNAPSHOTS | {"virDomainGetSchedulerType", "virDomainPMSuspendForDuration"},
    prepare=_boot_disk,
)

_ROOT = "<filesystem type='mount'><source dir='{folder}/{name}'/><target dir='/'/></filesystem><console type='pty'/>"
_INIT = "<init>/bin/sh</init><initarg>-c</initarg><initarg>trap exit TERM; trap '' HUP; sleep 1000 &amp; wait</initarg>"

_LXC = Hypervisor(
    "lxc:///system",
    _guest("lxc", f"<type>exe</type>{_INIT}", _ROOT),
    lacks=_JOBS
    | _SAVES
    | _SNAPSHOTS
    | {
        START_PAUSED,
        COUNTS_IDS,  # they are numbers of processes, which the kernel uses again
        "virConnectGetAllDomainStats",
        "virDomainGetControlInfo",
        "virDomainGetMessages",
        "virDomainGetVcpusFlags",
        "virDomainInjectNMI",
        "virDomainManagedSaveRemove",
        "virDomainPMSuspendForDuration",
        "virDomainPMWakeup",
        "virDomainRename",
        "virDomainReset",
        "virDomainSendKey",
        "virDomainSetVcpus",
        "virDomainSetVcpusFlags",
    },
    needs=("busybox",),
    prepare=_busybox,
)

#: The example of docs/writing-a-driver.md, which comes from a package of its own.
_PROGRAM = Hypervisor(
    "program:///system",
    _guest("uml", "<type>exe</type><init>/bin/sleep</init><initarg>1000</initarg>"),
    lacks=frozenset({START_PAUSED, AUTODESTROY, KEEPS_RUNNING})
    | ALL_FUNCTIONS
    - {
        "virDomainCreate",
        "virDomainCreateWithFlags",
        "virDomainDestroy",
        "virDomainDestroyFlags",
        "virDomainGetAutostart",
        "virDomainGetInfo",
        "virDomainGetOSType",
        "virDomainGetState",
        "virDomainGetXMLDesc",
        "virDomainIsActive",
        "virDomainIsPersistent",
        "virDomainIsUpdated",
        "virDomainResume",
        "virDomainSetAutostart",
        "virDomainSuspend",
        "virDomainUndefine",
        "virDomainUndefineFlags",
    },
)

#: The URI of a real libvirtd's connection: then the suite judges itself, by libvirt's own driver.
REAL = os.environ.get("VIRTD_CONFORMANCE_URI", "")


def _real(found: Hypervisor) -> Hypervisor:
    return replace(found, uri=REAL, unfinished=frozenset())


_ALL = (TEST, _QEMU, _LXC, _PROGRAM)
HYPERVISORS = tuple(_real(h) for h in _ALL if scheme(REAL) == h.name) if REAL else _ALL
