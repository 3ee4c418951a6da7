# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's own CPU, as the kernel tells of it."""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from drivers.common.cpu.cpu_map import CpuMap
from drivers.common.cpu.decode import RawCpu

CPUINFO = Path("/proc/cpuinfo")

#: Features Linux tells by a name that no rule leads to.
_LINUX_NAMES = {"tsc_deadline_timer": "tsc-deadline"}

#: A feature Linux does not name → the flags that show it.
_IMPLIED = {"osxsave": {"xsave"}, "invtsc": {"constant_tsc", "nonstop_tsc"}}

# <linux/kvm.h>
_KVM_CREATE_VM = 0xAE01
_KVM_CHECK_EXTENSION = 0xAE03
_KVM_CREATE_VCPU = 0xAE41
_KVM_GET_TSC_KHZ = 0xAEA3
_KVM_CAP_TSC_CONTROL = 60


@dataclass(frozen=True, slots=True)
class CpuInfo:
    """The first processor of /proc/cpuinfo."""

    fields: dict[str, str]

    @classmethod
    def read(cls, path: Path = CPUINFO) -> CpuInfo:
        """Empty where the kernel does not tell."""
        fields: dict[str, str] = {}
        try:
            for line in path.read_text(errors="replace").splitlines():
                if not line.strip():
                    break
                name, _, value = line.partition(":")
                fields[name.strip()] = value.strip()
        except OSError:
            pass
        return cls(fields)

    def number(self, name: str) -> int | None:
        """A decimal or 0x… field."""
        try:
            return int(self.fields[name], 0)
        except (KeyError, ValueError):
            return None

    @property
    def physical_address_bits(self) -> int | None:
        """From "48 bits physical, 48 bits virtual"."""
        bits, _, rest = self.fields.get("address sizes", "").partition(" ")
        return int(bits) if bits.isdigit() and rest.startswith("bits physical") else None

    @property
    def signature(self) -> tuple[int, int] | None:
        """Family and model of an x86 CPU."""
        family, model = self.number("cpu family"), self.number("model")
        return None if family is None or model is None else (family, model)


def raw_cpu(info: CpuInfo, cpu_map: CpuMap) -> RawCpu:
    """The host's x86 CPU by its features, in libvirt's names for them."""
    flags = set(info.fields.get("flags", "").split())
    names = {_LINUX_NAMES.get(flag, flag) for flag in flags}
    names |= {name for name, shown_by in _IMPLIED.items() if shown_by <= flags}
    return RawCpu(
        features=frozenset(known for name in names if (known := cpu_map.canonical(name))),
        vendor=cpu_map.vendor_of(info.fields.get("vendor_id", "")),
        signature=info.signature,
    )


def tsc_frequency() -> tuple[int, bool] | None:
    """Hz of the time stamp counter and whether guests can have another; None where KVM does not tell.  Blocks."""
    try:
        with ExitStack() as opened:
            kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
            opened.callback(os.close, kvm)
            scaling = fcntl.ioctl(kvm, _KVM_CHECK_EXTENSION, _KVM_CAP_TSC_CONTROL)
            machine = fcntl.ioctl(kvm, _KVM_CREATE_VM, 0)
            opened.callback(os.close, machine)
            cpu = fcntl.ioctl(machine, _KVM_CREATE_VCPU, 0)
            opened.callback(os.close, cpu)
            return fcntl.ioctl(cpu, _KVM_GET_TSC_KHZ, 0) * 1000, bool(scaling)
    except OSError:
        return None
