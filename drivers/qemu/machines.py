# SPDX-License-Identifier: LGPL-2.1-or-later
"""What kind of machine a guest is: questions answered by its architecture and the name of its machine type."""

from __future__ import annotations

from conf.domain import Domain
from drivers.qemu.capabilities.arch import ARM, PPC64, RISCV, S390, X86
from drivers.qemu.facts import EmulatorFacts


def _arch_and_machine(domain: Domain) -> tuple[str, str]:
    kind = domain.os.type
    return (kind.arch or "", kind.machine or "") if kind else ("", "")


def _named(machine: str, family: str) -> bool:
    """`virt` and its versions `virt-7.2`, but not `virtual`."""
    return machine == family or machine.startswith(f"{family}-")


def is_x86(domain: Domain) -> bool:
    """A PC of whatever kind."""
    return domain.os.arch in X86


def is_q35(domain: Domain) -> bool:
    """A PC with PCI Express."""
    arch, machine = _arch_and_machine(domain)
    return arch in X86 and (machine == "q35" or machine.startswith("pc-q35"))


def is_i440fx(domain: Domain) -> bool:
    """A PC with conventional PCI."""
    arch, machine = _arch_and_machine(domain)
    return arch in X86 and (machine == "pc" or machine.startswith(("pc-0.", "pc-1.", "pc-i440", "rhel")))


def is_pseries(domain: Domain) -> bool:
    """A POWER guest on the sPAPR platform."""
    arch, machine = _arch_and_machine(domain)
    return arch in PPC64 and _named(machine, "pseries")


def has_numbered_pci(domain: Domain) -> bool:
    """Whether the root bus is called `pci.0`; on old boards it is just `pci`."""
    arch = domain.os.arch or ""
    return arch in X86 | S390 or arch.startswith("ppc") or is_arm_virt(domain) or is_riscv_virt(domain)


def is_arm(domain: Domain) -> bool:
    """An ARM guest of whatever kind."""
    return domain.os.arch in ARM


def is_arm_virt(domain: Domain) -> bool:
    """The ARM machine made for virtualisation."""
    arch, machine = _arch_and_machine(domain)
    return arch in ARM and _named(machine, "virt")


def is_riscv_virt(domain: Domain) -> bool:
    """The RISC-V machine made for virtualisation."""
    arch, machine = _arch_and_machine(domain)
    return arch in RISCV and _named(machine, "virt")


def is_s390(domain: Domain) -> bool:
    """A mainframe guest."""
    return domain.os.arch in S390


def is_s390_ccw(domain: Domain) -> bool:
    """A mainframe guest with virtual channels."""
    arch, machine = _arch_and_machine(domain)
    return arch in S390 and machine.startswith("s390-ccw")


def is_versatile(domain: Domain) -> bool:
    """The one old ARM board with PCI."""
    arch, machine = _arch_and_machine(domain)
    return arch in ARM and machine == "versatilepb"


def has_builtin_ide(domain: Domain) -> bool:
    """IDE is part of the machine."""
    machine = domain.os.machine or ""
    return is_i440fx(domain) or machine in ("malta", "sun4u", "g3beige")


def has_builtin_esp(domain: Domain) -> bool:
    """A SCSI controller (ESP) is part of the machine."""
    arch, machine = _arch_and_machine(domain)
    names = {"sparc": ("SS-",), "mips64": ("magnum",), "mips64el": ("magnum",), "m68k": ("q800",)}
    return machine.startswith(names.get(arch, ())) if arch in names else False


def has_pcie_root(domain: Domain) -> bool:
    """Bus 0 is there and is PCI Express."""
    return pci_root(domain) == "pcie-root"


def pci_root(domain: Domain) -> str | None:
    """The model of the controller whose bus is number 0, if there is one."""
    for controller in domain.devices.controllers:
        if controller.type == "pci" and controller.index == 0:
            return controller.model
    return None


def supports_pci(domain: Domain, emulator: EmulatorFacts) -> bool:
    """Whether devices may have PCI addresses at all."""
    if not is_arm(domain) and domain.os.arch not in RISCV:
        return True
    if is_versatile(domain):
        return True
    return (is_arm_virt(domain) or is_riscv_virt(domain)) and emulator.has("gpex-pcihost")


def is_ppc64(domain: Domain) -> bool:
    """A 64-bit POWER guest on whatever platform."""
    return domain.os.arch in PPC64


def is_riscv(domain: Domain) -> bool:
    """A RISC-V guest of whatever kind."""
    return domain.os.arch in RISCV
