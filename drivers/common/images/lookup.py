# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks and images by the names clients give them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from conf.domain import Domain
from conf.domain.devices.disk import Disk
from conf.domain.lookup import find_disk
from drivers.common.images.layers import Layer, chain
from virtd.enums import DomainBlockCommitFlags as Commit
from virtd.errors import Code, From, VirtError, invalid_arg

#: "vda[3]": the image number 3 of disk vda.
NUMBERED = re.compile(r"(?P<disk>[^\[\]]+)\[(?P<index>\d{1,9})\]", re.ASCII)


def disk_by_name(domain: Domain, name: str) -> Disk:
    """The same.

    Raises:
        VirtError: INVALID_ARG: there is none.
    """
    disk = find_disk(domain, name)
    if disk is None:
        raise invalid_arg(f"disk '{name}' not found in domain")
    return disk


def _missing(text: str) -> VirtError:
    return VirtError(Code.INVALID_ARG, text, source=From.STORAGE)


def find_image(layers: list[Layer], name: str, *, below: Layer | None = None) -> Layer:
    """The image of a chain with this path, or with this number in the form "vda[3]".

    Args:
        below: only images under this one.

    Raises:
        VirtError: INVALID_ARG: there is none.
    """
    disk = layers[0].disk.target.dev
    candidates = layers[layers.index(below) + 1 :] if below is not None else layers
    numbered = NUMBERED.fullmatch(name)
    if numbered and numbered["disk"] == disk:
        found = next((layer for layer in candidates if layer.index == int(numbered["index"])), None)
        missing = f"could not find backing store index '{numbered['index']}' in chain for '{disk}'"
    else:
        found = next((layer for layer in candidates if _same_file(layer, name)), None)
        beneath = f" beneath '{below.path}'" if below is not None else ""
        missing = f"could not find image '{name}'{beneath} in chain for '{disk}'"
    if found is None:
        raise _missing(missing)
    return found


def _same_file(layer: Layer, name: str) -> bool:
    if layer.path is None:
        return False
    return layer.path == name or (os.path.isabs(name) and os.path.realpath(layer.path) == os.path.realpath(name))


def base_image(layers: list[Layer], name: str | None, *, below: Layer) -> Layer:
    """The image that `name` means under `below`; without a name the last one.

    Raises:
        VirtError: INVALID_ARG: there is none.
    """
    if name is not None:
        return find_image(layers, name, below=below)
    under = layers[layers.index(below) + 1 :]
    if not under:
        raise _missing(f"could not find base image in chain for '{layers[0].disk.target.dev}'")
    return under[-1]


def medium_chain(disk: Disk) -> list[Layer]:
    """The images of a disk.  Raises INVALID_ARG for an empty drive."""
    if disk.is_empty:
        raise invalid_arg(f"disk {disk.target.dev} does not have a medium")
    return chain(disk)


def commit_range(disk: Disk, top: str | None, base: str | None, flags: int) -> tuple[Layer, Layer]:
    """The images that a commit goes from and to.

    Raises:
        VirtError: INVALID_ARG: they are not there, or flags say otherwise.
    """
    upper, lower = named_for_commit(disk, top, base, flags)
    return upper, check_commit(disk, upper, lower, flags)


def named_for_commit(disk: Disk, top: str | None, base: str | None, flags: int) -> tuple[Layer, Layer | None]:
    """The images that a commit names; None: it wants the one below the upper one, and there is none.

    Raises:
        VirtError: INVALID_ARG: they are not there.
    """
    layers = medium_chain(disk)
    upper = layers[0] if top is None else find_image(layers, top)
    if base is None and flags & Commit.SHALLOW:
        return upper, next(iter(layers[layers.index(upper) + 1 :]), None)
    return upper, base_image(layers, base, below=upper)


def check_commit(disk: Disk, upper: Layer, lower: Layer | None, flags: int) -> Layer:
    """Whether the flags fit the images, and there is one to commit to: that is returned.

    Raises:
        VirtError: INVALID_ARG.
    """
    layers = medium_chain(disk)
    name = disk.target.dev
    if upper.top and not flags & Commit.ACTIVE:
        raise invalid_arg(f"commit of '{name}' active layer requires active flag")
    if not upper.top and flags & Commit.ACTIVE:
        raise invalid_arg(f"active commit requested but '{upper.path}' is not active")
    if lower is None:
        raise invalid_arg(f"top '{upper.path}' in chain for '{layers[0].path}' has no backing file")
    numbers = [layer.index for layer in layers]
    if flags & Commit.SHALLOW and numbers.index(lower.index) != numbers.index(upper.index) + 1:
        text = f"base '{lower.path}' is not immediately below '{upper.path}' in chain for '{name}'"
        raise invalid_arg(text)
    return lower


def relative_path(names: Iterable[str | None]) -> str:
    """How an image names one far below it so that all can still be moved together.

    Args:
        names: by which the image names the one below it, that one the next, and so on.

    Raises:
        VirtError: OPERATION_INVALID: they cannot be moved together as it is.
    """
    path = ""
    for name in names:
        if name is None or os.path.isabs(name) or ":" in name:
            raise VirtError(Code.OPERATION_INVALID, "can't keep relative backing relationship")
        path = os.path.join(os.path.dirname(path), name)
    return path
