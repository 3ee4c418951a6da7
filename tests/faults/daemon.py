# SPDX-License-Identifier: LGPL-2.1-or-later
"""A virtd of one's own to kill, and the guest that lives through it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fakes.client import Closed, WireClient
from tests.faults import counter_guest
from virtd.enums import DomainBlockCopyFlags, DomainBlockJobAbortFlags, DomainState
from virtd.errors import VirtError
from virtd.refs import DomainRef
from virtd.store.faultpoints import VARIABLE
from virtd.wire.programs import PROGRAMS

EMULATOR = "qemu-system-x86_64"
QEMU_PROGRAM = next(program for program in PROGRAMS.values() if program.name == "qemu")
URI = "qemu:///system"
NAME = "counter"
START_SECONDS = 40.0

GUEST = """
<domain type='qemu'>
  <name>counter</name>
  <memory unit='MiB'>32</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <on_poweroff>destroy</on_poweroff>
  <devices>
    <emulator>{emulator}</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='{format}'/><source file='{disk}'/><target dev='vda' bus='virtio'/>
    </disk>
    <serial type='file'><source path='{log}'/></serial>
    <video><model type='none'/></video>
    <memballoon model='none'/>
  </devices>
</domain>
"""


class Daemon:
    """virtd as a process below a private root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.process: subprocess.Popen[bytes] | None = None
        self.output = (root / "virtd.out").open("ab")

    async def start(self, fault: str | None = None) -> WireClient:
        """Start it, with a fault point armed, and connect."""
        environment = {k: v for k, v in os.environ.items() if k != VARIABLE} | ({VARIABLE: fault} if fault else {})
        self.process = subprocess.Popen(
            [sys.executable, "-m", "virtd", "--root", str(self.root)],
            env=environment,
            stdout=self.output,
            stderr=self.output,
        )
        return await self.connect()

    async def connect(self) -> WireClient:
        """A new connection, as soon as the daemon takes one."""
        async with asyncio.timeout(START_SECONDS):
            while True:
                assert self.process is not None
                assert self.process.poll() is None, self.words()
                with contextlib.suppress(OSError, Closed):
                    return await self._try_to_connect()
                await asyncio.sleep(0.02)

    async def _try_to_connect(self) -> WireClient:
        client = WireClient.connect(self.root / "run/libvirt/libvirt-sock")
        try:
            return await client.open(URI)
        except BaseException:
            client.close()
            raise

    def words(self) -> str:
        """What it wrote last."""
        return (self.root / "virtd.out").read_text()[-4000:]

    def kill(self) -> None:
        """kill -9, if it still runs."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    async def died(self) -> None:
        """Wait until a fault point has killed it."""
        assert self.process is not None
        async with asyncio.timeout(START_SECONDS):
            while self.process.poll() is None:
                await asyncio.sleep(0.01)
        assert self.process.returncode == -signal.SIGKILL, self.words()

    def close_process(self) -> None:
        """End it as an administrator does."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def close(self) -> None:
        self.close_process()
        self.output.close()


@dataclass
class Seen:
    """What the daemon says of the guest, and what QEMU does.

    `disk` is the path in the XML, `real` the file QEMU's drive works on; `mirror` the file of a copy under
    way in the XML or None, `job` what the job info says, `qemu_jobs` how many jobs QEMU has.
    """

    running: bool
    disk: Path
    stored: Path
    mirror: Path | None
    job: tuple[int, ...]
    real: Path
    qemu_runs: bool
    qemu_jobs: int
    messages: list[str]


