# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each emulator is probed once: when first asked about, and again when it or the host changed."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from errno import EACCES, ENOENT
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from drivers.qemu.capabilities.arch import ARCHES, host_arch, kvm_can_run
from drivers.qemu.capabilities.emulators import find_emulator
from drivers.qemu.capabilities.model import Capabilities, Summary
from drivers.qemu.capabilities.probe import ProbeError, probe, probe_summary
from drivers.qemu.cpu.host import CpuInfo
from virtd.errors import Code, VirtError
from virtd.store.files import write_atomic
from virtd.tasks import TaskOwner
from virtd.threads import in_thread

log = logging.getLogger(__name__)

#: How long an emulator that failed is left alone: it may have been the host's fault.
RETRY_SECONDS = 60.0
#: Seconds for which an emulator is taken to be what it was when it was last looked at.
FRESH_SECONDS = 1.0

#: Of the files on disk.  To be raised whenever what is probed or derived changes.
FORMAT = 3

Found = TypeVar("Found", bound=Summary)

#: The answer, or why there is none: a shared task must not fail, or its failure would be logged again.
_Outcome = tuple[Found | None, ProbeError | None]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an answer depends on: the emulator's file, its modules, and whether and on what KVM runs."""

    format: int
    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    modules_mtime_ns: int
    kvm: bool
    kernel: str
    microcode: str


class _File(BaseModel, Generic[Found]):
    model_config = ConfigDict(extra="forbid")

    stamp: Stamp
    capabilities: Found


_TRIPLET = f"{os.uname().machine}-linux-gnu"
_MODULE_FOLDERS = ("/usr/lib/qemu", "/usr/lib64/qemu", f"/usr/lib/{_TRIPLET}/qemu")


def _modules_mtime() -> int:
    """When modules of emulators were last added or removed: they change what the emulator can do."""
    newest = 0
    for folder in _MODULE_FOLDERS:
        try:
            newest = max(newest, os.stat(folder).st_mtime_ns)
        except OSError:
            continue
    return newest


@cache
def _host() -> tuple[str, str]:
    """Kernel and microcode, which do not change while the daemon runs."""
    system = os.uname()
    return f"{system.release} {system.version}", CpuInfo.read().fields.get("microcode", "")


def kvm_usable() -> bool:
    """Whether this process may open the kernel's virtual machine device."""
    return os.access("/dev/kvm", os.R_OK | os.W_OK)


def take_stamp(path: str, *, kvm: bool) -> Stamp:
    """The present stamp of an emulator.

    Raises:
        OSError: it cannot be looked at.
    """
    found = os.stat(path)
    kernel, microcode = _host()
    return Stamp(
        format=FORMAT,
        path=path,
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
        ctime_ns=found.st_ctime_ns,
        modules_mtime_ns=_modules_mtime(),
        kvm=kvm,
        kernel=kernel,
        microcode=microcode,
    )


class _Shelf(Generic[Found]):
    """One kind of answer: in memory, on disk, or by a probe that all who ask meanwhile share."""

    def __init__(
        self,
        folder: Path,
        file: type[_File[Found]],
        ask: Callable[[str], Awaitable[Found]],
        tasks: TaskOwner,
    ) -> None:
        self._folder = folder
        self._file = file
        self._ask = ask
        self._tasks = tasks
        self._known: dict[str, tuple[Stamp, Found]] = {}
        self._failed: dict[str, tuple[Stamp, float, ProbeError]] = {}
        self._running: dict[Stamp, asyncio.Task[_Outcome[Found]]] = {}

    def known(self, path: str, stamp: Stamp | None = None) -> Found | None:
        """What was found the last time (for `stamp`, where given), without looking again."""
        entry = self._known.get(path)
        return entry[1] if entry and stamp in (None, entry[0]) else None

    async def get(self, stamp: Stamp) -> Found:
        """The answer for the emulator as it is now.

        Raises:
            ProbeError: it cannot be used; it is not tried again until its stamp changes or some time has passed.
        """
        known, failed = self._known.get(stamp.path), self._failed.get(stamp.path)
        if known is not None and known[0] == stamp:
            return known[1]
        if failed is not None and failed[0] == stamp and time.monotonic() < failed[1]:
            raise failed[2]
        task = self._running.get(stamp)
        if task is None:
            task = self._running[stamp] = self._tasks.spawn(self._find(stamp), f"capabilities of {stamp.path}")
            task.add_done_callback(lambda _: self._running.pop(stamp, None))
        found, error = await asyncio.shield(task)
        if error is not None:
            raise error
        assert found is not None
        return found

    async def _find(self, stamp: Stamp) -> _Outcome[Found]:
        found = await in_thread(self._load, stamp)
        if found is None:
            try:
                found = await self._ask(stamp.path)
            except ProbeError as error:
                log.warning("%s", error)
                self._failed[stamp.path] = (stamp, time.monotonic() + RETRY_SECONDS, error)
                return None, error
            await self._save(stamp, found)
        self._known[stamp.path] = (stamp, found)
        return found, None

    def _path(self, emulator: str) -> Path:
        return self._folder / f"{hashlib.sha256(os.fsencode(emulator)).hexdigest()}.json"

    def _load(self, stamp: Stamp) -> Found | None:
        path = self._path(stamp.path)
        try:
            saved = self._file.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            log.warning("%s is not usable and will be written anew: %s", path, str(error).partition("\n")[0])
            return None
        return saved.capabilities if saved.stamp == stamp else None

    async def _save(self, stamp: Stamp, found: Found) -> None:
        content = self._file(stamp=stamp, capabilities=found).model_dump_json().encode()
        try:
            await in_thread(write_atomic, self._path(stamp.path), content, durable=False)
        except OSError as error:
            log.warning("the capabilities of %s could not be saved: %s", stamp.path, error)


