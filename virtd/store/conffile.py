# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's configuration files: `name = value`, a value being a number, a string or a list of strings."""

from __future__ import annotations

import dataclasses
import logging
import re
from pathlib import Path
from typing import Any

from virtd.errors import Code, From, VirtError

Value = int | str | list[str]


log = logging.getLogger(__name__)

#: A field's type → what is to be written.
_KINDS = {"bool": "0 or 1", "int": "a number", "str": "a string in quotes", "list[str]": "a list of strings in quotes"}


class Found(dict[str, Value]):
    """Name → value; `lines` has the line of each name, for complaints about its value."""

    def __init__(self, file: str = "-") -> None:
        super().__init__()
        self.file = file
        self.lines: dict[str, int] = {}

    def complaint(self, name: str, text: str) -> VirtError:
        """The error that says what is wrong with the value of `name`."""
        return VirtError(Code.CONF_SYNTAX, f"{self.where(name)}: {text}", source=From.CONF)

    def options(self, of: type[Any]) -> dict[str, Any]:
        """The values of a dataclass's fields, each as its field's type; 0 and 1 stand for no and yes.

        What is no field is named in the log: it has no effect.

        Raises:
            VirtError: CONF_SYNTAX, a value is of another kind.
        """
        types = {f.name: str(f.type) for f in dataclasses.fields(of)}
        for name in self.keys() - types.keys():
            log.warning("%s: not known here, it has no effect", self.where(name))
        return {name: self._typed(name, types[name]) for name in types if name in self}

    def _typed(self, name: str, wanted: str) -> Any:
        value = self[name]
        if wanted == "bool" and value in (0, 1):
            return bool(value)
        if wanted == "int" and isinstance(value, int):
            return value
        if wanted == "str" and isinstance(value, str):
            return value
        if wanted == "str | int":
            return value
        if wanted == "list[str]" and isinstance(value, str | list):
            return [value] if isinstance(value, str) else value
        raise self.complaint(name, f"should be {_KINDS[wanted]}")

    def where(self, name: str) -> str:
        """File, line and name."""
        return f"{self.file}:{self.lines[name]}: {name}"


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
        VirtError: CONF_SYNTAX with file and line; SYSTEM_ERROR, the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Found(str(path))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise VirtError(Code.CONF_SYNTAX, f"{path}:{line}: this is not UTF-8", source=From.CONF) from error
    except OSError as error:
        text = f"Failed to open file '{path}': {error.strerror}"
        raise VirtError(Code.SYSTEM_ERROR, text, source=From.CONF) from error
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
        result = Found(self.file)
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
