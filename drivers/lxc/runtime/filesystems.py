# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<filesystem>` of a container, as the controller mounts it."""

from __future__ import annotations

import os
from typing import Any

from drivers.lxc.controller.plan import Mount
from drivers.lxc.runtime import loops
from drivers.lxc.runtime.descriptors import Descriptors
from virtd.errors import Code, VirtError

#: Type of a filesystem → the kind of mount, and the field of its source.
_KINDS = {
    "mount": ("bind", "dir"),
    "bind": ("inner", "dir"),
    "block": ("device", "dev"),
    "file": ("device", "file"),
    "ram": ("memory", "usage"),
}
_KIB = 1024


def mount(filesystem: Any, descriptors: Descriptors) -> Mount:
    """The mount that a filesystem is; an image's loop device stays while `descriptors` or the controller hold it.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, containers do not have this type.
    """
    if filesystem.type not in _KINDS:
        text = f"Cannot mount filesystem type {filesystem.type}"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)
    kind, field = _KINDS[filesystem.type]
    source = getattr(filesystem.source, field, None)
    if filesystem.type == "file":
        _check_image(filesystem.driver)
        fd, source = loops.attach(str(source), readonly=bool(filesystem.readonly))
        descriptors.own(fd)
    if filesystem.type == "mount" and not os.path.lexists(str(source)):
        os.makedirs(str(source), exist_ok=True)
    made: Mount = {
        "kind": kind,
        "source": "tmpfs" if kind == "memory" else str(source),
        "target": "/" + os.path.normpath(f"/{filesystem.target.dir}").lstrip("/"),
        "readonly": bool(filesystem.readonly),
    }
    if kind == "memory":
        made["size"] = int(source or 0) * _KIB
    return made


def _check_image(driver: Any) -> None:
    """Only raw images, by loop devices."""
    kind, form = (driver.type, driver.format) if driver is not None else ("default", None)
    if kind not in ("default", "loop"):
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"fs driver {kind} is not supported")
    if form not in (None, "raw"):
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"fs format {form} is not supported")
