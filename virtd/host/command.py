# SPDX-License-Identifier: LGPL-2.1-or-later
"""Running the host's programs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Sequence

from virtd.errors import Code, From, VirtError

#: Bytes of a failed program's complaint that are told.
_SHOWN = 1024


async def run(program: str, *arguments: str, seconds: float) -> bytes:
    """Run a program to its end and return what it wrote; it is killed when it takes too long or the caller is cancelled.

    Raises:
        VirtError: SYSTEM_ERROR, it is not installed; OPERATION_TIMEOUT; INTERNAL_ERROR, it failed.
    """
    argv = [_path_of(program), *arguments]
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)},
    )
    try:
        async with asyncio.timeout(seconds):
            told, said = await process.communicate()
    except TimeoutError:
        raise VirtError(Code.OPERATION_TIMEOUT, f"{' '.join(argv)} takes too long", source=From.NONE) from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        raise _failed(argv, process.returncode, said)
    return told


def _path_of(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        text = f"Cannot find '{program}' in path: No such file or directory"
        raise VirtError(Code.SYSTEM_ERROR, text, source=From.NONE, ints=(2, -1))
    return path


def _failed(argv: Sequence[str], status: int, said: bytes) -> VirtError:
    how = f"exit status {status}" if status > 0 else f"fatal signal {-status}"
    complaint = said[-_SHOWN:].decode(errors="replace")
    text = f"Child process ({' '.join(argv)}) unexpected {how}: {complaint}"
    return VirtError(Code.INTERNAL_ERROR, text, source=From.NONE)
