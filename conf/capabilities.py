# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a host and its emulators can do: `<capabilities>` and `<domainCapabilities>`.

Both are only ever written, so the models know no defaults and check nothing.
"""

from __future__ import annotations

from conf.binding import (
    FormatOptions,
    Model,
    YesNo,
    attr,
    child,
    child_text,
    children,
    flag,
    format_document,
    text,
    texts,
)


class Named(Model):
    """`<feature name='…'/>`."""

    name: str = attr()


# --- the host ---------------------------------------------------------------------------------------


class Signature(Model):
    """Family, model and stepping of an x86 CPU."""

    family: int = attr()
    model: int = attr()
    stepping: int = attr()


class Counter(Model):
    """The time stamp counter, in Hz."""

    name: str = attr()
    frequency: int = attr()
    scaling: YesNo | None = attr()


class CpuTopology(Model):
    """How many of what the host has."""

    sockets: int = attr()
    dies: int = attr()
    cores: int = attr()
    threads: int = attr()


class PageSize(Model):
    """A page size the CPU can use, in KiB."""

    unit: str = attr(default="KiB")
    size: int = attr()


class HostCpu(Model):
    """The host's CPU as a named model and what it has beyond that."""

    arch: str = child_text()
    model: str | None = child_text()
    vendor: str | None = child_text()
    microcode: int | None = attr("version", at="microcode")
    signature: Signature | None = child()
    counter: Counter | None = child()
    topology: CpuTopology | None = child()
    physical_address_mode: str | None = attr("mode", at="maxphysaddr")
    physical_address_bits: int | None = attr("bits", at="maxphysaddr")
    features: list[Named] = children("feature")
    pages: list[PageSize] = children("pages")


class PowerManagement(Model):
    """How the host can sleep."""

    suspend_mem: bool = flag()
    suspend_disk: bool = flag()
    suspend_hybrid: bool = flag()


class MigrationFeatures(Model):
    """How guests can be moved."""

    live: bool = flag()
    transports: list[str] = texts("uri_transport", within="uri_transports")


class CellPages(Model):
    """How many pages of a size (KiB) a cell has."""

    unit: str = attr(default="KiB")
    size: int = attr()
    count: int = text()


class Sibling(Model):
    """The distance to another cell."""

    id: int = attr()
    value: int = attr()


class CellCpu(Model):
    """A CPU and its place; `siblings` are the threads of its core, as a list of ranges."""

    id: int = attr()
    socket_id: int | None = attr()
    die_id: int | None = attr()
    core_id: int | None = attr()
    siblings: str | None = attr()


class CellCpus(Model):
    """The CPUs of a cell."""

    num: int = attr()
    cpus: list[CellCpu] = children("cpu")


class Cell(Model):
    """A NUMA node; memory in KiB."""

    id: int = attr()
    memory_unit: str | None = attr("unit", at="memory")
    memory: int | None = child_text()
    pages: list[CellPages] = children("pages")
    distances: list[Sibling] = children("sibling", within="distances")
    cpus: CellCpus = child()


class Cells(Model):
    """All NUMA nodes."""

    num: int = attr()
    cells: list[Cell] = children("cell")


class Topology(Model):
    """Where CPUs and memory are."""

    cells: Cells = child()


class CacheBank(Model):
    """A CPU cache."""

    id: int = attr()
    level: int = attr()
    type: str = attr()
    size: int = attr()
    unit: str = attr()
    cpus: str = attr()


class BaseLabel(Model):
    """The label a security model gives to guests of a type by default."""

    type: str = attr()
    label: str = text()


class SecurityModel(Model):
    """A way in which guests are confined."""

    model: str = child_text()
    doi: str = child_text()
    labels: list[BaseLabel] = children("baselabel")


class Host(Model):
    """The machine we run on."""

    uuid: str | None = child_text()
    cpu: HostCpu = child()
    power_management: PowerManagement | None = child(keep_empty=True)
    iommu: YesNo | None = attr("support", at="iommu")
    migration_features: MigrationFeatures | None = child()
    topology: Topology | None = child()
    cache: list[CacheBank] = children("bank", within="cache")
    secmodels: list[SecurityModel] = children("secmodel")


# --- kinds of guests --------------------------------------------------------------------------------


