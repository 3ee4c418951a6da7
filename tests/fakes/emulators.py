# SPDX-License-Identifier: LGPL-2.1-or-later
"""An emulator as the definition code sees it, without one being there."""

from __future__ import annotations

from dataclasses import dataclass

from conf.domain import Domain, parse_domain
from drivers.qemu.defaults import choose_emulator, prepare_definition
from drivers.qemu.facts import Site

#: Architecture → machine → (full name, CPU model).
_MACHINES = {
    "x86_64": {"pc": ("pc-i440fx-7.2", "qemu64"), "q35": ("pc-q35-7.2", "qemu64"), "isapc": ("isapc", "486")},
    "aarch64": {"virt": ("virt-7.2", "cortex-a15")},
    "ppc64": {"pseries": ("pseries-7.2", "power9_v2.0")},
    "s390x": {"s390-ccw-virtio": ("s390-ccw-virtio-7.2", "qemu")},
    "riscv64": {"virt": ("virt", "rv64")},
}


@dataclass(frozen=True)
class FakeMachine:
    name: str
    default_cpu: str | None = None
    max_cpus: int = 255


@dataclass(frozen=True)
class FakeEmulator:
    """Everything is built in unless `lacks` says otherwise."""

    arch: str = "x86_64"
    kvm: bool = True
    lacks: frozenset[str] = frozenset()

    @property
    def path(self) -> str:
        return f"/usr/bin/qemu-system-{self.arch}"

    @property
    def default_machine(self) -> str | None:
        return next(iter(_MACHINES[self.arch].values()))[0]

    def machine(self, name: str, virt_type: str) -> FakeMachine | None:
        for alias, (full, cpu) in _MACHINES[self.arch].items():
            if name in (alias, full):
                return FakeMachine(full, cpu)
        return None

    def has(self, flag: str) -> bool:
        return flag not in self.lacks

    def has_device(self, name: str) -> bool:
        return name not in self.lacks

    def supports_gic(self, version: int, virt_type: str) -> bool:
        return True


class FakeHost:
    """A host with emulators for all architectures above."""

    host_arch = "x86_64"

    def emulator_for(self, arch: str) -> str | None:
        return f"/usr/bin/qemu-system-{arch}" if arch in _MACHINES else None


def define(
    devices: str = "",
    *,
    machine: str = "pc",
    arch: str = "x86_64",
    emulator: FakeEmulator | None = None,
    virt_type: str = "qemu",
    extra: str = "",
    inside_os: str = "",
) -> Domain:
    """A definition with these devices, completed."""
    domain = parse_domain(
        f"<domain type='{virt_type}'><name>guest</name><memory>262144</memory>"
        f"<os><type arch='{arch}' machine='{machine}'>hvm</type>{inside_os}</os>{extra}"
        f"<devices>{devices}</devices></domain>",
        update=True,
    )
    choose_emulator(domain, FakeHost())
    prepare_definition(domain, emulator or FakeEmulator(arch), Site())
    return domain
