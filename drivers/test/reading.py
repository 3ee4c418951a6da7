# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files that clients name, read as far as these clients may read them themselves."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass

from virtd.calls import Identity
from virtd.errors import Code, VirtError

#: Bytes of a file, and seconds that reading it may take.
MAX_BYTES = 16 << 20
TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads as a user: the kernel then decides, whatever links there are in the path.  Reading blocks."""

    uid: int
    gid: int
    groups: tuple[int, ...]

    @classmethod
    def of(cls, identity: Identity) -> Reader:
        """The one for a caller.

        Raises:
            VirtError: ACCESS_DENIED: who calls is not known, or is somebody we cannot be.
        """
        if identity.uid is None or identity.gid is None:
            raise VirtError(Code.ACCESS_DENIED, "only known users may name a file")
        if os.geteuid() not in (0, identity.uid):
            raise VirtError(Code.ACCESS_DENIED, "files can only be read for the user of the daemon")
        return cls(identity.uid, identity.gid, tuple(_groups(identity.uid, identity.gid)))

    def read(self, path: str) -> bytes:
        """The content of a file.

        Raises:
            VirtError: INTERNAL_ERROR: it cannot be read by this user, or is too large.
        """
        other = os.geteuid() == 0
        try:
            done = subprocess.run(
                ["head", "-c", str(MAX_BYTES + 1), "--", path],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT,
                check=False,
                user=self.uid if other else None,
                group=self.gid if other else None,
                extra_groups=self.groups if other else None,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _unreadable(path, str(error)) from error
        if done.returncode:
            raise _unreadable(path, done.stderr.decode(errors="replace").strip().rpartition(": ")[2])
        if len(done.stdout) > MAX_BYTES:
            raise _unreadable(path, "it is too large")
        return done.stdout


def _groups(uid: int, gid: int) -> list[int]:
    try:
        return os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)
    except KeyError:
        return []


def _unreadable(path: str, why: str) -> VirtError:
    return VirtError(Code.INTERNAL_ERROR, f"cannot read the host description {path}: {why}")
