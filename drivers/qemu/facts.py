# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the defaults, addresses and checks ask about the host and the emulator.

These are the questions only; `drivers.qemu.capabilities` answers them from what it probed, tests
answer them from a few literals.  Nothing here waits: the emulator was probed before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T")


class Machine(Protocol):
    """One machine type of an emulator."""

    @property
    def name(self) -> str:
        """Canonical name, such as `pc-q35-7.2`."""

    @property
    def max_cpus(self) -> int:
        """The most virtual CPUs it takes; 0 where QEMU does not say."""

    @property
    def default_cpu(self) -> str | None:
        """QEMU's default CPU type as libvirt names the model (`qemu64`, `cortex-a15`), if it says."""


class EmulatorFacts(Protocol):
    """One probed QEMU binary."""

    @property
    def path(self) -> str:
        """Where it is."""

    @property
    def arch(self) -> str:
        """The guest architecture in libvirt's terms: `x86_64`, `i686`, `ppc64` ..."""

    @property
    def kvm(self) -> bool:
        """Whether it can run guests of type `kvm` here."""

    @property
    def default_machine(self) -> str | None:
        """Canonical name of the machine it takes when none is named."""

    def machine(self, name: str, virt_type: str) -> Machine | None:
        """The machine of this name or alias."""

    def has(self, flag: str) -> bool:
        """Whether it has a capability, in libvirt's name for the flag (`blockdev`, `virtio-scsi`)."""

    def has_device(self, name: str) -> bool:
        """Whether QEMU has a device type of this name (`qemu-xhci`)."""

    def supports_gic(self, version: int, virt_type: str) -> bool:
        """Whether the interrupt controller of this version (2, 3) can be had."""


def first_offered(by_flag: Mapping[str, T], emulator: EmulatorFacts) -> T | None:
    """The first choice whose flag the emulator has."""
    for flag, choice in by_flag.items():
        if emulator.has(flag):
            return choice
    return None


class HostFacts(Protocol):
    """What can be said before an emulator is chosen and probed."""

    @property
    def host_arch(self) -> str:
        """The architecture of the machine we run on."""

    def emulator_for(self, arch: str) -> str | None:
        """Path of the emulator for guests of `arch` when the XML names none; None if there is none."""


@dataclass(frozen=True, slots=True)
class Site:
    """How the administrator set up this host, as far as definitions depend on it."""

    nvram_dir: str = "/var/lib/libvirt/qemu/nvram"
    spice_tls: bool = False
    vnc_allow_host_audio: bool = False
