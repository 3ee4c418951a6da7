# SPDX-License-Identifier: LGPL-2.1-or-later
"""The two kinds of complaints about a definition."""

from __future__ import annotations

from virtd.errors import Code, VirtError


def unsupported(detail: str) -> VirtError:
    """Understood, but not possible with this emulator or machine."""
    return VirtError(Code.CONFIG_UNSUPPORTED, detail)


def contradiction(detail: str) -> VirtError:
    """The XML contradicts itself."""
    return VirtError(Code.XML_ERROR, detail)
