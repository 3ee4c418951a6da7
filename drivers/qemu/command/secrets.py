# SPDX-License-Identifier: LGPL-2.1-or-later
"""Secrets on QEMU's command line: encrypted with the key that only this QEMU has.

The key lies in a file of the guest's own folder (`masterKey0`), so that a list of processes tells nothing.
"""

from __future__ import annotations

import base64
import secrets

from drivers.qemu.command.line import Props

#: AES-256.
MASTER_KEY_BYTES = 32
_BLOCK = 16


def secret_object(id_: str, data: bytes, master_key: bytes) -> Props:
    """The object that tells QEMU `data`."""
    start = secrets.token_bytes(_BLOCK)
    return {
        "qom-type": "secret",
        "id": id_,
        "data": base64.b64encode(encrypt(data, master_key, start)).decode(),
        "keyid": "masterKey0",
        "iv": base64.b64encode(start).decode(),
        "format": "base64",
    }


def encrypt(data: bytes, key: bytes, start: bytes) -> bytes:
    """AES-256-CBC with PKCS#7 padding; `start` is the initialization vector."""
    # Loaded where the first secret is told: most daemons never need its 10 MB.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    padder = PKCS7(8 * _BLOCK).padder()
    encryptor = Cipher(algorithms.AES256(key), modes.CBC(start)).encryptor()
    return encryptor.update(padder.update(data) + padder.finalize()) + encryptor.finalize()
