# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stored definitions: libvirt's files below etc/libvirt/lxc."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from virtd.store import files

if TYPE_CHECKING:
    from drivers.lxc.guest import Guest

#: The first lines of every generated file; the name of the guest is filled in.
NOTICE = """\
<!--
This file is written by virtd; edits made here are lost when it is written
again. Change the guest by the API instead, for example with: virsh -c lxc:///system edit {name}
-->

"""


def with_notice(name: str, xml: str) -> bytes:
    """A document for a file: the notice, then `xml`.  A name with "--" would end the comment early."""
    return (NOTICE.format(name=name.replace("--", "-")) + xml).encode()


async def save_definition(guest: Guest) -> None:
    """Write the guest's definition; when this returns it survives a crash of the host.

    Raises:
        OSError: nothing was changed.
    """
    data = with_notice(guest.name, guest.xml(inactive=True, secure=True))
    await asyncio.to_thread(files.write_atomic, guest.context.paths.definition(guest.name), data)


async def remove_definition(guest: Guest) -> None:
    """Remove the guest's definition and autostart link."""
    paths = guest.context.paths
    await asyncio.to_thread(files.remove, paths.autostart_link(guest.name))
    await asyncio.to_thread(files.remove, paths.definition(guest.name))


async def save_autostart(guest: Guest, *, on: bool) -> None:
    """Make or remove the link that starts the guest with the host."""
    paths = guest.context.paths
    link = paths.autostart_link(guest.name)
    if on:
        await asyncio.to_thread(files.symlink, paths.definition(guest.name), link)
    else:
        await asyncio.to_thread(files.remove, link)
