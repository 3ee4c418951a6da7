# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lines of a lxc.conf: `name = value`, where a name may come again and a value goes to the end of its line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from virtd.errors import Code, From, VirtError

_NAME = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)
_QUOTED = re.compile(r'"""(?P<long>.*?)"""|"(?P<double>[^"\n]*)"|\'(?P<single>[^\'\n]*)\'')
_ASSIGNMENT = re.compile(r"[ \t]*=[ \t]*")


class ConfigFile:
    """The settings in the order of the file.

    Raises:
        VirtError: CONF_SYNTAX, with the line.
    """

    def __init__(self, text: str) -> None:
        lines = text.split("\n")
        self.settings = [
            _setting(line, number, is_last=number == len(lines))
            for number, line in enumerate(lines, 1)
            if line.strip() and not line.lstrip().startswith("#")
        ]

    def first(self, *names: str) -> str | None:
        """The first value of the first of these names that is there."""
        for name in names:
            for value in self.all(name):
                return value
        return None

    def all(self, *names: str) -> Iterator[str]:
        """All values of these names."""
        return (value for name, value in self.settings if name in names)


def _setting(line: str, number: int, *, is_last: bool) -> tuple[str, str]:
    line = line.lstrip(" \t").removesuffix("\r")
    name = _NAME.match(line)
    if name is None:
        raise _complaint(number, "expecting a name")
    sign = _ASSIGNMENT.match(line, name.end())
    if sign is None:
        raise _complaint(number, "expecting an assignment")
    value = line[sign.end() :]
    if value[:1] in ("'", '"'):
        value = _unquoted(value, number)
    elif not value and is_last:
        raise _complaint(number, "expecting a value")
    return name[0], value


def _unquoted(value: str, number: int) -> str:
    found = _QUOTED.match(value)
    if found is None:
        raise _complaint(number, "unterminated string")
    rest = value[found.end() :].strip()
    if rest and not rest.startswith("#"):
        raise _complaint(number, "expecting a separator")
    return str(found[str(found.lastgroup)])


def _complaint(number: int, what: str) -> VirtError:
    return VirtError(Code.CONF_SYNTAX, f"memory conf:{number}: {what}", source=From.CONF)
