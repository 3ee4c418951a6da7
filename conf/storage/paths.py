# SPDX-License-Identifier: LGPL-2.1-or-later
"""How libvirt tidies paths that it keeps."""

from __future__ import annotations

import re


def sanitize_path(path: str) -> str:
    """One slash where there are several, and none at the end; two at the start have a meaning of their own."""
    clean = re.sub("/+", "/", path)
    if re.match("//(?!/)", path):
        clean = "/" + clean
    return clean.rstrip("/") if clean.strip("/") else clean
