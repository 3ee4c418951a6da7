# SPDX-License-Identifier: LGPL-2.1-or-later
"""A running guest's access to images that come and go."""

from __future__ import annotations

import os
from collections.abc import Iterable

from drivers.common.images.layers import Layer
from drivers.qemu.guest import Guest
from drivers.qemu.hostside import ownership
from drivers.qemu.runtime import Owner
from drivers.qemu.settings import Account, account
from virtd.threads import in_thread


def whom(guest: Guest) -> Account | None:
    """The account the guest's QEMU runs under; None: the daemon's own."""
    return account(guest.context.settings, privileged=guest.context.env.privileged)


async def grant(guest: Guest, layers: Iterable[Layer]) -> None:
    """Hand the images to the guest's QEMU.

    Raises:
        VirtError: one is not there or cannot be handed over.
    """
    runtime = guest.runtime
    assert runtime is not None
    user = whom(guest)
    for layer in layers:
        if layer.path is not None:
            await in_thread(ownership.give_path, guest, runtime, user, layer.path)


async def revoke(guest: Guest, layers: Iterable[Layer]) -> None:
    """Give the images back to their owners, except those the guest still uses in another place."""
    runtime, live = guest.runtime, guest.live
    assert runtime is not None
    used = set(ownership.file_paths(live)) if live is not None else set()
    paths = {layer.path for layer in layers} - used
    owners = [owner for owner in runtime.owners if owner.path in paths]
    runtime.owners = [owner for owner in runtime.owners if owner.path not in paths]
    await in_thread(_restore, guest, owners)


def _restore(guest: Guest, owners: list[Owner]) -> None:
    for owner in owners:
        ownership.restore_path(guest, owner)


def create_file(path: str, size: int) -> bool:
    """Make an empty image file, if there is none; True when it was made.  Blocks.

    An empty file that is there already is used as it is.

    Raises:
        OSError: it cannot be made.
    """
    made = not os.path.exists(path)
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if made else 0), 0o600)
    try:
        if size:
            os.ftruncate(fd, size)
    finally:
        os.close(fd)
    return made
