# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a network `<source>` consists of: servers, credentials that are not secrets, and how to talk to them."""

from __future__ import annotations

import re
from typing import Literal

from conf.binding import Model, ParseOptions, Uint, Ulong, YesNo, attr, child, text
from conf.errors import ConfigUnsupportedError, InvalidArgError, XMLError


class Host(Model):
    """`<host>` of a network source."""

    name: str | None = attr()
    port: Uint | None = attr(omit=0, error=(InvalidArgError, "failed to parse port number '%s'"))
    transport: Literal["tcp", "unix", "rdma"] | None = attr(
        omit="tcp", error=(ConfigUnsupportedError, "unknown protocol transport type '%s'")
    )
    socket: str | None = attr()

    def check(self, options: ParseOptions) -> None:
        if self.port is not None and self.port > 65535:
            raise InvalidArgError(f"port '{self.port}' out of range")
        if self.transport == "unix":
            if self.socket is None:
                raise XMLError("missing socket for unix transport")
            self.name = self.port = None
            return
        if self.socket is not None:
            raise XMLError(f"transport '{self.transport or '(null)'}' does not support socket attribute")
        if self.name is None:
            raise XMLError("missing name for host")


class Cookie(Model):
    """`<cookie>`: sent to a web server; a secret."""

    name: str = attr(required=(XMLError, "missing cookie name"))
    value: str | None = text()

    def check(self, options: ParseOptions) -> None:
        if self.value is None:
            raise XMLError(f"missing value for cookie '{self.name}'")


#: What RFC 6265 lets a cookie consist of.
_COOKIE_NAME = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z|~]+")
_COOKIE_VALUE = re.compile(r'("?)[!#$%&\'()*+\-./0-9:>=<?@A-Z^_`\[\]a-z|~]*\1')


def check_cookies(cookies: list[Cookie]) -> None:
    seen: set[str] = set()
    for cookie in cookies:
        if cookie.name in seen:
            raise XMLError(f"duplicate cookie '{cookie.name}'")
        seen.add(cookie.name)
        if not _COOKIE_NAME.fullmatch(cookie.name):
            raise XMLError(f"cookie name '{cookie.name}' contains invalid characters")
        if not _COOKIE_VALUE.fullmatch(cookie.value or ""):
            raise XMLError(f"value of cookie '{cookie.name}' contains invalid characters")


class Snapshot(Model):
    """`<snapshot>` of an RBD image."""

    name: str = attr(required=True)


class ConfigFile(Model):
    """`<config>` of RBD."""

    file: str = attr(required=True)


class IQN(Model):
    """`<iqn>`."""

    name: str | None = attr()


class Initiator(Model):
    """`<initiator>` of iSCSI."""

    iqn: IQN | None = child()


class SSL(Model):
    """`<ssl>`."""

    verify: YesNo = attr(required=True)


class Readahead(Model):
    """`<readahead>` in bytes."""

    size: Ulong = attr(required=True)


class Timeout(Model):
    """`<timeout>`."""

    seconds: Ulong = attr(required=True)


class Identity(Model):
    """`<identity>` for NFS."""

    user: str | None = attr()
    group: str | None = attr()
