# SPDX-License-Identifier: LGPL-2.1-or-later
"""The three kinds of complaints about a definition."""

from __future__ import annotations

from virtd.errors import Code, From, VirtError


def unsupported(detail: str) -> VirtError:
    """Understood, but not possible with this emulator or machine."""
    return VirtError(Code.CONFIG_UNSUPPORTED, detail)


def contradiction(detail: str) -> VirtError:
    """The XML contradicts itself."""
    return VirtError(Code.XML_ERROR, detail)


def plain(detail: str) -> VirtError:
    """A complaint that libvirt makes without an introduction."""
    return VirtError(Code.XML_DETAIL, detail, source=From.DOMAIN)
