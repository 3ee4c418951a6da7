# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `<vcpu>`, `<iothreads>`, `<cputune>`, `<numatune>` and `<numa>` say about each other."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from conf.bitmap import parse_bitmap
from conf.domain.cputune import MOST_THREADS, CPUTune, DefaultIOThread, IOThreadID, IOThreadSched, VcpuEntry, VcpuSched
from conf.domain.memory import Numatune, NumatuneMemory
from conf.domain.resctrl import settle_resource_control
from conf.errors import ConfigUnsupportedError, InternalError, XMLDetailError, XMLError

if TYPE_CHECKING:
    from conf.domain.domain import Domain


def settle_placement(domain: Domain) -> None:
    """Complete what follows from the rest, refuse what contradicts it.

    Raises:
        ConfError: with libvirt's code and text.
    """
    _settle_vcpus(domain)
    _check_numa_cpus(domain)
    _settle_hugepages(domain)
    _settle_iothreads(domain)
    if domain.cputune is not None:
        _settle_pins(domain, domain.cputune)
        _settle_schedulers(domain, domain.cputune)
        settle_resource_control(domain.cputune, domain.vcpu.count)
    _settle_numatune(domain)
    if domain.numatune is not None:
        _check_memnodes(domain, domain.numatune)


def _settle_vcpus(domain: Domain) -> None:
    """Vcpus named one by one: the last word on each counts, the rest wait to be plugged."""
    if not domain.vcpus:
        return
    named: dict[int, VcpuEntry] = {}
    for vcpu in domain.vcpus:
        if vcpu.id >= domain.vcpu.count:
            raise XMLError(f"vcpu id '{vcpu.id}' is out of range of maximum vcpu count")
        if vcpu.hotpluggable is None:
            vcpu.hotpluggable = not vcpu.enabled
        named[vcpu.id] = vcpu
    for number in range(domain.vcpu.count):
        named.setdefault(number, VcpuEntry(id=number, enabled=False, hotpluggable=True))
    domain.vcpus = [named[number] for number in sorted(named)]
    online = sum(vcpu.enabled for vcpu in domain.vcpus)
    domain.vcpu.current = online if online != domain.vcpu.count else None


def _check_numa_cpus(domain: Domain) -> None:
    cells = domain.cpu.numa.cells if domain.cpu and domain.cpu.numa else []
    cpus: set[int] = set()
    for cell in cells:
        cpus |= parse_bitmap(cell.cpus) if cell.cpus else set()
    if len(cpus) > domain.vcpu.count:
        raise InternalError("Number of CPUs in <numa> exceeds the <vcpu> count")
    if domain.vcpu.count == 0 or (cpus and max(cpus) >= domain.vcpu.count):
        raise InternalError("CPU IDs in <numa> exceed the <vcpu> count")


def _settle_hugepages(domain: Domain) -> None:
    """A guest without nodes has one, number 0: pages for it are pages for all."""
    pages = domain.memory_backing.hugepages if domain.memory_backing else None
    if pages is None or (domain.cpu and domain.cpu.numa):
        return
    for page in pages.pages:
        if page.nodeset == "0":
            page.nodeset = None


def _settle_iothreads(domain: Domain) -> None:
    """Threads that are counted but have no id get the lowest free ones."""
    if not (domain.iothreads or domain.iothreadids or domain.defaultiothread):
        return
    if (domain.iothreads or 0) > MOST_THREADS:
        raise XMLError(f"invalid iothreads count '{domain.iothreads}'")
    ids = [thread.id for thread in domain.iothreadids]
    seen: set[int] = set()
    for number in ids:
        if number in seen:
            raise XMLError(f"duplicate iothread id '{number}' found")
        seen.add(number)
    if len(ids) > (domain.iothreads or 0):
        domain.iothreads = len(ids)
    for pool in (*domain.iothreadids, domain.defaultiothread):
        if pool is not None:
            _check_pool(pool)
    if ids:
        missing = (domain.iothreads or 0) - len(ids)
        free = (number for number in range(1, len(ids) + missing + 1) if number not in seen)
        domain.iothreadids += [IOThreadID(id=next(free)) for _ in range(missing)]


def _check_pool(pool: DefaultIOThread) -> None:
    if pool.thread_pool_max == 0:
        raise ConfigUnsupportedError("thread_pool_max must be a positive integer")
    if pool.thread_pool_min is not None and pool.thread_pool_min > (pool.thread_pool_max or -1):
        raise ConfigUnsupportedError("thread_pool_min must be smaller or equal to thread_pool_max")


