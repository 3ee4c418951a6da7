# SPDX-License-Identifier: LGPL-2.1-or-later
"""-object of the certificates that one end of an encrypted connection shows and asks for."""

from __future__ import annotations

from drivers.qemu.command.line import Props


def credentials_object(id_: str, directory: str, *, server: bool, verify: bool = True) -> Props:
    """`verify`: whether the other end has to show one; a server always has to."""
    return {
        "qom-type": "tls-creds-x509",
        "id": id_,
        "dir": directory,
        "endpoint": "server" if server else "client",
        "verify-peer": verify if server else True,
    }
