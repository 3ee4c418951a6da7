# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stock client for tests: libvirt's own Python binding, in a process of the system's Python."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from virtd.enums import DomainEventID
from virtd.errors import Code, From

INTERPRETER = "/usr/bin/python3"
SCRIPT = Path(__file__).with_name("stockclient.py")

#: Seconds that events may take to arrive.
PATIENCE = 5.0

#: What is listened to.
EVENTS = [
    int(DomainEventID.LIFECYCLE),
    int(DomainEventID.REBOOT),
    int(DomainEventID.METADATA_CHANGE),
]


class Refused(Exception):
    """What libvirtError tells: its code, the part of libvirt it comes from, its message."""

    def __init__(self, code: int, source: int, message: str) -> None:
        super().__init__(f"{Code(code).name} from {From(source).name}: {message}")
        self.code, self.source, self.message = Code(code), From(source), message


class Remote:
    """An object of libvirt's binding: `remote.create()` is a call of its method there."""

    def __init__(self, client: Client, number: int) -> None:
        self._client, self._number = client, number

    def __getattr__(self, method: str) -> Any:
        return lambda *args: self._client.call(self._number, method, *args)


class Client:
    """The process.  `connection` is open for reading and writing, `readonly` for reading only."""

    def __init__(self, uri: str) -> None:
        self._process = subprocess.Popen(
            [INTERPRETER, SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._told: list[tuple[Any, ...]] = []
        self.uri = uri
        try:
            self.connect()
        except BaseException:
            self.close()
            raise

    def connect(self) -> None:
        """Open the connections, for the first time or to the daemon that follows another."""
        self.connection: Remote = self.call(0, "open", self.uri)
        self.readonly: Remote = self.call(0, "openReadOnly", self.uri)
        self.connection.__getattr__("watch!")(EVENTS)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def call(self, number: int, method: str, *args: Any) -> Any:
        """Call a method of an object.

        Raises:
            Refused: libvirt's error.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        question = {"object": number, "method": method, "args": [_sent(arg) for arg in args]}
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "refused" in answer:
            raise Refused(*answer["refused"])
        assert "wrong" not in answer, f"{method}: {answer['wrong']}"
        return self._received(answer["result"])

    def _received(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._received(item) for item in value]
        if isinstance(value, dict):
            if "object" in value:
                return Remote(self, value["object"])
            if "bytes" in value:
                return bytes.fromhex(value["bytes"])
            return {key: self._received(item) for key, item in value.items()}
        return value

    def told(self, name: str, count: int) -> list[tuple[Any, ...]]:
        """The events of a guest that came since this was asked last, as (kind, argument …); waits for `count` of them."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self._told += [tuple(event) for event in self.call(0, "events!")]
            found = [event[1:] for event in self._told if event[0] == name]
            if len(found) >= count or time.monotonic() > deadline:
                break
            time.sleep(0.005)
        self._told = [event for event in self._told if event[0] != name]
        return found


def _sent(value: Any) -> Any:
    if isinstance(value, Remote):
        return {"object": value._number}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    return [_sent(item) for item in value] if isinstance(value, list | tuple) else value


@contextlib.contextmanager
def refused(code: Code, text: str = "") -> Iterator[None]:
    """The body's call must fail with this code and with `text` in its message."""
    try:
        yield
    except Refused as error:
        told = error
    else:
        raise AssertionError(f"not refused with {code.name}")
    assert told.code == code, told
    assert text.lower() in told.message.lower(), told
