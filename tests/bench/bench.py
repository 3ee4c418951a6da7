#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Time virtd's everyday work through the stock client library and print it.

bench.py [--uri URI] [--rounds N] [--only NAME,...]

Without --uri a daemon is started under a private root and ended afterwards.  Needs Debian's python3-libvirt, hence
the system's interpreter.  Guests boot nothing: they sit in the firmware.  A row is the median over the rounds.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator

import libvirt

libvirt.registerErrorHandler(lambda *_: None, None)
VIRTD = pathlib.Path(__file__).parents[2] / ".venv/bin/virtd"
PREFIX = "virtd-bench-"
Timing = float


def timed(work: Callable[[], object], units: int = 1) -> Timing:
    """Seconds for one of `units`."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) / units


def guest_xml(number: int = 0, disks: str = "") -> str:
    name = f"{PREFIX}{number}"
    accelerator = "kvm" if os.access("/dev/kvm", os.W_OK) else "qemu"
    return f"""<domain type='{accelerator}'><name>{name}</name><uuid>{uuid.uuid5(uuid.NAMESPACE_OID, name)}</uuid>
        <memory unit='MiB'>32</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>
        <devices>{disks}<video><model type='none'/></video></devices></domain>"""


def scsi_disks(count: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = [(letters[i // 26 - 1] if i >= 26 else "") + letters[i % 26] for i in range(count)]
    return "".join(
        f"<disk type='file'><source file='/nowhere/{n}'/><target dev='sd{n}' bus='scsi'/></disk>" for n in names
    )


def wipe(conn: libvirt.virConnect) -> None:
    for domain in conn.listAllDomains():
        if domain.name().startswith(PREFIX):
            for end in (domain.destroy, domain.undefine):
                with contextlib.suppress(libvirt.libvirtError):
                    end()


@contextlib.contextmanager
def guests(conn: libvirt.virConnect, count: int, *, running: bool) -> Iterator[list[libvirt.virDomain]]:
    domains = [conn.defineXML(guest_xml(i)) for i in range(count)]
    try:
        if running:
            for domain in domains:
                domain.create()
        yield domains
    finally:
        wipe(conn)


def connect(conn: libvirt.virConnect) -> Timing:
    uri = conn.getURI()
    return timed(lambda: [libvirt.open(uri).close() for _ in range(20)], 20)


def ping(conn: libvirt.virConnect) -> Timing:
    return timed(lambda: [conn.getLibVersion() for _ in range(2000)], 2000)


def define(conn: libvirt.virConnect) -> Timing:
    with guests(conn, 0, running=False):
        return timed(lambda: [conn.defineXML(guest_xml(i)) for i in range(100)], 100)


def define_100_disks(conn: libvirt.virConnect) -> Timing:
    with guests(conn, 0, running=False):
        return timed(lambda: [conn.defineXML(guest_xml(0, scsi_disks(100))) for _ in range(5)], 5)


def dumpxml_100_disks(conn: libvirt.virConnect) -> Timing:
    with guests(conn, 0, running=False):
        domain = conn.defineXML(guest_xml(0, scsi_disks(100)))
        return timed(lambda: [domain.XMLDesc() for _ in range(50)], 50)


def list_500(conn: libvirt.virConnect) -> Timing:
    with guests(conn, 500, running=False):
        return timed(lambda: [conn.listAllDomains() for _ in range(10)], 10)


def stats_500_inactive(conn: libvirt.virConnect) -> Timing:
    with guests(conn, 500, running=False):
        return timed(lambda: [conn.getAllDomainStats() for _ in range(3)], 3)


def start(conn: libvirt.virConnect) -> Timing:
    with guests(conn, 1, running=False) as (domain,):
        return timed(domain.create)


def start_8_at_once(conn: libvirt.virConnect) -> Timing:
    with guests(conn, 8, running=False) as domains:
        threads = [threading.Thread(target=d.create) for d in domains]
        return timed(lambda: ([t.start() for t in threads], [t.join() for t in threads]))


def destroy(conn: libvirt.virConnect) -> Timing:
    with guests(conn, 1, running=True) as (domain,):
        return timed(domain.destroy)


def suspend_resume(conn: libvirt.virConnect) -> Timing:
    with guests(conn, 1, running=True) as (domain,):
        return timed(lambda: [(domain.suspend(), domain.resume()) for _ in range(50)], 100)


def stats_8_running(conn: libvirt.virConnect) -> Timing:
    with guests(conn, 8, running=True):
        return timed(lambda: [conn.getAllDomainStats() for _ in range(10)], 10)


def hung_guest(conn: libvirt.virConnect) -> Timing:
    """Bulk statistics while one of four QEMUs is stopped."""
    with guests(conn, 4, running=True) as domains:
        pid = int(
            subprocess.run(
                ["pgrep", "-f", f"guest={domains[0].name()},"], capture_output=True, check=True
            ).stdout.split()[0]
        )
        os.kill(pid, signal.SIGSTOP)
        try:
            return timed(lambda: conn.getAllDomainStats(0, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT))
        finally:
            os.kill(pid, signal.SIGCONT)


def block_pivot(conn: libvirt.virConnect) -> Timing:
    """The call that pivots a running guest's disk to its ready mirror."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, guests(conn, 0, running=False):
        os.chmod(folder, 0o755)
        source, copy = f"{folder}/a", f"{folder}/b"
        with open(source, "wb") as file:
            file.truncate(8 << 20)
        disk = f"<disk type='file'><driver name='qemu' type='raw'/><source file='{source}'/><target dev='vda' bus='virtio'/></disk>"
        domain = conn.createXML(guest_xml(0, disk))
        domain.blockCopy(
            "vda",
            f"<disk type='file'><source file='{copy}'/><driver type='raw'/></disk>",
            {},
            libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB,
        )
        for _ in range(500):
            if "ready='yes'" in domain.XMLDesc():
                break
            time.sleep(0.02)
        return timed(lambda: domain.blockJobAbort("vda", libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT))


TASKS: tuple[Callable[[libvirt.virConnect], Timing], ...] = (
    connect, ping, define, define_100_disks, dumpxml_100_disks, list_500, stats_500_inactive,
    start, start_8_at_once, destroy, suspend_resume, stats_8_running, hung_guest, block_pivot,
)  # fmt: skip


@contextlib.contextmanager
def own_daemon() -> Iterator[str]:
    """A virtd below a private root; yields its URI and prints its memory at the end."""
    with tempfile.TemporaryDirectory(prefix="virtd-bench-") as root:
        os.chmod(root, 0o755)
        daemon = subprocess.Popen([VIRTD, "--root", root])
        uri = f"qemu+unix:///system?socket={root}/run/libvirt/libvirt-sock"
        try:
            for _ in range(100):
                with contextlib.suppress(libvirt.libvirtError):
                    libvirt.open(uri).close()
                    break
                time.sleep(0.1)
            yield uri
            status = pathlib.Path(f"/proc/{daemon.pid}/status").read_text()
            print(next(line for line in status.splitlines() if line.startswith("VmRSS")))
        finally:
            daemon.terminate()
            daemon.wait(30)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uri")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    only = [name for name in options.only.split(",") if name]
    with contextlib.nullcontext(options.uri) if options.uri else own_daemon() as uri:
        for task in TASKS:
            if not only or task.__name__ in only:
                conn = libvirt.open(uri)
                row = statistics.median(task(conn) for _ in range(options.rounds))
                conn.close()
                print(f"{task.__name__:22} {row * 1e3:12.3f} ms", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
