# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<idmap>` and `<resource>`: a container's users, and the control group a guest lives in."""

from __future__ import annotations

from conf.binding import Model, ParseOptions, Uint, attr, child, child_text, children
from conf.errors import ConfigUnsupportedError, InternalError, InvalidArgError, XMLError

_LONGEST_APPID = 128
_INVALID = (XMLError, "invalid idmap start/target/count settings")


class IDMapEntry(Model):
    """`<uid>`, `<gid>`: a range of the container's ids and where it lies on the host."""

    start: Uint = attr(required=_INVALID, error=_INVALID)
    target: Uint = attr(required=_INVALID, error=_INVALID)
    count: Uint = attr(required=_INVALID, error=_INVALID)


class IDMap(Model):
    """`<idmap>`."""

    uids: list[IDMapEntry] = children("uid")
    gids: list[IDMapEntry] = children("gid")

    def check(self, options: ParseOptions) -> None:
        if bool(self.uids) != bool(self.gids):
            raise ConfigUnsupportedError("uid and gid should be mapped both")


class FibreChannel(Model):
    """`<fibrechannel>`: the application id that the fabric sees."""

    appid: str = attr(required=(InternalError, "a fibrechannel element needs an 'appid'"), empty_is_unset=True)

    def check(self, options: ParseOptions) -> None:
        if len(self.appid) > _LONGEST_APPID:
            raise InvalidArgError(f"Fibre Channel 'appid' string length must be between [1, {_LONGEST_APPID}]")


class Resource(Model):
    """`<resource>`."""

    partition: str | None = child_text()
    fibrechannel: FibreChannel | None = child()

    def check(self, options: ParseOptions) -> None:
        if self.partition is None and self.fibrechannel is None:
            raise InternalError("missing resource partition attribute")
