# SPDX-License-Identifier: LGPL-2.1-or-later
"""What of pools is on disk: definitions, autostart links, and which pools are active."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from conf.binding import parse_document
from conf.errors import ConfError
from conf.storage import Pool, format_pool, parse_pool
from drivers.storage.errors import system_error
from drivers.storage.pool import ManagedPool
from drivers.storage.pools import PoolList
from virtd.errors import VirtError
from virtd.host.paths import Paths
from virtd.store import files

log = logging.getLogger(__name__)

#: The first lines of every generated file; the name of the pool is filled in.
_NOTICE = """\
<!--
This file is written by virtd; edits made here are lost when it is written
again. Change the pool by the API instead, for example with: virsh pool-edit {name}
-->

"""


@dataclass(frozen=True, slots=True)
class StoragePaths:
    """The driver's folders."""

    config: Path
    state: Path

    @classmethod
    def of(cls, paths: Paths) -> StoragePaths:
        """Those below the daemon's."""
        return cls(paths.etc / "storage", paths.run / "storage")

    def definition(self, name: str) -> Path:
        return self.config / f"{name}.xml"

    def autostart_link(self, name: str) -> Path:
        return self.config / "autostart" / f"{name}.xml"

    def status(self, name: str) -> Path:
        return self.state / f"{name}.xml"

    @property
    def autostarted(self) -> Path:
        """Is there once pools were started with the host."""
        return self.state / "autostarted"


async def save_definition(paths: StoragePaths, pool: Pool) -> None:
    """Write a pool's definition; when this returns it survives a crash of the host.

    Raises:
        VirtError: SYSTEM_ERROR; nothing was changed.
    """
    path = paths.definition(pool.name)
    data = (_NOTICE.format(name=pool.name.replace("--", "-")) + format_pool(pool)).encode()
    try:
        await asyncio.to_thread(files.write_atomic, path, data)
    except OSError as error:
        raise system_error(f"failed to create file '{path}'", error) from error


async def remove_definition(paths: StoragePaths, name: str) -> None:
    """Remove a pool's definition and autostart link."""
    await asyncio.to_thread(files.remove, paths.autostart_link(name))
    await asyncio.to_thread(files.remove, paths.definition(name))


async def save_autostart(paths: StoragePaths, name: str, *, on: bool) -> None:
    """Make or remove the link that starts the pool with the host.

    Raises:
        VirtError: SYSTEM_ERROR.
    """
    link = paths.autostart_link(name)
    try:
        if on:
            await asyncio.to_thread(files.symlink, paths.definition(name), link)
        else:
            await asyncio.to_thread(files.remove, link)
    except OSError as error:
        raise system_error(f"Failed to create symlink '{link}' to '{paths.definition(name)}'", error) from error


async def save_status(paths: StoragePaths, pool: Pool) -> None:
    """Write down that the pool is active.

    Raises:
        VirtError: SYSTEM_ERROR.
    """
    lines = "".join(f"  {line}\n" for line in format_pool(pool).splitlines())
    data = f"<poolstate>\n{lines}</poolstate>\n".encode()
    path = paths.status(pool.name)
    try:
        await asyncio.to_thread(files.write_atomic, path, data, durable=False)
    except OSError as error:
        raise system_error(f"failed to create file '{path}'", error) from error


async def remove_status(paths: StoragePaths, name: str) -> None:
    """The pool is not active any more."""
    await asyncio.to_thread(files.remove, paths.status(name), durable=False)


def load_all(paths: StoragePaths, pools: PoolList) -> list[ManagedPool]:
    """Load every definition and every active pool's state; blocks.  What cannot be read is set aside.

    Returns:
        The pools that the state says were active.
    """
    for path in _documents(paths.config):
        if (definition := _read(path, _parse_definition)) and (pool := _placed(pools, definition, path)):
            pool.persistent = True
            pool.autostart = paths.autostart_link(pool.name).is_symlink()
    found = []
    for path in _documents(paths.state):
        if (definition := _read(path, _parse_status)) and (pool := _placed(pools, definition, path)):
            pool.redefinition = pool.definition if pool.persistent else None
            pool.definition = definition
            found.append(pool)
    return found


def _documents(folder: Path) -> list[Path]:
    """The documents in a folder, none where it is not there yet."""
    return sorted(p for p in folder.glob("*.xml") if not p.name.startswith(".")) if folder.is_dir() else []


def _parse_definition(data: bytes) -> Pool:
    return parse_pool(data)


def _parse_status(data: bytes) -> Pool:
    element = parse_document(data, "poolstate", what="pool state").find("pool")
    if element is None:
        raise ValueError("it holds no pool")
    return parse_pool(etree.tostring(element))


def _read(path: Path, parse: Callable[[bytes], Pool]) -> Pool | None:
    try:
        definition = parse(path.read_bytes())
        if definition.name != path.stem:
            raise ValueError(f"it is about {definition.name!r}, which its name does not say")
    except (OSError, ValueError, ConfError) as error:
        files.set_aside(path, str(error))
        return None
    return definition


def _placed(pools: PoolList, definition: Pool, path: Path) -> ManagedPool | None:
    """The pool that a file is about."""
    try:
        pool = pools.place(definition)
    except VirtError as error:
        files.set_aside(path, str(error))
        return None
    if pool is None:
        pool = ManagedPool(definition)
        pools.add(pool)
    return pool


def mark_autostarted(paths: StoragePaths) -> bool:
    """Note that pools were started with the host; False when that was noted before.  Blocks."""
    paths.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        paths.autostarted.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        return False
    return True
