# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<idmap>` and `<resource>`: a container's users, and the control group a guest lives in."""

from __future__ import annotations

from conf.binding import Model, Uint, attr, child, child_text, children


class IDMapEntry(Model):
    """`<uid>`, `<gid>`: a range of the container's ids and where it lies on the host."""

    start: Uint = attr(required=True)
    target: Uint = attr(required=True)
    count: Uint = attr(required=True)


class IDMap(Model):
    """`<idmap>`."""

    uids: list[IDMapEntry] = children("uid")
    gids: list[IDMapEntry] = children("gid")


class FibreChannel(Model):
    """`<fibrechannel>`: the application id that the fabric sees."""

    appid: str = attr(required=True)


class Resource(Model):
    """`<resource>`."""

    partition: str | None = child_text()
    fibrechannel: FibreChannel | None = child()
