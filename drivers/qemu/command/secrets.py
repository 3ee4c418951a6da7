# SPDX-License-Identifier: LGPL-2.1-or-later
"""Secrets on QEMU's command line: encrypted with the key that only this QEMU has.

The key lies in a file of the guest's own folder (`masterKey0`), so that a list of processes tells nothing.
"""

from __future__ import annotations

import base64
import ctypes
import ctypes.util
import secrets
from functools import cache

from drivers.qemu.command.line import Props
from virtd.errors import Code, VirtError

#: AES-256.
MASTER_KEY_BYTES = 32
_BLOCK = 16


def secret_object(id_: str, data: bytes, master_key: bytes) -> Props:
    """The object that tells QEMU `data`.

    Raises:
        VirtError: INTERNAL_ERROR, the cryptographic library refuses.
    """
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
    """AES-256-CBC with PKCS#7 padding; `start` is the initialization vector.

    Raises:
        VirtError: INTERNAL_ERROR, the cryptographic library refuses.
    """
    library = _library()
    context = library.EVP_CIPHER_CTX_new()
    output, length, rest = ctypes.create_string_buffer(len(data) + _BLOCK), ctypes.c_int(), ctypes.c_int()
    try:
        done = (
            library.EVP_EncryptInit_ex(context, library.EVP_aes_256_cbc(), None, key, start)
            and library.EVP_EncryptUpdate(context, output, ctypes.byref(length), data, len(data))
            and library.EVP_EncryptFinal_ex(context, ctypes.byref(output, length.value), ctypes.byref(rest))
        )
    finally:
        library.EVP_CIPHER_CTX_free(context)
    if not done:
        raise VirtError(Code.INTERNAL_ERROR, "unable to encrypt a secret")
    return output.raw[: length.value + rest.value]


@cache
def _library() -> ctypes.CDLL:
    """OpenSSL's, which Python itself uses."""
    library = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
    pointer, number, out = ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_int)
    library.EVP_CIPHER_CTX_new.restype = library.EVP_aes_256_cbc.restype = pointer
    library.EVP_CIPHER_CTX_free.argtypes = [pointer]
    library.EVP_EncryptInit_ex.argtypes = [pointer, pointer, pointer, ctypes.c_char_p, ctypes.c_char_p]
    library.EVP_EncryptUpdate.argtypes = [pointer, pointer, out, ctypes.c_char_p, number]
    library.EVP_EncryptFinal_ex.argtypes = [pointer, pointer, out]
    return library
