# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of what only virtio devices can be told."""

from __future__ import annotations

from conf.domain.devices.virtio import VirtioOptions
from conf.errors import ConfigUnsupportedError

_OPTIONS = tuple(VirtioOptions.model_fields)


def refuse_virtio_options(driver: VirtioOptions | None) -> None:
    """Raise ConfigUnsupportedError for virtio options of a device that is not virtio."""
    if driver is None:
        return
    for name in _OPTIONS:
        if getattr(driver, name) is not None:
            words = "option" if name == "page_per_vq" else "driver option"
            raise ConfigUnsupportedError(f"{name} {words} is only supported for virtio devices")
