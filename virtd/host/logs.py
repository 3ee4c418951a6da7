# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the log goes and what is in it, in libvirt's terms: a level, filters, outputs.

Levels are 1 debug, 2 info, 3 warning, 4 error.  A filter is "level:match", where `match` is part of a
logger's name, shell wildcards allowed; the first that matches counts.  An output is "level:stderr",
"level:journald", "level:file:PATH" or "level:syslog:NAME".  Several stand with blanks between.
"""

from __future__ import annotations

import fnmatch
import logging
import logging.handlers
import os
import sys
from collections.abc import Callable
from importlib import import_module

from virtd.errors import Code, From, VirtError

LEVELS = {1: logging.DEBUG, 2: logging.INFO, 3: logging.WARNING, 4: logging.ERROR}

_DIGITS = {str(level) for level in LEVELS}

_FORMAT = "%(asctime)s: %(process)d: %(levelname)s : %(name)s: %(message)s"


class Logs:
    """The log of this process.

    Raises:
        VirtError: a filter or an output is none, or cannot be opened (also `set_filters`, `set_outputs`).
    """

    def __init__(self, level: int, filters: str, outputs: str) -> None:
        self._digit = level
        self._level = LEVELS[level]
        self._levels: dict[str, int] = {}  # logger's name → what it must reach
        self._handlers: list[logging.Handler] = []
        self.filters = ""
        self.outputs = ""
        self.set_filters(filters)
        self.set_outputs(outputs)

    def set_filters(self, filters: str) -> None:
        """Replace the filters; "" means none."""
        parsed = parse_filters(filters)
        self._filters = [(LEVELS[digit], pattern) for digit, pattern in parsed]
        self._levels.clear()
        self.filters = " ".join(f"{digit}:{pattern}" for digit, pattern in parsed)
        logging.getLogger().setLevel(min([self._level, *(level for level, _ in self._filters)]))

    def set_outputs(self, outputs: str) -> None:
        """Replace the outputs; "" means the default one."""
        wanted = outputs or default_output(self._digit)
        handlers: list[logging.Handler] = []
        try:
            handlers.extend(_open_output(*parsed) for parsed in parse_outputs(wanted))
        except VirtError:
            for handler in handlers:
                handler.close()
            raise
        self._replace_handlers(handlers)
        self.outputs = " ".join(wanted.split())

    def close(self) -> None:
        """Let go of the outputs."""
        self._replace_handlers([])

    def _replace_handlers(self, handlers: list[logging.Handler]) -> None:
        root = logging.getLogger()
        for handler in self._handlers:
            root.removeHandler(handler)
            handler.close()
        for handler in handlers:
            handler.addFilter(self._is_wanted)
            root.addHandler(handler)
        self._handlers = handlers

    def _is_wanted(self, record: logging.LogRecord) -> bool:
        level = self._levels.get(record.name)
        if level is None:
            matches = (level for level, pattern in self._filters if fnmatch.fnmatch(record.name, pattern))
            level = self._levels[record.name] = next(matches, self._level)
        return record.levelno >= level


def default_output(level: int) -> str:
    """The journal where the service manager put us there, else standard error."""
    return f"{level}:journald" if "JOURNAL_STREAM" in os.environ and _has_journal() else f"{level}:stderr"


def _has_journal() -> bool:
    """Whether the optional dependency is there."""
    try:
        import_module("systemd.journal")
    except ImportError:
        return False
    return True


def parse_filters(text: str) -> list[tuple[int, str]]:
    """Level and pattern of each filter.

    Raises:
        VirtError: one is none.
    """
    return [_parse_filter(word) for word in text.split()]


def parse_outputs(text: str) -> list[tuple[int, str, str]]:
    """Level, kind and argument of each output.

    Raises:
        VirtError: one is none.
    """
    return [_parse_output(word) for word in text.split()]


def _parse_filter(text: str) -> tuple[int, str]:
    digit, _, match = text.partition(":")
    if not match:
        raise _invalid(f"Malformed format for filter '{text}'")
    if digit not in _DIGITS:
        raise _invalid(f"Invalid priority '{digit}' for filter '{text}'")
    return int(digit), f"*{match.removeprefix('+').strip('*')}*"


def _invalid(detail: str) -> VirtError:
    return VirtError(Code.INVALID_ARG, detail, source=From.NONE)


def _parse_output(text: str) -> tuple[int, str, str]:
    digit, _, rest = text.partition(":")
    kind, _, argument = rest.partition(":")
    if not rest:
        raise _invalid(f"Malformed format for log output '{text}'")
    if digit not in _DIGITS:
        raise _invalid(f"Invalid log priority '{digit}' for log output '{text}'")
    if kind not in _OUTPUTS:
        raise _invalid(f"Invalid log destination '{kind}' for log output '{text}'")
    return int(digit), kind, argument


def _open_output(level: int, kind: str, argument: str) -> logging.Handler:
    try:
        handler = _OUTPUTS[kind](argument)
    except (OSError, ImportError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        name = ":".join(filter(None, (str(level), kind, argument)))
        raise VirtError(Code.SYSTEM_ERROR, f"cannot open log output '{name}': {reason}", source=From.NONE) from error
    handler.setLevel(LEVELS[level])
    return handler


def _stderr(_: str) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_FORMAT))
    return handler


def _file(path: str) -> logging.Handler:
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter(_FORMAT))
    return handler


def _syslog(name: str) -> logging.Handler:
    handler = logging.handlers.SysLogHandler("/dev/log", logging.handlers.SysLogHandler.LOG_DAEMON)
    handler.setFormatter(logging.Formatter(f"{name}[%(process)d]: %(message)s"))
    return handler


def _journald(_: str) -> logging.Handler:
    handler: logging.Handler = import_module("systemd.journal").JournalHandler(SYSLOG_IDENTIFIER="virtd")
    return handler


_OUTPUTS: dict[str, Callable[[str], logging.Handler]] = {
    "stderr": _stderr,
    "file": _file,
    "syslog": _syslog,
    "journald": _journald,
}
