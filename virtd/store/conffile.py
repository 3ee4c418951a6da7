# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's configuration files: `name = value`, a value being a number, a string or a list of strings."""

from __future__ import annotations

import re
from pathlib import Path

from virtd.errors import Code, VirtError

Value = int | str | list[str]


class Found(dict[str, Value]):
    """Name → value; `lines` has the line of each name, for complaints about its value."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}


_TOKEN = re.compile(
    r"""
    (?P<space>   (?: \s | \#[^\n]* )+ )
  | (?P<name>    [A-Za-z_][\w-]* )
  | (?P<number>  -?\d+ )
  | \"\"\" (?P<long> .*? ) \"\"\"
  | " (?P<double> [^"\n]* ) "
  | ' (?P<single> [^'\n]* ) '
  | (?P<mark>    [=\[\],] )
    """,
    re.VERBOSE | re.DOTALL,
)


def read(path: Path) -> Found:
    """The settings in `path`; none when there is no such file.

    Raises:
        VirtError: CONF_SYNTAX with file and line; OSError when the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Found()
    except UnicodeDecodeError as error:
        raise VirtError(Code.CONF_SYNTAX, f"{path}: {error}") from error
    return parse(text, str(path))


def parse(text: str, file: str = "-") -> Found:
    """The settings in `text`; a name that occurs again counts anew.  `file` is for messages."""
    return _Parser(text, file).settings()


class _Parser:
    """Reads token after token, one ahead."""

    def __init__(self, text: str, file: str) -> None:
        self.text, self.file, self.at = text, file, 0
        self.kind, self.token = "", ""
        self.advance()

    def advance(self) -> None:
        """Step to the next token, over blanks and comments; `kind` is "" at the end."""
        self.kind, self.token = "", ""
        while self.at < len(self.text):
            found = _TOKEN.match(self.text, self.at)
            if found is None:
                raise self.complaint("unexpected character")
            self.at = found.end()
            kind = str(found.lastgroup)
            if kind != "space":
                self.kind, self.token = kind, found[kind]
                return

    def line(self) -> int:
        """Where the token at hand ends."""
        return self.text.count("\n", 0, self.at) + 1

    def complaint(self, what: str) -> VirtError:
        return VirtError(Code.CONF_SYNTAX, f"{self.file}:{self.line()}: {what}")

    def expect(self, mark: str) -> None:
        if self.token != mark or self.kind != "mark":
            raise self.complaint(f"expecting '{mark}'")
        self.advance()

    def settings(self) -> Found:
        result = Found()
        while self.kind:
            if self.kind != "name":
                raise self.complaint("expecting a name")
            name = self.token
            result.lines[name] = self.line()
            self.advance()
            self.expect("=")
            result[name] = self.value()
        return result

    def value(self) -> Value:
        if self.kind == "mark" and self.token == "[":
            self.advance()
            return self.strings()
        if self.kind == "number":
            number = int(self.token)
            self.advance()
            return number
        return self.string()

    def strings(self) -> list[str]:
        found: list[str] = []
        while not (self.kind == "mark" and self.token == "]"):
            found.append(self.string())
            if not (self.kind == "mark" and self.token == "]"):
                self.expect(",")
        self.advance()
        return found

    def string(self) -> str:
        if self.kind not in ("long", "double", "single"):
            raise self.complaint("expecting a value")
        text = self.token
        self.advance()
        return text
