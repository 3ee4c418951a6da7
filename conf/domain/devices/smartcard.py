# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<smartcard>`: the host's card reader, certificates, or a reader behind a character device."""

from __future__ import annotations

from typing import Literal

from conf.binding import ParseOptions, attr, child_text, on, texts
from conf.domain.devices.chardev_source import CharacterBackend, CharacterType
from conf.domain.devices.info import DeviceInfo
from conf.errors import ConfigUnsupportedError, XMLError

CERTIFICATES = 3


class Smartcard(CharacterBackend, DeviceInfo):
    """`<smartcard>`."""

    mode: Literal["host", "host-certificates", "passthrough"] = attr(required=True)
    type: CharacterType | None = attr(
        when=on("mode", "passthrough"),
        required=(XMLError, "passthrough mode requires a character device type attribute"),
        error=(ConfigUnsupportedError, "unknown type presented to host for character device: %s"),
    )
    certificates: list[str] = texts("certificate")
    database: str | None = child_text(when=on("mode", "host-certificates"))

    def check(self, options: ParseOptions) -> None:
        if self.mode == "passthrough":
            super().check(options)
        else:
            self.drop_character_device()
        if self.mode != "host-certificates":
            self.certificates = []
        elif len(self.certificates) != CERTIFICATES:
            raise XMLError("host-certificates mode needs exactly three certificates")
        if self.database is not None and not self.database.startswith("/"):
            raise XMLError(f"expecting absolute path: {self.database}")
