# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mediated devices, and what can make them."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, ParseOptions, Uint, Uuid, attr, child_text, children
from conf.errors import ConfigUnsupportedError, InternalError, XMLError
from conf.naming import NAME
from conf.nodedev.values import Capability, Forgiven


class MdevType(Model):
    """`<type>`: a kind of mediated device that the parent can make."""

    id: str = attr(
        empty_is_unset=True, required=(XMLError, "missing 'id' attribute for mediated device's <type> element")
    )
    name: str | None = child_text()
    device_api: str | None = child_text("deviceAPI")
    available_instances: Forgiven | None = child_text("availableInstances")

    def check(self, options: ParseOptions) -> None:
        if not self.device_api:
            raise XMLError(f"missing device API for mediated device type '{self.id}'")
        if self.available_instances is None:
            raise XMLError(f"missing number of available instances for mediated device type '{self.id}'")


class MdevTypes(Model):
    """`<capability type='mdev_types'>`."""

    type: Literal["mdev_types"] = attr(default="mdev_types")
    types: list[MdevType] = children("type")


class MdevAttribute(Model):
    """`<attr>`: a setting of a mediated device, as its driver in the kernel names it."""

    name: str | None = attr()
    value: str | None = attr()


class MdevCapability(Capability):
    """`<capability type='mdev'>`: a mediated device, or the wish for one."""

    type: Literal["mdev"] = attr(default="mdev")
    type_id: str = attr(
        "id",
        at="type",
        empty_is_unset=True,
        required=(ConfigUnsupportedError, f"missing type id attribute for '{NAME}'"),
    )
    uuid: Uuid | None = child_text(error=(InternalError, "Invalid uuid '%s' for new mdev device"))
    parent_addr: str | None = child_text()
    iommu_group: Uint | None = attr(
        "number",
        at="iommuGroup",
        empty_is_unset=True,
        error=(InternalError, f"invalid iommuGroup number attribute for '{NAME}'"),
    )
    attributes: list[MdevAttribute] = children("attr")

    def check(self, options: ParseOptions) -> None:
        self.attributes = [a for a in self.attributes if a.name is not None and a.value is not None]
