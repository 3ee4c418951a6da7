# SPDX-License-Identifier: LGPL-2.1-or-later
"""Making an image inside a running QEMU, so that no format is written by a privileged hand."""

from __future__ import annotations

import asyncio
from typing import Any

from drivers.common.images.layers import Layer
from drivers.qemu.block import commands
from drivers.qemu.monitor import Monitor
from virtd.errors import Code, VirtError

#: Seconds in which an empty image is made, however large.
CREATE_SECONDS = 300.0
#: Formats that note the format of their backing file, too.
WITH_BACKING_FORMAT = frozenset({"qcow2", "qed"})


async def virtual_size(monitor: Monitor, layer: Layer) -> int:
    """Bytes the guest sees of an open image.

    Raises:
        VirtError: INTERNAL_ERROR, it is not open.
    """
    for node in await commands.query_named_block_nodes(monitor):
        if node.get("node-name") == layer.format_node:
            image = node.get("image")
            if isinstance(image, dict) and isinstance(image.get("virtual-size"), int):
                return int(image["virtual-size"])
    text = f"failed to update capacity data for block node '{layer.format_node}'"
    raise VirtError(Code.INTERNAL_ERROR, text)


async def create_format(monitor: Monitor, layer: Layer, size: int, below: Layer | None) -> None:
    """Write the format of an empty image into its open storage node.

    Raises:
        VirtError: QEMU cannot.
    """
    options: dict[str, Any] = {"driver": layer.driver, "file": layer.storage_node, "size": size}
    if below is not None:
        options["backing-file"] = backing_string(below)
        if layer.format in WITH_BACKING_FORMAT:
            options["backing-fmt"] = below.driver
    job = f"create-{layer.format_node}"
    ended = asyncio.Event()

    def heard(name: str, data: dict[str, Any], _seconds: int, _microseconds: int) -> None:
        if name == "JOB_STATUS_CHANGE" and data.get("id") == job and data.get("status") == "concluded":
            ended.set()

    forget = monitor.add_event_listener(heard)
    try:
        await commands.blockdev_create(monitor, job, options)
        async with asyncio.timeout(CREATE_SECONDS):
            await ended.wait()
    except TimeoutError:
        raise VirtError(Code.OPERATION_TIMEOUT, f"creation of image '{layer.path}' does not end") from None
    finally:
        forget()
    found = (await commands.query_jobs(monitor)).get(job)
    await commands.job_dismiss(monitor, job)
    if found is not None and found.error is not None:
        raise VirtError(Code.OPERATION_FAILED, f"failed to format image: '{found.error}'")


def backing_string(layer: Layer) -> str:
    """How an image on top of this one names it.

    Raises:
        VirtError: OPERATION_UNSUPPORTED: it does not lie on this host.
    """
    if layer.path is None:
        raise VirtError(Code.OPERATION_UNSUPPORTED, "network images cannot be named as backing files yet")
    return layer.path
