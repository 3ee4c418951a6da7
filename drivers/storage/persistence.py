# SPDX-License-Identifier: LGPL-2.1-or-later
"""What of pools is on disk: definitions, autostart links, and which pools are active."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from conf.binding import parse_document
from conf.storage import Pool, format_pool, parse_pool
from drivers.common.persistence import DefinitionFiles, documents, read_named
from drivers.storage.errors import system_error
from drivers.storage.pool import ManagedPool
from drivers.storage.pools import PoolList
from virtd.errors import VirtError
from virtd.host.paths import Paths
from virtd.store import files
from virtd.threads import in_thread

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoragePaths:
    """The driver's folders."""

    config: Path
    state: Path

    @classmethod
    def of(cls, paths: Paths) -> StoragePaths:
        """Those below the daemon's."""
        return cls(paths.etc / "storage", paths.run / "storage")

    @property
    def definitions(self) -> DefinitionFiles:
        """The stored definitions, and which pools start with the host."""
        return DefinitionFiles(self.config, kind="pool", edit="pool-edit")

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
    try:
        await paths.definitions.save(pool.name, format_pool(pool))
    except OSError as error:
        raise system_error(f"failed to create file '{paths.definitions.path(pool.name)}'", error) from error


async def save_autostart(paths: StoragePaths, name: str, *, on: bool) -> None:
    """Make or remove the link that starts the pool with the host.

    Raises:
        VirtError: SYSTEM_ERROR.
    """
    stored = paths.definitions
    try:
        await stored.set_autostart(name, on=on)
    except OSError as error:
        text = f"Failed to create symlink '{stored.autostart_link(name)}' to '{stored.path(name)}'"
        raise system_error(text, error) from error


async def save_status(paths: StoragePaths, pool: Pool) -> None:
    """Write down that the pool is active.

    Raises:
        VirtError: SYSTEM_ERROR.
    """
    lines = "".join(f"  {line}\n" for line in format_pool(pool).splitlines())
    data = f"<poolstate>\n{lines}</poolstate>\n".encode()
    path = paths.status(pool.name)
    try:
        await in_thread(files.write_atomic, path, data, durable=False)
    except OSError as error:
        raise system_error(f"failed to create file '{path}'", error) from error


async def remove_status(paths: StoragePaths, name: str) -> None:
    """The pool is not active any more."""
    await in_thread(files.remove, paths.status(name), durable=False)


def load_all(paths: StoragePaths, pools: PoolList) -> list[ManagedPool]:
    """Load every definition and every active pool's state; blocks.  What cannot be read is set aside.

    Returns:
        The pools that the state says were active.
    """
    for definition, autostart in paths.definitions.load(parse_pool):
        if pool := _placed(pools, definition, paths.definitions.path(definition.name)):
            pool.persistent = True
            pool.autostart = autostart
    found = []
    for path in documents(paths.state):
        if (active := read_named(path, _parse_status)) and (pool := _placed(pools, active, path)):
            pool.redefinition = pool.definition if pool.persistent else None
            pool.definition = active
            found.append(pool)
    return found


def _parse_status(data: bytes) -> Pool:
    element = parse_document(data, "poolstate", what="pool state").find("pool")
    if element is None:
        raise ValueError("it holds no pool")
    return parse_pool(etree.tostring(element))


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
