# SPDX-License-Identifier: LGPL-2.1-or-later
"""Making and resizing image files with qemu-img."""

from __future__ import annotations

import os
from collections.abc import Iterator

from conf.storage import Volume
from drivers.storage.errors import system_error, unsupported
from drivers.storage.probing import note_owner_and_times
from virtd.errors import Code, From, VirtError, invalid_arg
from virtd.host.command import run

#: A qcow2 image that does not say its version is of the first: every QEMU reads it, and it has none of the features.
OLDEST_COMPAT = "0.10"
#: Seconds: an image is made in no time unless its blocks are; copies read everything.
MAKE_SECONDS = 3600.0
COPY_SECONDS = 24 * 3600.0


def check(volume: Volume, *, metadata: bool) -> None:
    """Refuse an image that qemu-img could not make as it is asked for.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, NO_SUPPORT, INVALID_ARG, SYSTEM_ERROR (the backing store cannot be read).
    """
    target = volume.target
    if metadata and target.format != "qcow2":
        raise unsupported(f"metadata preallocation is not supported for {target.format} volumes")
    if target.features and "lazy_refcounts" in target.features and target.compat == "0.10":
        raise unsupported("lazy_refcounts not supported with compat level 0.10")
    if target.format == "ploop":
        raise VirtError(Code.INTERNAL_ERROR, "unable to find ploop, please install ploop tools")
    _check_encryption(volume)
    _check_backing(volume)


def _check_encryption(volume: Volume) -> None:
    """No image is encrypted without its secret."""
    encryption = volume.target.encryption
    if encryption is None:
        return
    if len(encryption.secrets) != 1:
        text = "A single <secret type='passphrase'...> element is expected in encryption description"
        raise invalid_arg(text)
    secret = encryption.secrets[0]
    what = f"uuid '{secret.uuid}'" if secret.uuid else f"usage '{secret.usage}'"
    raise VirtError(Code.NO_SECRET, f"no secret with matching {what}", source=From.SECRET)


def _check_backing(volume: Volume) -> None:
    backing, target = volume.backing_store, volume.target
    if backing is None or backing.path is None:
        return
    if target.format in ("raw", "dir"):
        raise VirtError(Code.NO_SUPPORT, f"backing storage not supported for {target.format} volumes")
    path = os.path.join(os.path.dirname(target.path or ""), backing.path)
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
        note_owner_and_times(backing, os.stat(path))
    except OSError as error:
        raise system_error(f"inaccessible backing store volume {backing.path}", error) from error


def _options(volume: Volume, *, metadata: bool) -> list[str]:
    """The -o with all options of the format."""
    options = list(_qcow2_options(volume, metadata=metadata)) if volume.target.format == "qcow2" else []
    if volume.backing_store is not None:
        options.insert(0, f"backing_fmt={volume.backing_store.format or 'raw'}")
    return ["-o", ",".join(options)] if options else []


def _qcow2_options(volume: Volume, *, metadata: bool) -> Iterator[str]:
    target = volume.target
    if metadata:
        yield f"preallocation={'metadata' if volume.allocation < volume.capacity else 'falloc'}"
    if target.nocow:
        yield "nocow=on"
    yield f"compat={target.compat or OLDEST_COMPAT}"
    if target.cluster_size:
        yield f"cluster_size={target.cluster_size}"
    for feature in target.features or ():
        yield f"{feature}=on"


def _tool_format(volume: Volume) -> str:
    """What qemu-img calls the format: an ISO image is a raw one to it."""
    return "raw" if volume.target.format in (None, "iso") else volume.target.format


async def create(volume: Volume, *, metadata: bool) -> None:
    """Make an image at the volume's path.

    Raises:
        VirtError: it cannot be made.
    """
    backing = volume.backing_store
    await run(
        "qemu-img",
        "create",
        *("-f", _tool_format(volume)),
        *(("-b", backing.path) if backing and backing.path else ()),
        *_options(volume, metadata=metadata),
        volume.target.path or "",
        *((f"{-(-volume.capacity // 1024)}K",) if volume.capacity or backing is None else ()),
        seconds=MAKE_SECONDS,
    )


async def convert(source: Volume, volume: Volume, *, metadata: bool) -> None:
    """Make an image with the content of another.

    Raises:
        VirtError: it cannot be made.
    """
    await run(
        "qemu-img",
        "convert",
        *("-f", _tool_format(source)),
        *("-O", _tool_format(volume)),
        *_options(volume, metadata=metadata),
        source.target.path or "",
        volume.target.path or "",
        seconds=COPY_SECONDS,
    )


async def resize(volume: Volume, capacity: int) -> None:
    """Change an image's capacity, in bytes.

    Raises:
        VirtError: the format cannot do this.
    """
    shrink = ("--shrink",) if capacity < volume.capacity else ()
    path = volume.target.path or ""
    await run(
        "qemu-img",
        "resize",
        *shrink,
        *("-f", _tool_format(volume)),
        path,
        str(capacity),
        seconds=MAKE_SECONDS,
    )
