# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<source>` of a pool: where its storage comes from."""

from __future__ import annotations

from typing import Literal

from conf.binding import Int, Model, ParseOptions, YesNo, attr, child, child_text, children, on
from conf.domain.devices.encryption import Auth
from conf.errors import ConfigUnsupportedError, XMLError
from conf.storage.adapter import Adapter
from conf.storage.kinds import KINDS, having
from conf.storage.paths import sanitize_path


class PoolHost(Model):
    """`<host>`: a server."""

    name: str = attr(required=(XMLError, "missing storage pool host name"))
    port: Int | None = attr(omit=0)


class PoolDevice(Model):
    """`<device>`."""

    path: str = attr(required=(XMLError, "missing storage pool source device path"))
    part_separator: YesNo | None = attr()


class Initiator(Model):
    """`<initiator>`: who we are to an iSCSI server."""

    iqn: str | None = attr("name", at="iqn", empty_is_unset=True)


class PoolAuth(Auth):
    """`<auth>`."""

    type: Literal["none", "chap", "ceph"] | None = attr(error=(ConfigUnsupportedError, "unknown auth type '%s'"))

    def check(self, options: ParseOptions) -> None:
        if self.type in (None, "none"):
            raise ConfigUnsupportedError("storage pool missing auth type")


class PoolSource(Model):
    """`<source>`; which parts it has depends on the pool's type."""

    hosts: list[PoolHost] = children("host", when=having("host"))
    devices: list[PoolDevice] = children("device", when=having("device"))
    dir: str | None = attr("path", at="dir", when=having("dir"), empty_is_unset=True)
    adapter: Adapter | None = child(when=having("adapter"))
    name: str | None = child_text(when=having("name"))
    initiator: Initiator | None = child(when=having("initiator"))
    format: str | None = attr(
        "type", at="format", when=on("../type", *(t for t, kind in KINDS.items() if kind.formats)), empty_is_unset=True
    )
    auth: PoolAuth | None = child()
    protocol_ver: str | None = attr("ver", at="protocol", empty_is_unset=True)
    vendor: str | None = attr("name", at="vendor", empty_is_unset=True)
    product: str | None = attr("name", at="product", empty_is_unset=True)

    @property
    def has_end_tag(self) -> bool:
        return True

    def check(self, options: ParseOptions) -> None:
        if self.dir is not None:
            self.dir = sanitize_path(self.dir)
        if self.adapter is not None and self.adapter.type is None:
            self.adapter = None
