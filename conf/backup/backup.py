# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<domainbackup>`: a copy of a running guest's disks, pushed by the hypervisor or pulled by a client."""

from __future__ import annotations

from typing import Literal

from conf.backup.disk import BackupDisk
from conf.binding import Model, ParseOptions, Uint, YesNo, attr, child, child_text, children
from conf.domain.devices.storage_private import PrivateObjects
from conf.errors import ConfigUnsupportedError, InvalidArgError, XMLError


class BackupServer(Model):
    """`<server>`: where clients fetch a backup that is pulled."""

    transport: Literal["tcp", "unix", "rdma"] = attr(
        default="tcp", error=(ConfigUnsupportedError, "unknown protocol transport type '%s'")
    )
    tls: YesNo | None = attr()
    name: str | None = attr()
    port: Uint | None = attr(omit=0, error=(InvalidArgError, "failed to parse port number '%s'"))
    socket: str | None = attr()

    def check(self, options: ParseOptions) -> None:
        if self.port is not None and self.port > 65535:
            raise InvalidArgError(f"port '{self.port}' out of range")
        if self.transport == "rdma":
            raise ConfigUnsupportedError("transport rdma is not supported for <server>")
        if self.transport == "unix":
            self._check_socket()
        elif self.socket is not None:
            raise XMLError(f"transport '{self.transport}' does not support socket attribute")
        elif self.name is None:
            raise XMLError("missing name for host")

    def _check_socket(self) -> None:
        self.name = self.port = None
        if self.socket is None:
            raise XMLError("missing socket for unix transport")
        if not self.socket.startswith("/"):
            raise XMLError(f"backup socket path '{self.socket}' must be absolute")


class BackupPrivate(Model):
    """`<privateData>`: QEMU objects that the server uses."""

    objects: PrivateObjects | None = child()


class Backup(Model):
    """`<domainbackup>`; `incremental` names the checkpoint since which changes are copied."""

    mode: Literal["push", "pull"] = attr(default="push", error=(ConfigUnsupportedError, "unknown backup mode '%s'"))
    incremental: str | None = child_text()
    server: BackupServer | None = child()
    disks: list[BackupDisk] = children("disk", within="disks")
    private_data: BackupPrivate | None = child("privateData", status=True)

    def check(self, options: ParseOptions) -> None:
        if self.server is not None and self.mode != "pull":
            raise XMLError("use of <server> requires pull mode backup")
        if not options.status:
            self.private_data = None
