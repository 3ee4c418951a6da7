# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's ends of a container's consoles: terminals whose masters the controller keeps."""

from __future__ import annotations

import os
from typing import Any

from conf.domain import Domain
from conf.domain.devices.chardev_source import CharacterSource
from virtd.errors import Code, VirtError


def open_all(domain: Domain) -> list[int]:
    """Make a terminal for each console and write its path into the live definition; returns the masters.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, a console of another kind.
    """
    masters: list[int] = []
    try:
        for console in domain.devices.consoles:
            if console.type != "pty":
                raise VirtError(Code.CONFIG_UNSUPPORTED, "Only PTY console types are supported")
            masters.append(_open(console))
    except BaseException:
        for fd in masters:
            os.close(fd)
        raise
    return masters


def _open(console: Any) -> int:
    master, slave = os.openpty()
    try:
        console.source = CharacterSource(path=os.ttyname(slave))
    finally:
        os.close(slave)
    return master


def open_end(domain: Domain, alias: str) -> int:
    """Open the host's end of a console for a client.

    Raises:
        VirtError: INTERNAL_ERROR, there is none of this name; SYSTEM_ERROR, it cannot be opened.
    """
    sources = (console.source for console in domain.devices.consoles if console.alias == alias)
    path = next((source.path for source in sources if source is not None), None)
    if path is None:
        raise VirtError(Code.INTERNAL_ERROR, f"cannot find console device '{alias}'")
    try:
        return os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        text = f"unable to open stream for '{path}': {error.strerror}"
        raise VirtError(Code.SYSTEM_ERROR, text, ints=(error.errno or 0, -1)) from error
