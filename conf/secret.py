# SPDX-License-Identifier: LGPL-2.1-or-later
"""The XML format of secrets."""

from __future__ import annotations

from typing import Any, Literal
from uuid import uuid4

from conf.binding import (
    FormatOptions,
    Model,
    ParseOptions,
    Uuid,
    YesNo,
    attr,
    child,
    child_text,
    format_document,
    on,
    parse_document,
)
from conf.binding.reading import read
from conf.errors import ConfigUnsupportedError, InternalError, XMLError

#: Type of usage → the complaint when it is not said for what.
_MISSING = {
    "volume": "volume usage specified, but volume path is missing",
    "ceph": "Ceph usage specified, but name is missing",
    "iscsi": "iSCSI usage specified, but target is missing",
    "tls": "TLS usage specified, but name is missing",
    "vtpm": "vTPM usage specified, but name is missing",
}


class SecretUsage(Model):
    """`<usage>`: what a secret is for."""

    type: Literal["none", "volume", "ceph", "iscsi", "tls", "vtpm"] = attr(
        required=(XMLError, "unknown secret usage type"),
        empty_is_unset=True,
        error=(ConfigUnsupportedError, "unknown secret usage type %s"),
    )
    volume: str | None = child_text(when=on("type", "volume"))
    target: str | None = child_text(when=on("type", "iscsi"))
    name: str | None = child_text(when=on("type", "ceph", "tls", "vtpm"))

    @property
    def id(self) -> str:
        """What `virSecretGetUsageID` answers: the volume, target or name; "" of type none."""
        return self.volume or self.target or self.name or ""

    def check(self, options: ParseOptions) -> None:
        if self.type != "none" and not self.id:
            raise InternalError(_MISSING[self.type])


def _truth(name: str) -> Any:
    return attr(name, default=False, empty_is_unset=True, error=(XMLError, f"invalid value of '{name}'"))


class SecretDefinition(Model):
    """`<secret>`: what a secret is called, never its value.

    Attributes:
        ephemeral: it is kept in memory only.
        private: its value is never told to a client.
    """

    ephemeral: YesNo = _truth("ephemeral")
    private: YesNo = _truth("private")
    uuid: Uuid = child_text(error=(InternalError, "malformed uuid element"))
    description: str | None = child_text()
    usage: SecretUsage | None = child()

    def check(self, options: ParseOptions) -> None:
        self.uuid = self.uuid or str(uuid4())
        if self.usage is not None and self.usage.type == "none":
            self.usage = None


def parse_secret(xml: str | bytes) -> SecretDefinition:
    """A secret's definition from untrusted XML; a missing UUID is made up.

    Raises:
        ConfError: with libvirt's code and text.
    """
    return read(SecretDefinition, parse_document(xml, "secret", what="definition_of_secret"), ParseOptions())


def format_secret(secret: SecretDefinition) -> str:
    """A secret's XML as libvirt 9.0.0 writes it."""
    return format_document(secret, "secret", FormatOptions())