def _unusable(path: str, number: int) -> VirtError:
    return VirtError(Code.SYSTEM_ERROR, f"Cannot check QEMU binary {path}: {os.strerror(number)}")


class CapabilitiesCache:
    """Capabilities of the emulators of this host.  Implements `drivers.qemu.facts.HostFacts`."""

    def __init__(self, folder: Path, tasks: TaskOwner) -> None:
        """Keep files in `folder` (of its own); `tasks` owns the probes."""
        self.host_arch = host_arch()
        self._turn = asyncio.Semaphore(os.cpu_count() or 1)
        self._full = _Shelf(folder, _File[Capabilities], self._probe, tasks)
        self._brief = _Shelf(folder / "summary", _File[Summary], self._probe_summary, tasks)
        #: Path → until when (by the monotonic clock) the last answer is given again, and that answer.
        self._fresh: dict[str, tuple[float, Capabilities]] = {}

    async def get(self, path: str) -> Capabilities:
        """All about the emulator at `path`.

        Raises:
            VirtError: INTERNAL_ERROR, it cannot be used.
        """
        until, found = self._fresh.get(path, (0.0, None))
        if found is None or until < time.monotonic():
            found = await self._full.get(self._stamp(path))
            self._fresh[path] = (time.monotonic() + FRESH_SECONDS, found)
        return found

    async def summary(self, path: str) -> Summary:
        """What the host's capabilities tell of it; found faster than `get` unless that was called before.

        Raises:
            VirtError: as `get`.
        """
        stamp = self._stamp(path)
        known = self._full.known(path, stamp)
        return known if known is not None else await self._brief.get(stamp)

    def known(self, path: str) -> Capabilities | None:
        """The result of the last `get`, for those who cannot wait."""
        return self._full.known(path)

    def emulator_for(self, arch: str) -> str | None:
        """Path of the emulator for guests of `arch`; None if there is none."""
        return find_emulator(arch, self.host_arch)

    def _stamp(self, path: str) -> Stamp:
        try:
            stamp = take_stamp(path, kvm=kvm_usable())
        except OSError as error:
            raise _unusable(path, error.errno or ENOENT) from None
        if not os.access(path, os.X_OK):
            raise _unusable(path, EACCES)
        return stamp

    async def _probe(self, path: str) -> Capabilities:
        async with self._turn:
            return await probe(path, self.host_arch, kvm=self._may_have_kvm(path))

    async def _probe_summary(self, path: str) -> Summary:
        async with self._turn:
            return await probe_summary(path, self.host_arch, kvm=self._may_have_kvm(path))

    def _may_have_kvm(self, path: str) -> bool:
        """Whether it is worth asking for KVM: an emulator of a foreign architecture has none."""
        foreign = {a.qemu for a in ARCHES.values() if not kvm_can_run(self.host_arch, a.name)}
        return kvm_usable() and os.path.basename(path).removeprefix("qemu-system-") not in foreign
