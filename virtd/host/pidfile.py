# SPDX-License-Identifier: LGPL-2.1-or-later
"""The file that holds the daemon's process id, and the lock on it that keeps a second daemon away."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from virtd.errors import Code, From, VirtError


class PidFile:
    """A locked pid file.  The kernel drops the lock with the process, however it ends.

    Raises:
        VirtError: another process holds it, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            while not self._lock():
                pass
            os.ftruncate(self._fd, 0)
            os.write(self._fd, f"{os.getpid()}\n".encode())
        except OSError as error:
            raise _unable(path, error) from error

    def _lock(self) -> bool:
        """Lock the file; False: an ending daemon removed it meanwhile, and the lock is on nothing."""
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(self._fd), os.stat(self.path)):
                return True
        except FileNotFoundError:
            pass
        except OSError:
            os.close(self._fd)
            raise
        os.close(self._fd)
        return False

    def close(self) -> None:
        """Remove the file and drop the lock."""
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        os.close(self._fd)


def _unable(path: Path, error: OSError) -> VirtError:
    remedy = "another daemon of these folders runs" if isinstance(error, BlockingIOError) else None
    text = f"Failed to acquire pid file '{path}': {error.strerror}"
    return VirtError(Code.SYSTEM_ERROR, text, source=From.NONE, remedy=remedy)
