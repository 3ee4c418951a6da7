# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest's command line, or one device's properties, are built from."""

from __future__ import annotations

from drivers.qemu import hostside
from drivers.qemu.capabilities.hugepages import find_hugepages
from drivers.qemu.command.context import Context, OpenInterface
from drivers.qemu.command.preconditions import online_nodes, scsi_generic_paths
from drivers.qemu.guest import Guest
from drivers.qemu.runtime import Runtime


def build_context(guest: Guest, runtime: Runtime, resources: hostside.Resources) -> Context:
    """Where this run's files are, and which descriptors are open for it."""
    context = guest.context
    taps, vhosts = resources.taps, resources.vhosts
    huge = find_hugepages(context.settings.hugetlbfs_mount)
    return Context(
        domain_dir=str(runtime.domain_dir),
        channel_dir=str(runtime.channel_dir),
        state_dir=str(context.paths.state),
        memory_dir=context.settings.memory_backing_dir or str(context.paths.lib / "ram"),
        settings=context.settings,
        monitor_fd=resources.monitor,
        interfaces={name: OpenInterface(tuple(fds), tuple(vhosts.get(name, ()))) for name, fds in taps.items()},
        sockets=resources.sockets,
        paths=scsi_generic_paths(guest.require_active()),
        files=resources.files,
        descriptors=resources.devices,
        master_key=runtime.master_key.read_bytes,
        nodes=online_nodes(),
        hugepages=huge.mounts,
        default_hugepage=huge.default,
    )
