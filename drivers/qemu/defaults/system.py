# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machine type and features."""

from __future__ import annotations

import re
from typing import Literal

from conf.domain import Domain
from conf.domain.devices.chardev import Channel
from conf.domain.features import GIC, Features
from drivers.common.bootorder import choose_boot_order
from drivers.qemu import machines
from drivers.qemu.facts import EmulatorFacts
from virtd.errors import invalid_arg


def choose_machine(domain: Domain, emulator: EmulatorFacts) -> None:
    """The emulator's default machine where none is named, and the full name of one that is: `pc-q35-7.2` for `q35`.

    Raises:
        VirtError: INVALID_ARG, the emulator has none for guests of this type.
    """
    kind = domain.os.type
    assert kind is not None
    if kind.machine is None and domain.type == "kvm" and not emulator.kvm:
        raise invalid_arg(f"could not get preferred machine for {emulator.path} type={domain.type}")
    name = kind.machine or emulator.default_machine
    machine = emulator.machine(name, domain.type) if name else None
    kind.machine = machine.name if machine else name


def drop_generated_paths(domain: Domain) -> None:
    """Sockets that were made for a channel of a running guest are made anew at each start."""
    for channel in domain.devices.channels:
        if has_generated_path(channel):
            channel.sources = []


def has_generated_path(channel: Channel) -> bool:
    """Whether a channel's socket is one that was made for a running guest."""
    source, name = channel.source, channel.target.name
    if channel.type != "unix" or channel.target.type != "virtio" or source is None or not source.path or not name:
        return False
    return bool(re.search(rf"^/.*/channel/target/[^/]+\.|domain-[^/]+/{re.escape(name)}$", source.path))


def complete_system(domain: Domain, emulator: EmulatorFacts) -> None:
    """Boot order and features that the XML leaves to us."""
    choose_boot_order(domain)
    if machines.is_arm_virt(domain):
        _choose_gic(domain, emulator)


def _choose_gic(domain: Domain, emulator: EmulatorFacts) -> None:
    """The interrupt controller of ARM's virtual machine: under TCG version 2 serves older guests too."""
    features = domain.features = domain.features or Features()
    if features.gic is not None and features.gic.version is not None:
        return
    versions: tuple[Literal["2", "3"], ...] = ("2", "3") if domain.type == "qemu" else ("3", "2")
    for version in versions:
        if emulator.supports_gic(int(version), domain.type):
            features.gic = GIC(version=version)
            return
