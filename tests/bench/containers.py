#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Time the starts of containers through the stock client library and print them.

containers.py --uri URI [--rounds N] [--many N]

The root is busybox in a folder of its own.  Needs Debian's python3-libvirt and busybox-static, and root.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import libvirt

libvirt.registerErrorHandler(lambda *_: None, None)
BUSYBOX = "/bin/busybox"
CONNECTIONS = 10


def container_xml(name: str, tree: Path) -> str:
    return f"""<domain type='lxc'><name>{name}</name><memory unit='MiB'>64</memory>
        <os><type>exe</type><init>/bin/sh</init></os><devices><filesystem type='mount'><source dir='{tree}'/>
        <target dir='/'/></filesystem><console type='pty'/></devices></domain>"""


def make_tree(folder: Path) -> Path:
    """A root filesystem with a shell."""
    for name in ("bin", "dev", "proc", "sys"):
        (folder / name).mkdir(parents=True)
    shutil.copy(BUSYBOX, folder / "bin/busybox")
    (folder / "bin/sh").symlink_to("busybox")
    return folder


def one_by_one(conn: libvirt.virConnect, tree: Path, rounds: int) -> None:
    """Median milliseconds of a start and of an end; the controller's size."""
    starts, ends, size = [], [], 0
    for _ in range(rounds):
        began = time.perf_counter()
        domain = conn.createXML(container_xml("bench", tree))
        starts.append(time.perf_counter() - began)
        size = resident(domain.ID())
        began = time.perf_counter()
        domain.destroy()
        ends.append(time.perf_counter() - began)
    print(f"start {statistics.median(starts) * 1000:8.1f} ms (best {min(starts) * 1000:.1f})")
    print(f"destroy {statistics.median(ends) * 1000:6.1f} ms")
    print(f"controller {size:5d} KiB")


def resident(pid: int) -> int:
    """KiB of a process, where it is on this host."""
    path = Path(f"/proc/{pid}/smaps_rollup")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("Rss:")), 0)


def at_once(uri: str, tree: Path, count: int) -> None:
    """Seconds until `count` containers run, over ten connections, and until none does; how many starts failed."""
    connections = [libvirt.open(uri) for _ in range(CONNECTIONS)]
    failed: list[str] = []

    def start(number: int) -> None:
        try:
            connections[number % CONNECTIONS].createXML(container_xml(f"bench{number}", tree))
        except libvirt.libvirtError as error:
            failed.append(str(error))

    def destroy(number: int) -> None:
        connections[number % CONNECTIONS].lookupByName(f"bench{number}").destroy()

    print(f"{count} at once {side_by_side(start, count):6.2f} s, {len(failed)} failed {failed[:1]}")
    print(f"{count} destroyed {side_by_side(destroy, count):4.2f} s")


def side_by_side(work: Callable[[int], None], count: int) -> float:
    """Do something for every number, a thread a connection."""

    def share(first: int) -> None:
        for number in range(first, count, CONNECTIONS):
            work(number)

    threads = [threading.Thread(target=share, args=(first,)) for first in range(CONNECTIONS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--uri", default="lxc:///system")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--many", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="virtd-bench-") as folder:
        os.chmod(folder, 0o755)
        tree = make_tree(Path(folder) / "tree")
        one_by_one(libvirt.open(options.uri), tree, options.rounds)
        at_once(options.uri, tree, options.many)


if __name__ == "__main__":
    main()
