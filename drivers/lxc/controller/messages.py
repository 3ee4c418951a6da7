# SPDX-License-Identifier: LGPL-2.1-or-later
"""JSON between daemon and controller, a line a message.

The json package brings regular expressions along, which would cost a third of the controller's start; the
accelerators that it is made of do not.  Where an interpreter has none, the package it is.
"""

from __future__ import annotations

import os
from _socket import SOL_SOCKET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SCM_RIGHTS = 1
#: The longest line that is taken.
MAX_LINE = 1 << 20

try:
    from _json import encode_basestring_ascii, make_scanner
except ImportError:  # pragma: no cover - another interpreter than CPython
    import json

    def loads(text: str) -> Any:
        """A value from its text.  Raises ValueError."""
        return json.loads(text)

    def dumps(value: Any) -> str:
        """A value's text."""
        return json.dumps(value)

else:

    class _Plain:
        """What the scanner asks for: everything as JSON has it."""

        strict = True
        object_hook = None
        object_pairs_hook = None
        parse_float = float
        parse_int = int
        parse_constant = float
        memo: dict[str, str] = {}

    _WORDS = {True: "true", False: "false", None: "null"}
    _scan = make_scanner(_Plain)  # type: ignore[arg-type]  # any object with these attributes does

    def loads(text: str) -> Any:
        """A value from its text.  Raises ValueError."""
        try:
            value, end = _scan(text, 0)
        except StopIteration:
            raise ValueError("not JSON") from None
        if text[end:].strip():
            raise ValueError("more than one value")
        return value

    def dumps(value: Any) -> str:
        """A value's text; dicts, lists, texts, whole numbers, truths and None only."""
        if isinstance(value, str):
            return encode_basestring_ascii(value)
        if isinstance(value, dict):
            return "{" + ",".join(f"{encode_basestring_ascii(k)}:{dumps(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list | tuple):
            return "[" + ",".join(dumps(item) for item in value) + "]"
        return _WORDS[value] if value is None or isinstance(value, bool) else str(int(value))


def ancillary_descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    """The descriptors that came with a message; no program run from here on inherits them."""
    found: list[int] = []
    for level, kind, numbers in ancillary:
        if (level, kind) == (SOL_SOCKET, _SCM_RIGHTS):
            found += [int.from_bytes(numbers[i : i + 4], "little") for i in range(0, len(numbers) // 4 * 4, 4)]
    for fd in found:
        os.set_inheritable(fd, False)
    return found


class Lines:
    """Cuts what arrives into messages.

    Raises:
        ValueError: from `feed`, a line that is no message or has no end.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Any]:
        """The messages that are complete now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE:
            raise ValueError("endless line")
        return [loads(line.decode()) for line in lines if line]


def line(message: dict[str, Any]) -> bytes:
    """A message as it is sent."""
    return dumps(message).encode() + b"\n"
