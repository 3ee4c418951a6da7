# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guest architectures: libvirt's names, QEMU's, and which of them a host runs natively."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from conf.domain.arches import WORDSIZES


@dataclass(frozen=True, slots=True)
class Arch:
    """An architecture in libvirt's terms; `qemu` is the suffix of its emulator and QEMU's target name."""

    name: str
    wordsize: int
    qemu: str


#: Architecture → the name in QEMU's program, where that is another.
_QEMU_NAMES = {"armv6l": "arm", "armv7l": "arm", "i686": "i386"}
#: All that libvirt knows, in the order in which it lists them.
ARCHES = {name: Arch(name, wordsize, _QEMU_NAMES.get(name, name)) for name, wordsize in WORDSIZES.items()}

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
