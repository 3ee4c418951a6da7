# SPDX-License-Identifier: LGPL-2.1-or-later
"""Errors that are said in several places."""

from __future__ import annotations

from virtd.errors import Code, From, VirtError


def system_error(text: str, error: OSError, *, source: From = From.STORAGE) -> VirtError:
    """SYSTEM_ERROR: what was tried, and the kernel's answer."""
    number = error.errno or 0
    return VirtError(Code.SYSTEM_ERROR, f"{text}: {error.strerror}", source=source, ints=(number, -1))


def unsupported(detail: str) -> VirtError:
    """CONFIG_UNSUPPORTED."""
    return VirtError(Code.CONFIG_UNSUPPORTED, detail)
