# SPDX-License-Identifier: LGPL-2.1-or-later
"""Folders of the host in the guest: 9p inside QEMU, or virtiofsd beside it."""

from __future__ import annotations

from conf.domain.devices.filesystem import Filesystem
from drivers.qemu.command.address import add_device, address_props
from drivers.qemu.command.bootindex import boot_index
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Props, comma_list, props
from drivers.qemu.command.virtio import virtio_props

_SECURITY_MODELS = {"passthrough": "passthrough", "mapped": "mapped", "squash": "none"}


def add_filesystems(build: Build, line: CommandLine) -> None:
    """All of them."""
    for filesystem in build.domain.devices.filesystems:
        if filesystem.is_virtiofs:
            line.add("-chardev", _virtiofsd_socket(build, filesystem))
        else:
            line.add("-fsdev", fsdev(filesystem))
        add_device(line, filesystem, filesystem_props(build, filesystem))


def _virtiofsd_socket(build: Build, filesystem: Filesystem) -> str:
    given = filesystem.source.socket if filesystem.source else None
    path = given or f"{build.context.domain_dir}/{filesystem.alias}-fs.sock"
    return comma_list(["socket", ("id", f"chr-vu-{filesystem.alias}"), ("path", path)])


def fsdev(filesystem: Filesystem) -> str:
    """-fsdev of a folder that QEMU serves itself."""
    multidevs, driver = filesystem.multidevs, filesystem.driver
    # QEMU has given it up, which it says itself.
    handle = driver is not None and driver.type == "handle"
    return comma_list(
        [
            "handle" if handle else "local",
            ("security_model", None if handle else _SECURITY_MODELS.get(filesystem.accessmode or "")),
            ("multidevs", multidevs if multidevs != "default" else None),
            ("fmode", None if filesystem.fmode is None else f"{filesystem.fmode:04o}"),
            ("dmode", None if filesystem.dmode is None else f"{filesystem.dmode:04o}"),
            ("writeout", "immediate" if driver is not None and driver.wrpolicy == "immediate" else None),
            ("id", f"fsdev-{filesystem.alias}"),
            ("path", (filesystem.source and filesystem.source.dir) or ""),
            *(["readonly"] if filesystem.readonly else []),
        ]
    )


def filesystem_props(build: Build, filesystem: Filesystem) -> Props:
    """-device of a folder."""
    tag = filesystem.target.dir if filesystem.target else None
    kind = "vhost-user-fs" if filesystem.is_virtiofs else "virtio-9p"
    own: Props
    if filesystem.is_virtiofs:
        queue = filesystem.driver.queue if filesystem.driver else None
        own = {"chardev": f"chr-vu-{filesystem.alias}", "queue-size": queue or None, "tag": tag}
        own["bootindex"] = boot_index(build.domain, filesystem)
    else:
        own = {"fsdev": f"fsdev-{filesystem.alias}", "mount_tag": tag}
    return props(
        {
            **virtio_props(build, kind, filesystem, filesystem.driver, filesystem.model),
            "id": filesystem.alias,
            **own,
            **address_props(build, filesystem),
        }
    )
