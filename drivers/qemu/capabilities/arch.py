# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guest architectures: libvirt's names, QEMU's, and which of them a host runs natively."""

from __future__ import annotations

import platform
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arch:
    """An architecture in libvirt's terms; `qemu` is the suffix of its emulator and QEMU's target name."""

    name: str
    wordsize: int
    qemu: str


def _table(*rows: tuple[str, int] | tuple[str, int, str]) -> dict[str, Arch]:
    return {row[0]: Arch(row[0], row[1], row[2] if len(row) == 3 else row[0]) for row in rows}


#: All that libvirt knows, in the order in which it lists them.
ARCHES = _table(
    ("alpha", 64),
    ("armv6l", 32, "arm"),
    ("armv7l", 32, "arm"),
    ("armv7b", 32),
    ("aarch64", 64),
    ("cris", 32),
    ("i686", 32, "i386"),
    ("itanium", 64),
    ("lm32", 32),
    ("m68k", 32),
    ("microblaze", 32),
    ("microblazeel", 32),
    ("mips", 32),
    ("mipsel", 32),
    ("mips64", 64),
    ("mips64el", 64),
    ("openrisc", 32),
    ("parisc", 32),
    ("parisc64", 64),
    ("ppc", 32),
    ("ppcle", 32),
    ("ppc64", 64),
    ("ppc64le", 64),
    ("ppcemb", 32),
    ("riscv32", 32),
    ("riscv64", 64),
    ("s390", 32),
    ("s390x", 64),
    ("sh4", 32),
    ("sh4eb", 64),
    ("sparc", 32),
    ("sparc64", 64),
    ("unicore32", 32),
    ("x86_64", 64),
    ("xtensa", 32),
    ("xtensaeb", 32),
)

X86 = frozenset({"i686", "x86_64"})
ARM = frozenset({"armv6l", "armv7l", "aarch64"})
PPC64 = frozenset({"ppc64", "ppc64le"})
S390 = frozenset({"s390", "s390x"})
#: Architectures of whose CPU models something is known.
WITH_CPU_MODELS = X86 | ARM | PPC64 | S390 | {"armv7b"}
RISCV = frozenset({"riscv32", "riscv64"})

_MACHINE_TO_ARCH = {"i386": "i686", "i486": "i686", "i586": "i686", "amd64": "x86_64", "arm64": "aarch64"}

#: Host architecture → foreign guests its KVM runs too.
_KVM_ALSO = {"x86_64": {"i686"}, "aarch64": {"armv7l"}, "ppc64": {"ppc64le"}, "ppc64le": {"ppc64"}}


def host_arch() -> str:
    """The architecture of the machine we run on."""
    machine = platform.machine()
    return _MACHINE_TO_ARCH.get(machine, machine)


def kvm_can_run(host: str, guest: str) -> bool:
    """Whether KVM on a `host` runs guests of this architecture, where there is KVM at all."""
    return guest == host or guest in _KVM_ALSO.get(host, ())