class Case:
    """The counting guest under a daemon."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root / "com1"
        self.daemon = Daemon(root)
        self.ref = DomainRef(NAME, bytes(16), -1)
        self.copies = 0

    async def define_and_start(self, client: WireClient, *, overlay: bool) -> None:
        disk = self.root / "disk0"
        counter_guest.make_disk(disk)
        if overlay:
            base, disk = disk, self.root / "overlay"
            command = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(base), "-F", "raw", str(disk)]
            subprocess.run(command, check=True)
        self.log.touch()
        self.log.chmod(0o666)  # QEMU has another user, which opens it anew
        format_ = "qcow2" if overlay else "raw"
        xml = GUEST.format(emulator=shutil.which(EMULATOR), disk=disk, format=format_, log=self.log)
        self.ref = await client.call("DOMAIN_DEFINE_XML_FLAGS", xml, 0)
        await client.call("DOMAIN_CREATE_WITH_FLAGS", self.ref, 0)
        await self.progress()

    async def progress(self) -> None:
        """Wait until the guest has counted on."""
        before = self.count()
        async with asyncio.timeout(START_SECONDS):
            while self.count() <= before:
                await asyncio.sleep(0.02)

    def count(self) -> int:
        return next(reversed(counter_guest.acknowledged(self.log)), 0)

    def next_path(self) -> Path:
        """Where the next copy goes."""
        self.copies += 1
        return self.root / f"disk{self.copies}"

    async def start_copy(self, client: WireClient, path: Path) -> None:
        xml = f"<disk type='file'><driver type='raw'/><source file='{path}'/></disk>"
        await client.call("DOMAIN_BLOCK_COPY", self.ref, "vda", xml, [], DomainBlockCopyFlags.TRANSIENT_JOB)

    async def copy(self, client: WireClient) -> Path:
        """Start a copy and wait until it is ready; returns where it goes."""
        path = self.next_path()
        await self.start_copy(client, path)
        await self.ready(client)
        return path

    async def ready(self, client: WireClient) -> None:
        """Wait until the copy under way is equal."""
        async with asyncio.timeout(START_SECONDS):
            while "ready='yes'" not in await client.call("DOMAIN_GET_XML_DESC", self.ref, 0):
                await asyncio.sleep(0.01)

    async def pivot(self, client: WireClient) -> None:
        await client.call("DOMAIN_BLOCK_JOB_ABORT", self.ref, "vda", DomainBlockJobAbortFlags.PIVOT)

    async def abort(self, client: WireClient) -> None:
        await client.call("DOMAIN_BLOCK_JOB_ABORT", self.ref, "vda", 0)

    async def ask_qemu(self, client: WireClient, command: str) -> Any:
        text = json.dumps({"execute": command})
        reply = await client.call("DOMAIN_MONITOR_COMMAND", self.ref, text, 0, program=QEMU_PROGRAM)
        return json.loads(reply)["return"]

    async def look(self, client: WireClient) -> Seen:
        """Ask the daemon, then QEMU."""
        xml = await client.call("DOMAIN_GET_XML_DESC", self.ref, 0)
        stored = await client.call("DOMAIN_GET_XML_DESC", self.ref, 2)
        state, _reason = await client.call("DOMAIN_GET_STATE", self.ref, 0)
        drives = await self.ask_qemu(client, "query-block")
        mirror = re.search(r"<mirror.*?<source file='([^']+)'.*?</mirror>", xml, re.DOTALL)
        return Seen(
            running=state == DomainState.RUNNING,
            disk=_source(re.sub(r"<mirror.*?</mirror>", "", xml, flags=re.DOTALL)),
            stored=_source(stored),
            mirror=Path(mirror[1]) if mirror else None,
            job=await client.call("DOMAIN_GET_BLOCK_JOB_INFO", self.ref, "vda", 0),
            real=next(Path(d["inserted"]["image"]["filename"]) for d in drives if d.get("inserted")),
            qemu_runs=(await self.ask_qemu(client, "query-status"))["running"],
            qemu_jobs=len(await self.ask_qemu(client, "query-jobs")),
            messages=await client.call("DOMAIN_GET_MESSAGES", self.ref, 0),
        )

    def records(self) -> list[Path]:
        """What is left in the journal."""
        return list(self.root.glob("var/lib/libvirt/**/journal/*"))

    def qemu_pids(self) -> list[int]:
        """The processes that have this case's root in their command line."""
        found = subprocess.run(["pgrep", "-f", f"{EMULATOR}.*{self.root}/"], capture_output=True, check=False)
        return [int(pid) for pid in found.stdout.split()]

    def close(self) -> None:
        self.daemon.close()
        for pid in self.qemu_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.root)


def _source(xml: str) -> Path:
    found = re.search(r"<source file='([^']+)'", xml)
    assert found is not None
    return Path(found[1])


@asynccontextmanager
async def running_case(*, recovery: str | None = None, overlay: bool = False) -> AsyncIterator[tuple[Case, WireClient]]:
    """A daemon with the guest counting under it, on a raw disk or on an overlay of one."""
    # Not below pytest's folder: QEMU's user must be able to pass.
    root = Path(tempfile.mkdtemp(prefix="virtd-faults-", dir="/var/tmp"))
    root.chmod(0o755)
    if recovery:
        conf = root / "etc/libvirt/qemu.conf"
        conf.parent.mkdir(parents=True)
        conf.write_text(f'block_pivot_recovery = "{recovery}"\n')
    case = Case(root)
    try:
        client = await case.daemon.start()
        await case.define_and_start(client, overlay=overlay)
        yield case, client
    finally:
        case.close()


async def settle(case: Case, client: WireClient) -> None:
    """Leave a guest that runs, and no job."""
    seen = await case.look(client)
    if seen.mirror is not None:
        await case.abort(client)
    if not seen.running:
        await client.call("DOMAIN_RESUME", case.ref)
    await case.progress()


async def outlived(call: asyncio.Future[Any] | asyncio.Task[Any]) -> bool:
    """Whether a call was answered well before the daemon died."""
    try:
        async with asyncio.timeout(START_SECONDS):
            await call
    except (VirtError, Closed):
        return False
    return True
