# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU as an operating system process: started to outlive the daemon, watched and ended by descriptor."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from drivers.common import process
from drivers.common.process import start_ticks
from drivers.qemu.settings import Account
from virtd.errors import Code, VirtError
from virtd.threads import in_thread

__all__ = ["Process", "find_by_argument", "start_ticks"]


def find_by_argument(text: str) -> int | None:
    """The process that was started with an argument that contains `text`, which no other has.  Blocks."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    if os.fsencode(text) in file.read():
                        return int(entry)
            except OSError:  # it ended while we looked
                continue
    return None


class Process(process.Process):
    """One QEMU."""

    @classmethod
    async def spawn(
        cls,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        descriptors: Sequence[int],
        output: int,
        account: Account | None,
    ) -> Process:
        """Start a program in a session of its own, its output going to the descriptor `output`.

        Args:
            descriptors: inherited under the same numbers; they stay open here.
            account: whom it runs as; None: the daemon's own user.

        Raises:
            VirtError: INTERNAL_ERROR, the program cannot be run.
        """
        try:
            child = await in_thread(_spawn, argv, environment, descriptors, output, account)
        except (OSError, subprocess.SubprocessError) as error:
            detail = f"Failed to start QEMU: {argv[0]}: {getattr(error, 'strerror', None) or error}"
            raise VirtError(Code.INTERNAL_ERROR, detail) from error
        return cls(child.pid, start_ticks(child.pid) or 0, os.pidfd_open(child.pid), child)


def _spawn(
    argv: Sequence[str],
    environment: Mapping[str, str],
    descriptors: Sequence[int],
    output: int,
    account: Account | None,
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=descriptors,
        start_new_session=True,
        cwd="/",
        umask=0o002,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=account.groups if account else None,
    )