class GuestMachine(Model):
    """A machine type; `canonical` is what an alias stands for."""

    canonical: str | None = attr()
    max_cpus: int | None = attr("maxCpus")
    deprecated: YesNo | None = attr()
    name: str = text()


class GuestDomain(Model):
    """A hypervisor type for the architecture."""

    type: str = attr()


class GuestArch(Model):
    """An architecture and how guests of it are run."""

    name: str = attr()
    wordsize: int = child_text()
    emulator: str = child_text()
    machines: list[GuestMachine] = children("machine")
    domains: list[GuestDomain] = children("domain")


class Toggle(Model):
    """A feature with a default, and whether it can be changed."""

    default: str = attr()
    toggle: YesNo = attr()


class GuestFeatures(Model):
    """What the XML of such guests can ask for."""

    pae: bool = flag()
    nonpae: bool = flag()
    acpi: Toggle | None = child()
    apic: Toggle | None = child()
    cpuselection: bool = flag()
    deviceboot: bool = flag()
    disksnapshot: Toggle | None = child()


class GuestKind(Model):
    """A kind of guest that can be run."""

    os_type: str = child_text()
    arch: GuestArch = child()
    features: GuestFeatures = child(keep_empty=True)


def format_capabilities(host: Host, guests: list[GuestKind]) -> str:
    """`<capabilities>`, with libvirt's empty lines between its parts."""
    options = FormatOptions()
    parts = [format_document(host, "host", options, indent=2)]
    parts += [format_document(guest, "guest", options, indent=2) for guest in guests]
    return "\n".join(["<capabilities>\n", *parts, "</capabilities>\n"])


# --- domain capabilities ----------------------------------------------------------------------------


class Choice(Model):
    """`<enum name='…'>`: the values that something may have."""

    name: str = attr()
    values: list[str] = texts("value")


class Feature(Model):
    """Something a guest can have or not; the choices make sense only if it can."""

    supported: YesNo = attr()
    values: list[str] = texts("value")
    enums: list[Choice] = children("enum")


class OsSupport(Model):
    """How guests boot."""

    supported: YesNo = attr()
    firmware: list[Choice] = children("enum")
    loader: Feature = child()


class CpuFeature(Model):
    """A feature that a host-model CPU adds or lacks."""

    policy: str = attr()
    name: str = attr()


class CpuModelSupport(Model):
    """A model: whether this host can give it, or (`host-model`) the one it comes to."""

    fallback: str | None = attr()
    usable: str | None = attr()
    deprecated: YesNo | None = attr()
    vendor: str | None = attr()
    name: str = text()


class CpuMode(Model):
    """`<mode>` of `<cpu>`."""

    name: str = attr()
    supported: YesNo = attr()
    enums: list[Choice] = children("enum")
    models: list[CpuModelSupport] = children("model")
    vendor: str | None = child_text()
    features: list[CpuFeature] = children("feature")


class CpuSupport(Model):
    """The CPU modes."""

    modes: list[CpuMode] = children("mode")


class DeviceSupport(Model):
    """The devices; an absent one is one nobody can tell about."""

    disk: Feature = child()
    graphics: Feature = child()
    video: Feature = child()
    hostdev: Feature = child()
    rng: Feature = child()
    filesystem: Feature = child()
    tpm: Feature = child()
    redirdev: Feature = child()
    channel: Feature = child()


class FeatureSupport(Model):
    """What else a guest can have."""

    gic: Feature = child()
    vmcoreinfo: Feature = child()
    genid: Feature = child()
    backing_store_input: Feature = child("backingStoreInput")
    backup: Feature = child()
    s390_pv: Feature | None = child("s390-pv")
    sev: Feature = child()
    sgx: Feature = child()
    hyperv: Feature | None = child()


class DomainCapabilities(Model):
    """What one emulator can do for guests of one machine type."""

    path: str = child_text()
    domain: str = child_text()
    machine: str | None = child_text()
    arch: str = child_text()
    max_vcpus: int | None = attr("max", at="vcpu")
    iothreads: Feature = child()
    os: OsSupport = child()
    cpu: CpuSupport = child()
    memory_backing: Feature = child("memoryBacking")
    devices: DeviceSupport = child()
    features: FeatureSupport = child()


def format_domain_capabilities(found: DomainCapabilities) -> str:
    """`<domainCapabilities>`."""
    return format_document(found, "domainCapabilities", FormatOptions())
