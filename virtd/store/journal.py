# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write-ahead records: what an operation of several steps is about to do, and how far it came.

One file an operation.  Its first line is the intent, written durably before anything is done; a line for
each step follows, and the file is removed when all is done.  A line is the CRC-32 of a JSON text and that
text.  What was not completely written before a crash counts as not written, so that a step is written
durably *after* what it states and *before* what relies on it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import re
import secrets
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from virtd.store import files
from virtd.store.faultpoints import fault_point
from virtd.threads import in_thread

log = logging.getLogger(__name__)

SUFFIX = ".journal"
#: Room for the steps, taken up together with the intent: a disk that fills up meanwhile cannot keep an
#: outcome from being written.
ROOM_FOR_STEPS = 16 * 1024
MAX_FILE = 4 * 1024 * 1024
#: What cannot be part of a file's name is left out of it; the record itself holds the full names.
UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(slots=True, frozen=True)
class Step:
    """A step that was reached: its name, when (seconds since 1970), and what there is to remember."""

    name: str
    time: float
    data: dict[str, Any]


@dataclass(slots=True, eq=False)
class Record:
    """An operation that is not over.  `intent` is what it set out to do, `steps` what was reached."""

    path: Path
    operation: str
    intent: dict[str, Any]
    started: float
    steps: list[Step] = field(default_factory=list)
    _end: int = 0
    _noted: bytes = b""

    def step(self, name: str) -> Step | None:
        """The last step of that name, None when it was not reached."""
        return next((s for s in reversed(self.steps) if s.name == name), None)

    def note(self, name: str) -> None:
        """A step that nothing depends on: it is written together with the next one that counts."""
        self._noted += self._add(name, {})
        fault_point(f"{self.operation}:{name}")

    async def reach(self, name: str, data: dict[str, Any] | None = None, *, durable: bool = False) -> None:
        """Write a step.

        Args:
            durable: survive a crash of the host, too.  Else only one of the daemon, which suffices for
                what a host crash makes void, such as the state of a running guest.

        Raises:
            OSError: it could not be written.
        """
        noted = self._noted
        self._noted += self._add(name, data or {})
        try:
            await in_thread(self._append, durable=durable)
        except OSError:
            self._noted = noted
            self.steps.pop()
            raise
        fault_point(f"{self.operation}:{name}")

    def _add(self, name: str, data: dict[str, Any]) -> bytes:
        step = Step(name, time.time(), data)
        self.steps.append(step)
        return _line({"step": name, "time": step.time, "data": data})

    def _append(self, *, durable: bool) -> None:
        """Write what was noted."""
        fd = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            if os.pwrite(fd, self._noted, self._end) != len(self._noted):
                raise OSError(errno.ENOSPC, f"short write to {self.path}")
            if durable:
                os.fdatasync(fd)
        finally:
            os.close(fd)
        self._end += len(self._noted)
        self._noted = b""

    async def close(self) -> None:
        """The operation is over; its record is removed, durably."""
        await in_thread(files.remove, self.path)
        fault_point(f"{self.operation}:closed")


class Journal:
    """The records in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def begin(self, operation: str, subject: str, intent: dict[str, Any]) -> Record:
        """Write an intent, durably.

        Args:
            operation: what is done ("block-pivot"); also the first part of its fault points' names.
            subject: to what; makes the file's name readable.

        Raises:
            OSError: nothing was written, and nothing must be done.
        """
        record = await in_thread(self._create, operation, subject, intent)
        fault_point(f"{operation}:intent")
        return record

    def _create(self, operation: str, subject: str, intent: dict[str, Any]) -> Record:
        fault_point(f"{operation}:begin")
        name = f"{operation}-{UNSAFE.sub('', subject)[:80]}-{secrets.token_hex(4)}{SUFFIX}"
        record = Record(self.folder / name, operation, intent, time.time())
        line = _line({"operation": operation, "time": record.started, "intent": intent})
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            files.sync_folder(self.folder.parent)
        fd = os.open(record.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _reserve(fd, len(line) + ROOM_FOR_STEPS)
            os.pwrite(fd, line, 0)
            os.fsync(fd)
            files.sync_folder(self.folder)
        except BaseException:
            with contextlib.suppress(OSError):
                record.path.unlink()
            raise
        finally:
            os.close(fd)
        record._end = len(line)
        return record

    async def load(self) -> list[Record]:
        """The operations that a former daemon did not end, oldest first; unreadable files are set aside."""
        records = await in_thread(self._load)
        return sorted(records, key=lambda record: record.started)

    def _load(self) -> list[Record]:
        records = []
        for path in sorted(self.folder.glob(f"*{SUFFIX}")) if self.folder.is_dir() else ():
            try:
                record = _read(path)
            except (OSError, LookupError, ValueError, TypeError, RecursionError) as error:
                files.set_aside(path, str(error))
                continue
            if record is None:
                log.info("%s holds no complete intent: its operation was never begun", path)
                files.remove(path)
            else:
                records.append(record)
        return records


def _reserve(fd: int, size: int) -> None:
    """Take up room for `size` bytes, which read as zeros."""
    try:
        os.posix_fallocate(fd, 0, size)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
            raise
        os.pwrite(fd, bytes(size), 0)  # a file system that cannot promise


def _line(content: dict[str, Any]) -> bytes:
    text = json.dumps(content, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _parse_line(line: bytes) -> dict[str, Any]:
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if len(checksum) != 8 or int(checksum, 16) != zlib.crc32(text):
        raise ValueError("a line has the wrong checksum")
    content = json.loads(text)
    if not isinstance(content, dict):
        raise TypeError("a line is not an object")
    return content


def _read(path: Path) -> Record | None:
    """The record in a file; None when not even its intent was completely written."""
    if path.stat().st_size > MAX_FILE:
        raise ValueError("the file is too large")
    lines = path.read_bytes().rstrip(b"\0").splitlines(keepends=True)
    if lines and not lines[-1].endswith(b"\n"):
        lines.pop()
    if not lines:
        return None
    head = _parse_line(lines[0])
    record = Record(path, str(head["operation"]), dict(head["intent"]), float(head["time"]))
    record._end = len(lines[0])
    for number, line in enumerate(lines[1:], 2):
        try:
            content = _parse_line(line)
        except ValueError:
            if number == len(lines):  # the crash came while it was being written
                break
            raise
        record.steps.append(Step(str(content["step"]), float(content["time"]), dict(content["data"])))
        record._end += len(line)
    return record
