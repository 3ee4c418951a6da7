# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stored definitions: NAME.xml in a driver's folder, and a link in `autostart/` for what starts with the host."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from lxml import etree

from conf.errors import ConfError
from virtd.errors import Code, VirtError
from virtd.store import files
from virtd.threads import in_thread

#: The first lines of every generated file.
NOTICE = """\
<!--
This file is written by virtd; edits made here are lost when it is written
again. Change the {kind} by the API instead, for example with: virsh {command} {name}
-->

"""

#: What a file that cannot be used raises when it is read.
UNUSABLE = (OSError, ValueError, KeyError, etree.LxmlError, ConfError, VirtError)

T = TypeVar("T")


class Named(Protocol):
    """What a definition shows of itself."""

    @property
    def name(self) -> str: ...


D = TypeVar("D", bound=Named)


@dataclass(frozen=True, slots=True)
class DefinitionFiles:
    """The definitions in `folder`.  `kind` and virsh's `edit` command stand in each file's first lines."""

    folder: Path
    kind: str = "guest"
    edit: str = "edit"

    def path(self, name: str) -> Path:
        """The stored definition of the object called `name`."""
        return self.folder / f"{name}.xml"

    def autostart_link(self, name: str) -> Path:
        """Exists while the object is to be started with the host."""
        return self.folder / "autostart" / f"{name}.xml"

    def with_notice(self, name: str, xml: str) -> bytes:
        """A document for a file.  A name with "--" would end the comment early."""
        harmless = re.sub("--+", "-", name)
        return (NOTICE.format(kind=self.kind, command=self.edit, name=harmless) + xml).encode()

    async def save(self, name: str, xml: str) -> None:
        """Write a definition; when this returns it survives a crash of the host.

        Raises:
            OSError: nothing was changed.
        """
        await in_thread(files.write_atomic, self.path(name), self.with_notice(name, xml))

    async def remove(self, name: str) -> None:
        """Remove a definition and its autostart link."""
        await in_thread(files.remove, self.autostart_link(name))
        await in_thread(files.remove, self.path(name))

    async def set_autostart(self, name: str, *, on: bool) -> None:
        """Make or remove the link that starts the object with the host."""
        if on:
            await in_thread(files.symlink, self.path(name), self.autostart_link(name))
        else:
            await in_thread(files.remove, self.autostart_link(name))

    def load(self, parse: Callable[[bytes], D]) -> Iterator[tuple[D, bool]]:
        """Every stored definition, and whether it starts with the host.  Blocks.

        What cannot be read is set aside; what a killed daemon was writing is removed.
        """
        for entry in _entries(self.folder):
            if entry.name.startswith(files.UNFINISHED):
                os.unlink(entry.path)
        started = {link.name for link in _entries(self.folder / "autostart") if link.is_symlink()}
        for path in documents(self.folder):
            if (found := read_named(path, parse)) is not None:
                yield found, path.name in started


def write_failed(path: Path, error: OSError) -> VirtError:
    """A file could not be written: libvirt's SYSTEM_ERROR."""
    return VirtError(Code.SYSTEM_ERROR, f"Failed to create file '{path}': {os.strerror(error.errno or 0)}")


def documents(folder: Path) -> list[Path]:
    """The documents in a folder, none where it is not there yet.  Blocks."""
    names = [entry.name for entry in _entries(folder) if entry.name.endswith(".xml") and entry.name[0] != "."]
    return [folder / name for name in sorted(names)]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder; nothing where there is none."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def read(path: Path, parse: Callable[[bytes], T]) -> T | None:
    """What a file holds; None: it cannot be used and was set aside.  Blocks."""
    try:
        return parse(files.read_regular(path))
    except UNUSABLE as error:
        files.set_aside(path, str(error))
        return None


def read_named(path: Path, parse: Callable[[bytes], D]) -> D | None:
    """The same of a file that is called after what it is about; a different name makes it of no use.  Blocks."""
    found = read(path, parse)
    if found is not None and found.name != path.stem:
        files.set_aside(path, f"it is about {found.name!r}, which its name does not say")
        return None
    return found
