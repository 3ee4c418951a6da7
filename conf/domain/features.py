# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<features>`: what the machine offers its guest."""

from __future__ import annotations

from typing import Annotated, Literal

from conf.binding import (
    Model,
    OnOff,
    ParseOptions,
    Scalar,
    Scale,
    Uint,
    attr,
    child,
    child_text,
    flag,
    number,
    on,
)
from conf.errors import ConfigUnsupportedError, XMLError

_FEWEST_RETRIES = 4095
#: libvirt reads an unsigned number and writes a signed one.
_RETRIES = Scalar(number().parse, lambda value: str(value - 2**32 if value >= 2**31 else value))
_LONGEST_VENDOR = 12


class State(Model):
    """A feature that is on, off, or (the element without the attribute) on."""

    state: OnOff = attr(default=True)


class RequiredState(Model):
    """A feature that must say whether it is on."""

    state: OnOff = attr(required=True)


class _Group(Model):
    """Features of one hypervisor; a group stands there even when it is empty."""

    last_counts = True

    @property
    def has_end_tag(self) -> bool:
        return True


class APIC(Model):
    """`<apic>`."""

    eoi: OnOff | None = attr()


class Spinlocks(Model):
    """`<spinlocks>` of Hyper-V: how often a guest tries before it tells the hypervisor."""

    state: OnOff = attr(required=True)
    retries: Annotated[int, _RETRIES] | None = attr(when=on("state", True), required=True)

    def check(self, options: ParseOptions) -> None:
        if self.retries is not None and self.retries < _FEWEST_RETRIES:
            raise XMLError(f"HyperV spinlock retry count must be at least {_FEWEST_RETRIES}")


class STimer(RequiredState):
    """`<stimer>` of Hyper-V."""

    unknown_child = (ConfigUnsupportedError, "unsupported Hyper-V stimer feature: %s")

    direct: RequiredState | None = child(when=on("state", True))

    def check(self, options: ParseOptions) -> None:
        if self.direct is not None and not self.direct.state:
            self.direct = None


class VendorID(Model):
    """`<vendor_id>` of Hyper-V."""

    state: OnOff = attr(required=True)
    value: str | None = attr(
        when=on("state", True), required=(XMLError, "missing 'value' attribute for HyperV feature 'vendor_id'")
    )

    def check(self, options: ParseOptions) -> None:
        if self.value is not None and len(self.value) > _LONGEST_VENDOR:
            raise XMLError(f"HyperV vendor_id value must not be more than {_LONGEST_VENDOR} characters.")
        if self.value is not None and "," in self.value:
            raise XMLError("HyperV vendor_id value is invalid")


class HyperV(_Group):
    """`<hyperv>`: enlightenments."""

    unknown_child = (ConfigUnsupportedError, "unsupported HyperV Enlightenment feature: %s")

    mode: Literal["custom", "passthrough"] = attr(default="custom")
    relaxed: RequiredState | None = child()
    vapic: RequiredState | None = child()
    spinlocks: Spinlocks | None = child()
    vpindex: RequiredState | None = child()
    runtime: RequiredState | None = child()
    synic: RequiredState | None = child()
    stimer: STimer | None = child()
    reset: RequiredState | None = child()
    vendor_id: VendorID | None = child()
    frequencies: RequiredState | None = child()
    reenlightenment: RequiredState | None = child()
    tlbflush: RequiredState | None = child()
    ipi: RequiredState | None = child()
    evmcs: RequiredState | None = child()
    avic: RequiredState | None = child()


class DirtyRing(Model):
    """`<dirty-ring>`: entries of each vCPU's ring."""

    state: OnOff = attr(required=True)
    size: Uint | None = attr(when=on("state", True), required=True)

    def check(self, options: ParseOptions) -> None:
        size = self.size
        if size is not None and (size & (size - 1) or not 1024 <= size <= 65536):
            raise XMLError("dirty ring must be power of 2 and ranges [1024, 65536]")


class KVM(_Group):
    """`<kvm>`."""

    unknown_child = (ConfigUnsupportedError, "unsupported KVM feature: %s")

    hidden: RequiredState | None = child()
    hint_dedicated: RequiredState | None = child("hint-dedicated")
    poll_control: RequiredState | None = child("poll-control")
    pv_ipi: RequiredState | None = child("pv-ipi")
    dirty_ring: DirtyRing | None = child("dirty-ring")


class XenPassthrough(Model):
    """`<passthrough>` of Xen."""

    state: OnOff = attr(required=True)
    mode: Literal["sync_pt", "share_pt"] | None = attr(when=on("state", True))


