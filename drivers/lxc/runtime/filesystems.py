# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<filesystem>` of a container, as the controller mounts it."""

from __future__ import annotations

import os
from typing import Any

from drivers.lxc.controller.plan import Mount
from virtd.errors import Code, VirtError

#: Type of a filesystem → the kind of mount, and the field of its source.
_KINDS = {
    "mount": ("bind", "dir"),
    "bind": ("inner", "dir"),
    "block": ("device", "dev"),
    "file": ("image", "file"),
    "ram": ("memory", "usage"),
}
_KIB = 1024


def mount(filesystem: Any) -> Mount:
    """The mount that a filesystem is.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, containers do not have this type.
    """
    if filesystem.type not in _KINDS:
        text = f"Cannot mount filesystem type {filesystem.type}"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)
    kind, field = _KINDS[filesystem.type]
    source = getattr(filesystem.source, field, None)
    made: Mount = {
        "kind": kind,
        "source": "tmpfs" if kind == "memory" else str(source),
        "target": "/" + os.path.normpath(f"/{filesystem.target.dir}").lstrip("/"),
        "readonly": bool(filesystem.readonly),
    }
    if kind == "memory":
        made["size"] = int(source or 0) * _KIB
    return made
