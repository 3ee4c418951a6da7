# SPDX-License-Identifier: LGPL-2.1-or-later
"""A command line as it grows, and the two ways QEMU takes values: comma lists and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conf.domain.extensions import QemuProperty

#: Properties of a device, an object or a back end, in the order in which they are written.
Props = dict[str, Any]

#: A part of a comma list: a word, or a name with a value; without one it is left out.
Option = str | tuple[str, object | None]

_NEEDS_QUOTES = re.compile(r"[\r\t\n !\"#$&'()*;<>?\[\\\]^`{|}~]")


def props(values: Mapping[str, Any]) -> Props:
    """The properties that have a value, in order."""
    return {name: value for name, value in values.items() if value is not None}


def positive(number: int | None) -> int | None:
    """A number of which 0 says nothing."""
    return number or None


def on_off(value: bool | None) -> str | None:
    """yes and no where QEMU wants a word rather than a JSON boolean."""
    return None if value is None else "on" if value else "off"


def dump_json(value: Any) -> str:
    """JSON without a needless character."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def escape_comma(text: str) -> str:
    """A value within a comma list."""
    return text.replace(",", ",,")


def comma_list(parts: Iterable[Option]) -> str:
    """`word,name=value,…`; pairs without a value are left out, commas in values doubled."""
    written = (
        part if isinstance(part, str) else f"{part[0]}={escape_comma(_word(part[1]))}"
        for part in parts
        if isinstance(part, str) or part[1] is not None
    )
    return ",".join(written)


def _word(value: object) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


@dataclass(slots=True)
class CommandLine:
    """What to execute.

    `fds` are the descriptors that the arguments name; the child must inherit them.  `overrides`: alias of a
    device → what the user changed about it.
    """

    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)
    fds: list[int] = field(default_factory=list)
    overrides: dict[str, list[QemuProperty]] = field(default_factory=dict)

    def add(self, *words: str) -> None:
        """An option and its value."""
        self.argv.extend(words)

    def add_json(self, option: str, value: Props) -> None:
        """An option whose value is an object."""
        self.argv += (option, dump_json(value))

    def add_objects(self, objects: Iterable[Props]) -> None:
        """-object for each."""
        for properties in objects:
            self.add_json("-object", properties)

    def add_list(self, option: str, *parts: Option) -> None:
        """An option whose value is a comma list."""
        self.argv += (option, comma_list(parts))

    def as_shell(self) -> str:
        """One line that a shell would understand (`virConnectDomainXMLToNative`)."""
        return " ".join([*(f"{name}={quote(value)}" for name, value in self.env.items()), *map(quote, self.argv)])


def quote(word: str) -> str:
    """A word for a shell, in quotes only where it must be."""
    if word and not _NEEDS_QUOTES.search(word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"
