# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<storagepoolCapabilities>`: which pools there can be, and their formats."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from conf.storage.kinds import IMAGES, KINDS, Kind


def pool_capabilities(startable: Collection[str]) -> str:
    """The document; the pools of `startable` types can be active on this host."""
    lines = ["<storagepoolCapabilities>"]
    for type_, kind in KINDS.items():
        lines.append(f"  <pool type='{type_}' supported='{'yes' if type_ in startable else 'no'}'>")
        if kind.formats:
            default = kind.default_format or kind.formats[0]
            lines += _options("poolOptions", default, "sourceFormatType", kind.formats)
        if kind.volume_formats:
            lines += _options("volOptions", kind.volume_formats[0], "targetFormatType", _volume_formats(kind))
        lines.append("  </pool>")
    return "\n".join((*lines, "</storagepoolCapabilities>", ""))


def _volume_formats(kind: Kind) -> tuple[str, ...]:
    """What is listed: `none` beside images, and nothing where there is no choice."""
    if kind.volume_formats is IMAGES:
        return ("none", *IMAGES)
    return kind.volume_formats if len(kind.volume_formats) > 1 else ()


def _options(tag: str, default: str, enum: str, values: tuple[str, ...]) -> Iterator[str]:
    yield f"    <{tag}>"
    yield f"      <defaultFormat type='{default}'/>"
    yield f"      <enum name='{enum}'>"
    yield from (f"        <value>{value}</value>" for value in values)
    yield "      </enum>"
    yield f"    </{tag}>"
