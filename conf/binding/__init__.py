# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a field stands in XML, said once: parse and format follow from the declaration.

    class Target(Model):
        dev: str = attr(required=True)
        bus: Literal["ide", "virtio"] | None = attr()
        removable: OnOff | None = attr()

    class Disk(Model):
        type: Literal["file", "block"] = attr(default="file")
        target: Target | None = child()
        readonly: bool = flag()
        serial: str | None = child_text()

`docs/conf.md` has the whole vocabulary.
"""

from conf.binding.document import FormatOptions, ParseOptions, parse_document
from conf.binding.fields import (
    Complaint,
    attr,
    child,
    child_text,
    children,
    flag,
    irregular,
    on,
    raw,
    text,
    texts,
    without,
)
from conf.binding.model import Model
from conf.binding.scalars import (
    LLONG_MAX,
    MEMORY,
    Hex,
    Int,
    Natural,
    OnOff,
    Positive,
    Scalar,
    Scale,
    Uint,
    Ulong,
    Uuid,
    YesNo,
    natural,
    number,
)
from conf.binding.writing import escape, format_document

__all__ = [
    "LLONG_MAX",
    "MEMORY",
    "Complaint",
    "FormatOptions",
    "Hex",
    "Int",
    "Model",
    "Natural",
    "OnOff",
    "ParseOptions",
    "Positive",
    "Scalar",
    "Scale",
    "Uint",
    "Ulong",
    "Uuid",
    "YesNo",
    "attr",
    "child",
    "child_text",
    "children",
    "escape",
    "flag",
    "format_document",
    "irregular",
    "natural",
    "number",
    "on",
    "parse_document",
    "raw",
    "text",
    "texts",
    "without",
]
