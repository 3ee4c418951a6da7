# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<capability type='vpd'>`: what the maker of a PCI device wrote into it."""

from __future__ import annotations

from typing import Literal

from lxml.etree import _Element

from conf.binding import Model, ParseOptions, attr, child, child_text, children, irregular, text
from conf.errors import XMLError


class VpdField(Model):
    """`<vendor_field>`, `<system_field>`: named by one letter or digit."""

    index: str | None = attr()
    value: str | None = text()


def _settled(fields: list[VpdField]) -> list[VpdField]:
    """Fields without a proper name or a value are passed over; the last value of a name counts, in the first's place."""
    proper = [field for field in fields if field.index is not None and len(field.index) == 1 and field.value]
    return list({field.index: field for field in proper}.values())


class VpdReadonly(Model):
    """`<fields access='readonly'>`."""

    access: Literal["readonly"] = attr(default="readonly")
    change_level: str | None = child_text()
    manufacture_id: str | None = child_text()
    part_number: str | None = child_text()
    serial_number: str | None = child_text()
    vendor_fields: list[VpdField] = children("vendor_field")

    @property
    def has_end_tag(self) -> bool:
        return True

    def check(self, options: ParseOptions) -> None:
        self.vendor_fields = _settled(self.vendor_fields)


class VpdReadwrite(Model):
    """`<fields access='readwrite'>`."""

    access: Literal["readwrite"] = attr(default="readwrite")
    asset_tag: str | None = child_text()
    vendor_fields: list[VpdField] = children("vendor_field")
    system_fields: list[VpdField] = children("system_field")

    @property
    def has_end_tag(self) -> bool:
        return True

    def check(self, options: ParseOptions) -> None:
        self.vendor_fields = _settled(self.vendor_fields)
        self.system_fields = _settled(self.system_fields)


def _check_access(element: _Element, _options: ParseOptions) -> None:
    access = element.get("access")
    if access not in (None, "readonly", "readwrite"):
        raise XMLError(f"Unsupported VPD field access type specified {access}")


class Vpd(Model):
    """`<capability type='vpd'>`: vital product data."""

    type: Literal["vpd"] = attr(default="vpd")
    name: str = child_text(required=(XMLError, "Could not read a device name from the <name> element"))
    access: bool | None = irregular("fields", parse=_check_access, format=lambda _value, _options: [])
    readonly: VpdReadonly | None = child("fields", having=("access", "readonly"))
    readwrite: VpdReadwrite | None = child("fields", having=("access", "readwrite"))
