# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every virtio device can be told."""

from __future__ import annotations

from conf.binding import Model, OnOff, attr, child


class VirtioOptions(Model):
    """Attributes of a virtio device's `<driver>`."""

    iommu: OnOff | None = attr()
    ats: OnOff | None = attr()
    packed: OnOff | None = attr()
    page_per_vq: OnOff | None = attr()


class VirtioDevice(Model):
    """A device whose `<driver>` holds virtio options only."""

    driver: VirtioOptions | None = child()
