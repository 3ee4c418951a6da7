# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<encryption>` and `<auth>` of storage, and the secrets they name."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, ParseOptions, Uint, attr, child, children, on
from conf.binding.scalars import BadValueError, parse_uuid
from conf.errors import ConfigUnsupportedError, XMLError


class Secret(Model):
    """`<secret>`: by UUID or by usage, never both."""

    type: str | None = attr()
    usage: str | None = attr()
    uuid: str | None = attr()

    def check(self, options: ParseOptions) -> None:
        if self.usage is None and self.uuid is None:
            raise XMLError("missing secret uuid or usage attribute")
        if self.usage is not None and self.uuid is not None:
            raise XMLError("either secret uuid or usage expected")
        if self.uuid is not None:
            try:
                self.uuid = parse_uuid(self.uuid)
            except BadValueError:
                raise XMLError(f"invalid secret uuid '{self.uuid}'") from None


class EncryptionSecret(Secret):
    """`<secret>` of `<encryption>`."""

    type: Literal["passphrase"] | None = attr(
        required=(XMLError, "unknown volume encryption secret type"),
        error=(ConfigUnsupportedError, "unknown volume encryption secret type %s"),
        empty_is_unset=True,
    )


class Cipher(Model):
    """`<cipher>` of a LUKS volume."""

    name: str = attr(required=(XMLError, "cipher info missing 'name' attribute"))
    size: Uint = attr(required=True)
    mode: str | None = attr()
    hash: str | None = attr()


class IVGenerator(Model):
    """`<ivgen>` of a LUKS volume."""

    name: str | None = attr()
    hash: str | None = attr()


class Encryption(Model):
    """`<encryption>`; with what only LUKS lets its maker choose."""

    format: Literal["default", "qcow", "luks", "luks2"] = attr(
        required=(XMLError, "unknown volume encryption format"),
        error=(ConfigUnsupportedError, "unknown volume encryption format type %s"),
    )
    engine: Literal["qemu", "librbd"] | None = attr()
    secrets: list[EncryptionSecret] = children("secret")
    cipher: Cipher | None = child(when=on("format", "luks"))
    ivgen: IVGenerator | None = child(when=on("format", "luks"))

    def check(self, options: ParseOptions) -> None:
        if self.ivgen is not None and self.cipher is None:
            raise XMLError("ivgen element found, but cipher is missing")
        if self.ivgen is not None and self.ivgen.name is None:
            raise XMLError("missing ivgen info name string")

    @property
    def has_end_tag(self) -> bool:
        return True


class Auth(Model):
    """`<auth>`: who we are to a storage server."""

    username: str = attr(required=(XMLError, "missing username for auth"))
    secret: Secret = child(required=(XMLError, "Missing <secret> element in auth"))
