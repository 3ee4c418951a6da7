# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory shared between guests."""

from __future__ import annotations

from conf.domain.devices.shmem import Shmem
from drivers.qemu.command.address import add_device, address_props
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Props, comma_list, on_off, props
from virtd.errors import Code, VirtError

_DEFAULT_SIZE = 4 << 20


def add_shmems(build: Build, line: CommandLine) -> None:
    """Memory shared between guests."""
    for shmem in build.domain.devices.shmems:
        if shmem.server is not None:
            path = shmem.server.path or f"/var/lib/libvirt/shmem-{shmem.name}-sock"
            line.add("-chardev", comma_list(["socket", ("id", f"char{shmem.alias}"), ("path", path)]))
        else:
            line.add_json("-object", shmem_backend_props(shmem))
        add_device(line, shmem, shmem_props(build, shmem))


def shmem_backend_props(shmem: Shmem) -> Props:
    """The memory itself."""
    return {
        "qom-type": "memory-backend-file",
        "id": f"shmmem-{shmem.alias}",
        "mem-path": f"/dev/shm/{shmem.name}",
        "size": shmem.size or _DEFAULT_SIZE,
        "share": True,
    }


def shmem_props(build: Build, shmem: Shmem) -> Props:
    """-device of shared memory."""
    model = shmem.model.type if shmem.model else "ivshmem"
    if model == "ivshmem":
        raise VirtError(Code.CONFIG_UNSUPPORTED, "ivshmem device is not supported with this QEMU binary")
    own: Props = {"driver": model, "id": shmem.alias}
    if model == "ivshmem-plain":
        own["memdev"] = f"shmmem-{shmem.alias}"
        own["master"] = on_off(shmem.role == "master") if shmem.role is not None else None
    else:
        msi = shmem.msi
        own["chardev"] = f"char{shmem.alias}"
        own["vectors"] = (msi.vectors or None) if msi else None
        own["ioeventfd"] = msi.ioeventfd if msi else None
    return props({**own, **address_props(build, shmem)})
