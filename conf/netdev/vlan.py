# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<vlan>`: the VLANs whose tags a device's traffic carries."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, ParseOptions, Uint, YesNo, attr, children
from conf.errors import XMLError

HIGHEST_TAG = 4095


class VlanTag(Model):
    """`<tag>`; `native_mode` marks the VLAN of untagged traffic."""

    id: Uint = attr(required=True)
    native_mode: Literal["tagged", "untagged"] | None = attr("nativeMode")

    def check(self, options: ParseOptions) -> None:
        if self.id > HIGHEST_TAG:
            raise XMLError(f"vlan tag id {self.id} too large (maximum {HIGHEST_TAG})")


class Vlan(Model):
    """`<vlan>`; several tags, or a native one, make it a trunk."""

    trunk: YesNo | None = attr(error=(XMLError, "invalid \"trunk='%s'\" in <vlan> - must be yes or no"), omit=False)
    tags: list[VlanTag] = children("tag")

    def check(self, options: ParseOptions) -> None:
        if not self.tags:
            raise XMLError("missing tag id - each <vlan> must have at least one <tag id='n'/> subelement")
        natives = sum(tag.native_mode is not None for tag in self.tags)
        if natives > 1:
            raise XMLError("duplicate native vlan setting")
        if self.trunk is False and len(self.tags) > 1:
            raise XMLError("invalid \"trunk='no'\" in <vlan> - trunk='yes' is required for more than one vlan tag")
        if self.trunk is False and natives:
            raise XMLError("invalid configuration in <vlan> - \"trunk='no'\" is not allowed with a native vlan id")
        if len(self.tags) > 1:
            self.trunk = True
