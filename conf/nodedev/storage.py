# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<capability type='storage'>`: a disk or a drive."""

from __future__ import annotations

from typing import Annotated, Literal

from conf.binding import Model, ParseOptions, Scalar, Ulong, attr, child, child_text
from conf.errors import InternalError
from conf.naming import NAME
from conf.nodedev.values import Capability, Forgiven, counted, nested, one_of

OneOrZero = Annotated[bool, Scalar(lambda text: text == "1", lambda value: "1" if value else "0")]


class Removable(Model):
    """`<capability type='removable'>`: a drive, and the medium in it; sizes in bytes."""

    type: Literal["removable"] = attr(default="removable")
    media_available: OneOrZero = child_text(default=False)
    media_size: Ulong = counted("media_size", "removable media size")
    media_label: str | None = child_text()
    logical_block_size: Forgiven | None = child_text(omit=0)
    num_blocks: Forgiven | None = child_text(omit=0)


class Hotpluggable(Model):
    """`<capability type='hotpluggable'>`."""

    type: Literal["hotpluggable"] = attr(default="hotpluggable")


class StorageCapability(Capability):
    """`<capability type='storage'>`; sizes in bytes, those of a drive are its medium's."""

    type: Literal["storage"] = attr(default="storage")
    block: str = child_text(required=(InternalError, f"no block device path supplied for '{NAME}'"))
    bus: str | None = child_text()
    drive_type: str | None = child_text()
    model: str | None = child_text()
    vendor: str | None = child_text()
    serial: str | None = child_text()
    known: bool | None = nested(
        one_of(
            ("removable", "hotpluggable"),
            f"missing storage capability type for '{NAME}'",
            f"unknown storage capability type '%s' for '{NAME}'",
        )
    )
    removable: Removable | None = child("capability", having=("type", "removable"))
    size: Ulong | None = child_text(error=(InternalError, f"invalid size supplied for '{NAME}'"))
    logical_block_size: Forgiven | None = child_text(omit=0)
    num_blocks: Forgiven | None = child_text(omit=0)
    hotpluggable: Hotpluggable | None = child("capability", having=("type", "hotpluggable"))

    def check(self, options: ParseOptions) -> None:
        if self.removable is not None:
            self.size = self.logical_block_size = self.num_blocks = None
        elif self.size is None:
            raise InternalError(f"no size supplied for '{NAME}'")
