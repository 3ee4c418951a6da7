# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a client's XML to a definition that can be stored or run."""

from __future__ import annotations

import os

from conf.domain import Domain, parse_domain
from conf.domain.devices.address import Address, VirtioSerialAddress
from conf.domain.devices.chardev_source import CharacterSource
from conf.domain.idmap import Resource
from conf.domain.security import SecLabel
from drivers.common import schema
from drivers.qemu.aliases import assign_aliases
from drivers.qemu.capabilities.firmware import load_firmwares
from drivers.qemu.command.chardevs import choose_encryption
from drivers.qemu.command.clock import settle_variable
from drivers.qemu.context import QemuContext
from drivers.qemu.defaults import choose_emulator, prepare_definition
from drivers.qemu.defaults.firmware import select_firmware
from drivers.qemu.hostside.cgroup import PARTITION
from drivers.qemu.runtime import Runtime
from drivers.qemu.settings import account


async def definition(context: QemuContext, xml: str, *, validate: bool = False) -> Domain:
    """Parse, complete with the defaults of the emulator it names, and check.

    Raises:
        ConfError, VirtError: what is wrong with it.
    """
    if validate:
        await schema.validate(xml, "domain.rng")
    domain = parse_domain(xml, update=True)
    await complete(context, domain)
    return domain


async def complete(context: QemuContext, domain: Domain) -> None:
    """Decide what a definition leaves open, and check it.

    Raises:
        ConfError, VirtError: what is wrong with it.
    """
    emulator = choose_emulator(domain, context.capabilities)
    prepare_definition(domain, await context.capabilities.get(emulator), context.site)


def live(domain: Domain, context: QemuContext, runtime: Runtime) -> None:
    """Add to a copy of a definition what only a running guest has, as far as it is known before QEMU is up.

    Raises:
        VirtError: no installed firmware is what the definition asks for.
    """
    if domain.os.firmware is not None:
        select_firmware(domain, load_firmwares(), context.site)
    assign_aliases(domain)
    for disk in domain.devices.disks:
        if disk.is_empty and disk.driver is not None:
            disk.driver.type = None
    for channel in domain.devices.channels:
        if channel.target.type != "virtio":
            continue
        channel.target.state = "disconnected"
        if channel.type == "unix" and (channel.source is None or not channel.source.path):
            path = os.path.join(runtime.channel_dir, channel.target.name or _nameless(channel.address))
            channel.source = CharacterSource(mode="bind", path=path)
    for device in domain.devices.character_devices():
        choose_encryption(device, context.settings)
    if domain.clock.offset == "variable":
        settle_variable(domain.clock)
    domain.resource = domain.resource or Resource(partition=f"/{PARTITION}")
    owner = account(context.settings, privileged=context.env.privileged)
    if owner is not None and not any(label.model == "dac" for label in domain.seclabels):
        label = SecLabel(type="dynamic", model="dac", relabel=True, label=owner.label, imagelabel=owner.label)
        domain.seclabels = [*domain.seclabels, label]


def _nameless(address: Address | None) -> str:
    """The socket of a channel that has a place but no name."""
    if not isinstance(address, VirtioSerialAddress):
        return "vioser.sock"
    return f"vioser-{address.controller:02x}-{address.bus:02x}-{address.port:02x}.sock"