class Xen(_Group):
    """`<xen>`."""

    unknown_child = (ConfigUnsupportedError, "unsupported Xen feature: %s")

    e820_host: RequiredState | None = child()
    passthrough: XenPassthrough | None = child()


class GIC(Model):
    """`<gic>`: ARM's interrupt controller."""

    version: Literal["host", "2", "3"] | None = attr()


class SMM(State):
    """`<smm>`; `tseg` in bytes."""

    tseg: int | None = child_text(when=on("state", True), scale=Scale("B", "MiB", pretty=True))


class IOAPIC(Model):
    """`<ioapic>`."""

    driver: Literal["qemu", "kvm"] | None = attr()


class HPT(Model):
    """`<hpt>`: pSeries' page table; `maxpagesize` in KiB."""

    resizing: Literal["enabled", "disabled", "required"] | None = attr()
    maxpagesize: int | None = child_text(scale=Scale("KiB"))


class MSRs(Model):
    """`<msrs>`."""

    unknown: Literal["ignore", "fault"] = attr(required=True)


class Mitigation(Model):
    """`<cfpc>`, `<sbbc>`: pSeries' answers to speculative execution."""

    value: Literal["broken", "workaround", "fixed"] | None = attr()


class IBS(Model):
    """`<ibs>`."""

    value: Literal["broken", "workaround", "fixed-ibs", "fixed-ccd", "fixed-na"] | None = attr()


class TCG(Model):
    """`<tcg>`; `tb_cache` in KiB."""

    tb_cache: int | None = child_text("tb-cache", scale=Scale("KiB"))


class Capabilities(Model):
    """`<capabilities>` of a container: kept and dropped ones."""

    last_counts = True
    unknown_child = (ConfigUnsupportedError, "unexpected capability feature '%s'")

    policy: Literal["default", "allow", "deny"] = attr(default="default")
    audit_control: State | None = child()
    audit_write: State | None = child()
    block_suspend: State | None = child()
    chown: State | None = child()
    dac_override: State | None = child()
    dac_read_search: State | None = child()
    fowner: State | None = child()
    fsetid: State | None = child()
    ipc_lock: State | None = child()
    ipc_owner: State | None = child()
    kill: State | None = child()
    lease: State | None = child()
    linux_immutable: State | None = child()
    mac_admin: State | None = child()
    mac_override: State | None = child()
    mknod: State | None = child()
    net_admin: State | None = child()
    net_bind_service: State | None = child()
    net_broadcast: State | None = child()
    net_raw: State | None = child()
    setgid: State | None = child()
    setfcap: State | None = child()
    setpcap: State | None = child()
    setuid: State | None = child()
    sys_admin: State | None = child()
    sys_boot: State | None = child()
    sys_chroot: State | None = child()
    sys_module: State | None = child()
    sys_nice: State | None = child()
    sys_pacct: State | None = child()
    sys_ptrace: State | None = child()
    sys_rawio: State | None = child()
    sys_resource: State | None = child()
    sys_time: State | None = child()
    sys_tty_config: State | None = child()
    syslog: State | None = child()
    wake_alarm: State | None = child()


class Features(Model):
    """`<features>`."""

    last_counts = True
    unknown_child = (ConfigUnsupportedError, "unexpected feature '%s'")

    acpi: bool = flag()
    apic: APIC | None = child(keep_empty=True)
    pae: bool = flag()
    hap: State | None = child()
    viridian: bool = flag()
    privnet: bool = flag()
    hyperv: HyperV | None = child(keep_empty=True)
    kvm: KVM | None = child(keep_empty=True)
    pvspinlock: State | None = child()
    capabilities: Capabilities | None = child()
    pmu: State | None = child()
    vmport: State | None = child()
    gic: GIC | None = child(keep_empty=True)
    smm: SMM | None = child()
    ioapic: IOAPIC | None = child()
    hpt: HPT | None = child()
    vmcoreinfo: State | None = child()
    htm: RequiredState | None = child()
    nested_hv: RequiredState | None = child("nested-hv")
    msrs: MSRs | None = child()
    ccf_assist: RequiredState | None = child("ccf-assist")
    xen: Xen | None = child(keep_empty=True)
    cfpc: Mitigation | None = child()
    sbbc: Mitigation | None = child()
    ibs: IBS | None = child()
    tcg: TCG | None = child()

    def check(self, options: ParseOptions) -> None:
        # What is there but says nothing is not there.
        for name, empty in (("capabilities", Capabilities()), ("hpt", HPT()), ("ioapic", IOAPIC()), ("tcg", TCG())):
            if getattr(self, name) == empty:
                setattr(self, name, None)
        for name in ("cfpc", "sbbc", "ibs"):
            mitigation = getattr(self, name)
            if mitigation is not None and mitigation.value is None:
                setattr(self, name, None)
