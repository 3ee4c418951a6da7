# SPDX-License-Identifier: LGPL-2.1-or-later
"""Telling when a guest writes beyond a point of an image."""

from __future__ import annotations

from typing import Any

from conf.domain import Domain
from drivers.common.images.changes import images
from drivers.common.images.layers import Layer
from drivers.common.images.lookup import NUMBERED
from drivers.qemu.block import commands
from drivers.qemu.feature import Feature
from drivers.qemu.guest import Guest
from virtd.enums import DomainEventID
from virtd.errors import Code, VirtError, invalid_arg


def find_layer(domain: Domain, name: str) -> Layer:
    """The image that "vda" (the top one) or "vda[3]" means.

    Raises:
        VirtError: INVALID_ARG, there is none.
    """
    numbered = NUMBERED.fullmatch(name)
    target, index = (numbered["disk"], int(numbered["index"])) if numbered else (name, None)
    disk = next((disk for disk in domain.devices.disks if disk.target.dev == target), None)
    if disk is not None and disk.is_empty:
        raise VirtError(Code.INTERNAL_ERROR, "argument key 'node-name' must not have null value")
    layers = images(disk) if disk is not None else []
    found = next((layer for layer in layers if (layer.top if index is None else layer.index == index)), None)
    if found is None:
        raise invalid_arg(f"failed to find disk '{name}'")
    return found


async def set_threshold(guest: Guest, name: str, threshold: int) -> None:
    """Have QEMU tell, once, when the guest writes beyond `threshold` bytes; 0: no more.

    Raises:
        VirtError: no such image, or QEMU refused.
    """
    layer = find_layer(guest.require_active(), name)
    await commands.block_set_write_threshold(guest.monitor, layer.storage_node, threshold)
    assert guest.runtime is not None
    numbered = guest.runtime.block.numbered_thresholds
    (numbered.add if NUMBERED.fullmatch(name) else numbered.discard)(layer.storage_node)


class Thresholds(Feature):
    """QEMU's word that a threshold was passed, for clients."""

    def on_event(self, guest: Guest, name: str, data: dict[str, Any]) -> None:
        threshold, excess = data.get("write-threshold"), data.get("amount-exceeded")
        if name != "BLOCK_WRITE_THRESHOLD" or not (isinstance(threshold, int) and isinstance(excess, int)):
            return
        layers = (layer for disk in guest.require_active().devices.disks for layer in images(disk))
        layer = next((layer for layer in layers if layer.storage_node == data.get("node-name")), None)
        if layer is None:
            return
        target = layer.disk.target.dev or ""
        by_number = guest.runtime is not None and layer.storage_node in guest.runtime.block.numbered_thresholds
        names = [target] if layer.top and not by_number else []
        for one in [*names, f"{target}[{layer.index}]"]:
            guest.emit(DomainEventID.BLOCK_THRESHOLD, one, layer.path, threshold, excess)
