# SPDX-License-Identifier: LGPL-2.1-or-later
"""The container's /proc/meminfo: what it may use and does use, not what the host has.

It is a file that is written anew whenever somebody opens it: the kernel holds the open back until it was answered here
(fanotify).  Where the host does not let us ask for that, the container sees the host's.
"""

from __future__ import annotations

import os
import struct

from drivers.lxc.controller import kernel

_HOST = "/proc/meminfo"
_EVENT = struct.Struct("=IBBHQii")
_ANSWER = struct.Struct("=iI")
_ALLOW = 1
_BUFFER = 4096

#: Line → the kernel's words in memory.stat whose sum it is.
_SUMS = {
    "Cached": ("cache", "file"),
    "Active": ("active_anon", "active_file"),
    "Inactive": ("inactive_anon", "inactive_file"),
    "Active(anon)": ("active_anon",),
    "Inactive(anon)": ("inactive_anon",),
    "Active(file)": ("active_file",),
    "Inactive(file)": ("inactive_file",),
    "Unevictable": ("unevictable",),
}
_NONE = ("Buffers", "SwapCached", "SwapTotal", "SwapFree", "Slab", "SReclaimable", "SUnreclaim")


class Meminfo:
    """The file `path` with the figures of the control group `group`, a folder of the memory controller."""

    def __init__(self, path: str, group: str) -> None:
        self._group = group
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o444)
        self.fd = kernel.watch_opens(path)
        self._write()

    def answer(self) -> None:
        """Somebody opens the file: write it anew and let them."""
        events = os.read(self.fd, _BUFFER)
        self._write()
        while events:
            length, *_, opened, _pid = _EVENT.unpack_from(events)
            events = events[length:]
            os.write(self.fd, _ANSWER.pack(opened, _ALLOW))
            os.close(opened)

    def _write(self) -> None:
        text = render(_read(_HOST), *self._figures()).encode()
        os.pwrite(self._file, text, 0)
        os.ftruncate(self._file, len(text))

    def _figures(self) -> tuple[int, int, dict[str, int]]:
        """KiB of the limit and in use, bytes by the kernel's words."""
        unified = os.path.exists(f"{self._group}/memory.current")
        names = ("memory.max", "memory.current") if unified else ("memory.limit_in_bytes", "memory.usage_in_bytes")
        limit, used = (_read(f"{self._group}/{name}").strip() for name in names)
        words = (line.split() for line in _read(f"{self._group}/memory.stat").splitlines())
        stat = {word: int(value) for word, value in words}
        return (1 << 53 if limit == "max" else int(limit) // 1024), int(used) // 1024, stat


def render(host: str, limit: int, used: int, stat: dict[str, int]) -> str:
    """The host's lines with the container's figures (KiB)."""
    lines = [line.split() for line in host.splitlines()]
    total = next(int(words[1]) for words in lines if words[0] == "MemTotal:")
    if limit >= total:
        return host
    figures = dict.fromkeys(_NONE, 0)
    figures |= {"MemTotal": limit, "MemFree": max(0, limit - used), "MemAvailable": max(0, limit - used)}
    figures |= {name: sum(stat.get(word, 0) for word in words) // 1024 for name, words in _SUMS.items()}
    return "".join(
        f"{name + ':':<15} {figures[name]:>8} kB\n" if (name := line.partition(":")[0]) in figures else f"{line}\n"
        for line in host.splitlines()
    )


def _read(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read()
