# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<teaming>`: two devices that are one for the guest, so that the assigned one may go away."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, ParseOptions, attr
from conf.errors import ConfigUnsupportedError


class Teaming(Model):
    """`<teaming>`; the transient device names its persistent partner's alias."""

    type: Literal["persistent", "transient"] | None = attr(error=(ConfigUnsupportedError, "unknown teaming type '%s'"))
    persistent: str | None = attr()

    def check(self, options: ParseOptions) -> None:
        if self.type == "transient" and self.persistent is None:
            raise ConfigUnsupportedError("teaming persistent attribute must be set if teaming type is 'transient'")
        if self.type == "persistent" and self.persistent is not None:
            raise ConfigUnsupportedError("teaming persistent attribute not allowed if teaming type is 'persistent'")
