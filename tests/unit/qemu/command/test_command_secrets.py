# SPDX-License-Identifier: LGPL-2.1-or-later
"""Secrets on the command line."""

from __future__ import annotations

import base64

import pytest

from drivers.qemu.command.secrets import MASTER_KEY_BYTES, encrypt, secret_object

KEY = bytes(range(MASTER_KEY_BYTES))


@pytest.mark.parametrize(
    ("data", "encrypted"),
    [
        (b"", "nzt1BJJvi9NuMRjpA6TNSg=="),
        (b"a=b; c=d", "NcEvp6+7sLKxzOgYifUbAQ=="),
    ],
)
def test_as_openssl_does_it(data: bytes, encrypted: str) -> None:
    assert base64.b64encode(encrypt(data, KEY, bytes(16))).decode() == encrypted


def test_the_object() -> None:
    first, second = (secret_object("s0", b"data", KEY) for _ in range(2))
    assert first | {"data": "", "iv": ""} == {
        "qom-type": "secret",
        "id": "s0",
        "data": "",
        "keyid": "masterKey0",
        "iv": "",
        "format": "base64",
    }
    assert first["iv"] != second["iv"]
    assert encrypt(b"data", KEY, base64.b64decode(first["iv"])) == base64.b64decode(first["data"])