def _settle_pins(domain: Domain, tune: CPUTune) -> None:
    """In order of what is pinned; a vCPU that the guest has not is no matter."""
    tune.vcpupins = sorted((pin for pin in tune.vcpupins if pin.vcpu < domain.vcpu.count), key=lambda pin: pin.vcpu)
    vcpus = [pin.vcpu for pin in tune.vcpupins]
    for one, other in pairwise(vcpus):
        if one == other:
            raise InternalError(f"duplicate vcpupin for vcpu '{one}'")
    known = {number: place for place, number in enumerate(domain.all_iothread_ids())}
    seen: set[int] = set()
    for pin in tune.iothreadpins:
        if pin.iothread not in known:
            raise ConfigUnsupportedError(f"Cannot find 'iothread' : {pin.iothread}")
        if pin.iothread in seen:
            raise InternalError(f"duplicate iothreadpin for same iothread '{pin.iothread}'")
        seen.add(pin.iothread)
    tune.iothreadpins.sort(key=lambda pin: known[pin.iothread])


def _settle_schedulers(domain: Domain, tune: CPUTune) -> None:
    """One element for each vCPU and I/O thread, in their order."""
    vcpus: dict[int, VcpuSched] = {}
    for vcpu_sched in tune.vcpuscheds:
        for number in parse_bitmap(vcpu_sched.vcpus):
            if number in vcpus:
                raise XMLDetailError("'vcpusched' attributes 'vcpus' must not overlap")
            if number >= domain.vcpu.count:
                raise ConfigUnsupportedError(f"vCPU '{number}' is not present in domain definition")
            vcpus[number] = vcpu_sched.model_copy(update={"vcpus": str(number)})
    tune.vcpuscheds = [vcpus[number] for number in sorted(vcpus)]
    known = dict.fromkeys(domain.all_iothread_ids())
    threads: dict[int, IOThreadSched] = {}
    for thread_sched in tune.iothreadscheds:
        for number in parse_bitmap(thread_sched.iothreads):
            if number in threads:
                raise XMLDetailError("'iothreadsched' attributes 'iothreads' must not overlap")
            if number not in known:
                raise ConfigUnsupportedError(f"Cannot find 'iothread' : {number}")
            threads[number] = thread_sched.model_copy(update={"iothreads": str(number)})
    tune.iothreadscheds = [threads[number] for number in known if number in threads]


def _settle_numatune(domain: Domain) -> None:
    """Automatic placement of CPUs and of memory go together unless one is nailed down."""
    memory = domain.numatune.memory if domain.numatune else None
    automatic = domain.vcpu.placement == "auto"
    if memory is None:
        if automatic:
            domain.numatune = domain.numatune or Numatune()
            domain.numatune.memory = NumatuneMemory(placement="auto")
        return
    if memory.placement is None:
        memory.placement = "auto" if memory.nodeset is None and automatic else "static"
    if memory.placement == "auto":
        memory.nodeset = None
        if not domain.vcpu.cpuset and not _has_pins(domain.cputune):
            domain.vcpu.placement = "auto"
    elif memory.nodeset is None:
        raise ConfigUnsupportedError("nodeset for NUMA memory tuning must be set if 'placement' is 'static'")


def _has_pins(tune: CPUTune | None) -> bool:
    return tune is not None and bool(tune.vcpupins or tune.emulatorpin or tune.iothreadpins)


def _check_memnodes(domain: Domain, tune: Numatune) -> None:
    cells = domain.cpu.numa.cells if domain.cpu and domain.cpu.numa else []
    memory = tune.memory
    if tune.memnodes and memory is not None and memory.placement == "auto":
        raise ConfigUnsupportedError("Per-node binding is not compatible with automatic NUMA placement.")
    if tune.memnodes and not cells:
        raise XMLError("Element 'memnode' is invalid without any guest NUMA cells")
    seen: set[int] = set()
    for node in tune.memnodes:
        if node.cellid >= len(cells):
            raise XMLError("Argument 'cellid' in memnode element must correspond to existing guest's NUMA cell")
        if node.cellid in seen:
            raise XMLError(f"Multiple memnode elements with cellid {node.cellid}")
        seen.add(node.cellid)
        if memory is not None and (memory.mode == "restrictive") != (node.mode == "restrictive"):
            raise XMLError(
                "'restrictive' mode is required in memnode element when mode is 'restrictive' in memory element"
            )
    tune.memnodes.sort(key=lambda node: node.cellid)
