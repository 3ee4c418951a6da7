# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon's own records hold of a disk beside its images; its place is after all else."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, attr, child, children


class FilterNode(Model):
    """`<nodename>`: the filter that keeps what was read from a backing file."""

    type: Literal["copyOnRead"] = attr(required=True)
    name: str = attr(required=True)


class DiskPrivate(Model):
    """`<privateData>`: where QEMU has the device, and its filter's node."""

    qom: str | None = attr("name", at="qom")
    nodenames: list[FilterNode] = children("nodename", within="nodenames")


class SecretsPlacement(Model):
    """`<diskSecretsPlacement>`: which secrets the document names beside the source and not in it."""

    auth: str | None = attr()
    enc: str | None = attr()


class DiskRecord(Model):
    """The last fields of a disk."""

    private_data: DiskPrivate | None = child("privateData", status=True)
    secrets_placement: SecretsPlacement | None = child("diskSecretsPlacement", status=True)
