# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<privateData>` of a source: how a running QEMU was told about the image; in the daemon's own records only."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, attr, child, child_text, children


class NodeName(Model):
    """`<nodename>`: a block node; "slice-storage" is the part of the container that is the image."""

    type: Literal["storage", "format", "slice-storage"] = attr(required=True)
    name: str = attr(required=True)


class SecretAlias(Model):
    """`<secret>`: the QEMU object that holds a secret."""

    type: Literal["auth", "encryption", "httpcookie", "tlskey"] = attr(required=True)
    alias: str = attr(required=True)


class PrivateObjects(Model):
    """`<objects>`: QEMU objects that came with the image; `tls` holds the certificates."""

    secrets: list[SecretAlias] = children("secret")
    tls: str | None = attr("alias", at="TLSx509")


class ThresholdEvent(Model):
    """`<thresholdEvent>`: a client that asked for one named the image by its index."""

    index_used: Literal["yes"] = attr("indexUsed", default="yes")


class SourcePrivate(Model):
    """`<privateData>` of `<source>`.

    Attributes:
        reservations: the QEMU object that handles persistent reservations.
        rel_path: the path by which the image above names this one, where that is a relative one.
    """

    nodenames: list[NodeName] = children("nodename", within="nodenames")
    reservations: str | None = attr("mgralias", at="reservations")
    rel_path: str | None = child_text("relPath")
    objects: PrivateObjects | None = child()
    threshold: ThresholdEvent | None = child("thresholdEvent")
