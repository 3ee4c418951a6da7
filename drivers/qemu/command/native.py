# SPDX-License-Identifier: LGPL-2.1-or-later
"""virConnectDomainXMLToNative: the command line a domain would be started with."""

from __future__ import annotations

import os
import secrets

from conf.domain import Domain
from conf.domain.devices.address import HostPCIAddress
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.hostdev_source import HostdevSource
from conf.domain.devices.interface import Interface
from drivers.common.cpu.cpu_map import load_cpu_map
from drivers.qemu import prepare
from drivers.qemu.addresses import assign_addresses
from drivers.qemu.api.base import Part
from drivers.qemu.block.nodes import number_images
from drivers.qemu.capabilities import Capabilities
from drivers.qemu.capabilities.hugepages import find_hugepages
from drivers.qemu.command.build import build
from drivers.qemu.command.context import Context
from drivers.qemu.command.hostdevs import number_backends
from drivers.qemu.command.line import CommandLine
from drivers.qemu.command.preconditions import check_start, online_nodes, scsi_generic_paths
from drivers.qemu.command.secrets import MASTER_KEY_BYTES
from drivers.qemu.context import QemuContext
from drivers.qemu.cpu.guest import settle_cpu
from drivers.qemu.runtime import Runtime
from virtd.errors import Code, VirtError, check_flags, invalid_arg
from virtd.threads import in_thread

_FORMAT = "qemu-argv"

#: The id of a guest that does not run.
_NO_ID = -1


class NativePart(Part):
    """Translation to the hypervisor's own form."""

    async def connect_domain_xml_to_native(self, native_format: str, domain_xml: str, flags: int) -> str:
        """virConnectDomainXMLToNative.  Nothing is opened or made: what would be stands in the line as a stand-in.

        Raises:
            VirtError: INVALID_ARG, no such format; or the domain cannot be run here.
        """
        check_flags(flags, 0, "qemuConnectDomainXMLToNative")
        if native_format != _FORMAT:
            raise invalid_arg(f"unsupported config type {native_format}")
        domain = await prepare.definition(self._context, domain_xml)
        capabilities = await self._context.capabilities.get(domain.devices.emulator or "")
        line = await in_thread(native_line, domain, capabilities, self._context)
        return line.as_shell()


def native_line(domain: Domain, capabilities: Capabilities, context: QemuContext) -> CommandLine:
    """The line for a completed definition, which is changed on the way.  Blocks."""
    check_start(domain)
    domain.devices.hostdevs[:0] = filter(None, map(_host_end, domain.devices.interfaces))
    domain.devices.interfaces = [_as_plain(interface) for interface in domain.devices.interfaces]
    assign_addresses(domain, capabilities)
    settle_cpu(domain, capabilities, load_cpu_map(domain.os.arch or ""))
    prepare.live(domain, context, _no_runtime(domain, context))
    number_backends(domain.devices.hostdevs, number_images(domain.devices.disks))
    return build(domain, capabilities, shown_context(domain, context))


def _no_runtime(domain: Domain, context: QemuContext) -> Runtime:
    paths = context.paths
    return Runtime(domain_dir=paths.domain_dir(_NO_ID, domain.name), channel_dir=paths.channel_dir(_NO_ID, domain.name))


def _host_end(interface: Interface) -> Hostdev | None:
    """The PCI device of the host that is an interface, which is shown beside it."""
    device = interface.source.hostdev if interface.type == "hostdev" and interface.source else None
    if not isinstance(device, HostPCIAddress):
        return None
    return Hostdev(type="pci", driver=interface.hostdev_driver, source=HostdevSource(pci=device))


def _as_plain(interface: Interface) -> Interface:
    """An interface without its host end, which only a start makes.

    Raises:
        VirtError: INTERNAL_ERROR, its script cannot be run.
    """
    script = interface.script.path if interface.script else None
    if script and not os.access(script, os.X_OK):
        raise VirtError(Code.INTERNAL_ERROR, f"cannot execute binary {script}")
    return Interface(
        type="ethernet",
        mac=interface.mac,
        model=interface.model,
        script=interface.script,
    )


def shown_context(domain: Domain, context: QemuContext) -> Context:
    """Where things would be."""
    paths = context.paths
    huge = find_hugepages(context.settings.hugetlbfs_mount)
    return Context(
        domain_dir=str(paths.domain_dir(_NO_ID, domain.name)),
        channel_dir=str(paths.channel_dir(_NO_ID, domain.name)),
        state_dir=str(paths.state),
        memory_dir=str(paths.lib / "ram"),
        settings=context.settings,
        native=True,
        master_key=lambda: secrets.token_bytes(MASTER_KEY_BYTES),
        nodes=online_nodes(),
        paths=scsi_generic_paths(domain),
        hugepages=huge.mounts,
        default_hugepage=huge.default,
    )
