# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asking an emulator what it can do: started once without a guest, asked over QMP, ended.

Nothing said by the emulator is believed blindly: what has not the expected form fails the probe.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import chain
from typing import Any

from drivers.qemu.capabilities import flags
from drivers.qemu.capabilities.arch import ARCHES
from drivers.qemu.capabilities.model import (
    Capabilities,
    CpuDefinition,
    CpuFacts,
    GicSupport,
    MachineType,
    Summary,
    VirtType,
)
from drivers.qemu.capabilities.schema import Schema
from drivers.qemu.monitor import Monitor, QmpError
from virtd.errors import Code, VirtError

log = logging.getLogger(__name__)

#: Seconds for one emulator to start and answer everything, on a machine that may be busy.
PROBE_TIMEOUT = 10.0
_STDERR_SHOWN = 1000

_QEMU_TO_ARCH = {arch.qemu: arch.name for arch in ARCHES.values() if arch.name != "armv6l"}

#: Machine types that are nobody's choice for a guest.
_HIDDEN_MACHINES = frozenset({"none"})

#: Architectures whose machine libvirt prefers to QEMU's own default.
_PREFERRED_MACHINE = {"i686": "pc", "x86_64": "pc", "armv7l": "integratorcp", "aarch64": "integratorcp"}


#: Seconds in which a process is gone that has closed its monitor.
_END_SECONDS = 0.5


class ProbeError(VirtError):
    """The emulator cannot be used: it did not start, crashed, hung or talked nonsense."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(Code.INTERNAL_ERROR, f"Failed to probe QEMU binary with QMP: {path}: {why}")


class _NotStartedError(ProbeError):
    """It ended at once; what it wrote says why."""

    def __init__(self, path: str, words: str) -> None:
        VirtError.__init__(self, Code.INTERNAL_ERROR, f"Failed to start QEMU binary {path} for probing: {words}")


async def probe_summary(path: str, host_arch: str, *, kvm: bool) -> Summary:
    """Ask only what the host's capabilities show.

    Raises:
        ProbeError: no usable answer within `PROBE_TIMEOUT`.
    """
    async with _emulator(path, "kvm:tcg" if kvm else "tcg") as monitor:
        return Summary(**await _basics(monitor, path, host_arch, CpuFacts()))


async def probe(path: str, host_arch: str, *, kvm: bool) -> Capabilities:
    """Ask everything.  With `kvm`, the CPU models are asked under both accelerators, side by side.

    Raises:
        ProbeError: no usable answer within `PROBE_TIMEOUT`.
    """
    if not kvm:
        return await _probe_all(path, host_arch, "tcg")
    found, emulated = await asyncio.gather(
        _probe_all(path, host_arch, "kvm:tcg"), _probe_cpus(path, "tcg"), return_exceptions=True
    )
    for outcome in (found, emulated):
        if isinstance(outcome, BaseException):
            raise outcome
    assert isinstance(found, Capabilities)
    return found.model_copy(update={"cpus": {**found.cpus, "qemu": emulated}})


async def _probe_all(path: str, host_arch: str, accel: str) -> Capabilities:
    async with _emulator(path, accel) as monitor:
        cpus = await _cpus(monitor)
        basics = await _basics(monitor, path, host_arch, cpus)
        answers = await _answers(monitor, basics)
        virt_type: VirtType = "kvm" if basics["kvm"] else "qemu"
        return Capabilities(
            **basics,
            flags=flags.derive(answers),
            types=frozenset(answers.types),
            commands=frozenset(answers.commands),
            cpus={virt_type: cpus},
            gic=tuple(GicSupport(**g) for g in await _ask(monitor, "query-gic-capabilities", [])),
            sev=await _ask(monitor, "query-sev-capabilities", None),
            sgx=bool((await _ask(monitor, "query-sgx-capabilities", {})).get("sgx")),
        )


async def _probe_cpus(path: str, accel: str) -> CpuFacts:
    async with _emulator(path, accel) as monitor:
        return await _cpus(monitor)


@asynccontextmanager
async def _emulator(path: str, accel: str) -> AsyncIterator[Monitor]:
    """A running emulator without a guest; it is gone afterwards, whatever happened."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    monitor = Monitor(f"probe of {path}")
    process = None
    try:
        async with asyncio.timeout(PROBE_TIMEOUT):
            process = await _start(path, accel, theirs)
            theirs.close()
            try:
                await monitor.connect(ours)
            except VirtError as error:
                if not await _has_ended(process):
                    raise
                raise _NotStartedError(path, await _last_words(process)) from error
            yield monitor
    except TimeoutError:
        raise ProbeError(path, f"no answer within {PROBE_TIMEOUT:g} seconds") from None
    except OSError as error:
        raise ProbeError(path, str(error)) from error
    except ProbeError:
        raise
    except (VirtError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ProbeError(path, await _last_words(process) or str(error)) from error
    finally:
        theirs.close()
        await monitor.close()
        ours.close()
        if process is not None:
            await _end(process)


async def _start(path: str, accel: str, monitor: socket.socket) -> asyncio.subprocess.Process:
    fd = monitor.fileno()
    return await asyncio.create_subprocess_exec(
        path,
        *("-S", "-no-user-config", "-nodefaults", "-nographic"),
        *("-machine", f"none,accel={accel}"),
        *("-chardev", f"socket,id=monitor,fd={fd}"),
        *("-mon", "chardev=monitor,mode=control"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        pass_fds=[fd],
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )


async def _has_ended(process: asyncio.subprocess.Process) -> bool:
    try:
        async with asyncio.timeout(_END_SECONDS):
            await process.wait()
    except TimeoutError:
        return False
    return True


async def _last_words(process: asyncio.subprocess.Process | None) -> str:
    """What an emulator that is of no use wrote to its standard error."""
    if process is None or process.stderr is None:
        return ""
    _kill(process)
    text = await process.stderr.read(_STDERR_SHOWN)
    return text.decode(errors="replace").strip()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill and reap.  There is no guest that would want a gentler end."""
    _kill(process)
    await process.wait()


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()


async def _ask(monitor: Monitor, command: str, default: Any, **arguments: Any) -> Any:
    """An answer, or `default` where QEMU does not know the command or the thing asked about."""
    try:
        return await monitor.execute(command, arguments or None, timeout=PROBE_TIMEOUT)
    except QmpError:
        return default


async def _basics(monitor: Monitor, path: str, host_arch: str, cpus: CpuFacts) -> dict[str, Any]:
    """The fields of a `Summary`; default CPUs are named only if `cpus` knows them."""
    version, target, kvm, machines = await asyncio.gather(
        _ask(monitor, "query-version", {}),
        _ask(monitor, "query-target", {}),
        _ask(monitor, "query-kvm", {}),
        _ask(monitor, "query-machines", []),
    )
    number, arch = version["qemu"], _QEMU_TO_ARCH.get(target["arch"], target["arch"])
    models = {model.typename: model.name for model in cpus.models}
    found = [_machine(m, models) for m in machines if m["name"] not in _HIDDEN_MACHINES]
    return {
        "path": path,
        "arch": arch,
        "host_arch": host_arch,
        "version": number["major"] * 1000000 + number["minor"] * 1000 + number["micro"],
        "package": version.get("package", ""),
        "kvm": bool(kvm.get("enabled")),
        "machines": tuple(found),
        "default_machine": _default_machine(arch, machines, found),
    }


def _machine(answer: Mapping[str, Any], models: Mapping[str, str]) -> MachineType:
    return MachineType(
        name=answer["name"],
        alias=answer.get("alias"),
        max_cpus=answer.get("cpu-max", 0),
        default_cpu=models.get(answer.get("default-cpu-type", "")),
        default_ram_id=answer.get("default-ram-id"),
        hotpluggable_cpus=answer.get("hotpluggable-cpus", False),
        numa_mem_supported=answer.get("numa-mem-supported", True),
        deprecated=answer.get("deprecated", False),
        acpi=answer.get("acpi"),
    )


def _default_machine(arch: str, answers: list[dict[str, Any]], machines: list[MachineType]) -> str | None:
    """The preferred one, else QEMU's default, else the first it names."""
    wanted = _PREFERRED_MACHINE.get(arch)
    preferred = (m.name for m in machines if wanted is not None and wanted in (m.alias, m.name))
    own = (a["name"] for a in answers if a.get("is-default"))
    return next(chain(preferred, own, (m.name for m in machines)), None)


async def _answers(monitor: Monitor, basics: Mapping[str, Any]) -> flags.Answers:
    commands, types, options, schema, migration, models, backends = await asyncio.gather(
        _ask(monitor, "query-commands", []),
        _ask(monitor, "qom-list-types", []),
        _ask(monitor, "query-command-line-options", []),
        _ask(monitor, "query-qmp-schema", []),
        _ask(monitor, "query-migrate-capabilities", []),
        _ask(monitor, "query-tpm-models", []),
        _ask(monitor, "query-tpm-types", []),
    )
    names = {t["name"] for t in types}
    return flags.Answers(
        arch=basics["arch"],
        version=basics["version"],
        commands={c["name"] for c in commands},
        types=names,
        schema=Schema(schema),
        options={o["option"]: {p["name"] for p in o["parameters"]} for o in options},
        properties=await _properties(monitor, names, basics["machines"]),
        migration={c["capability"] for c in migration},
        tpm_models=set(models),
        tpm_types=set(backends),
        kvm=basics["kvm"],
    )


async def _properties(
    monitor: Monitor, types: set[str], machines: tuple[MachineType, ...]
) -> dict[str, dict[str, Any]]:
    """The properties that flags are derived from, of the types that are there."""
    questions = [("device-list-properties", t, t) for t in flags.DEVICE_PROPERTIES if t in types]
    questions += [("qom-list-properties", t, t) for t in flags.OBJECT_PROPERTIES if t in types]
    newest = {m.alias: m.name for m in machines if m.alias} | {"none": "none"}
    questions += [
        ("qom-list-properties", family, f"{newest[family]}-machine")
        for family in flags.MACHINE_PROPERTIES
        if family in newest
    ]
    answers = await asyncio.gather(*(_ask(monitor, command, [], typename=t) for command, _, t in questions))
    return {name: {p["name"]: p for p in answer} for (_, name, _), answer in zip(questions, answers, strict=True)}


async def _cpus(monitor: Monitor) -> CpuFacts:
    """The models, and all properties of the best one: `host` only exists where KVM runs."""
    definitions = await _ask(monitor, "query-cpu-definitions", [])
    names = {d["name"] for d in definitions}
    with_kvm = (await _ask(monitor, "query-kvm", {})).get("enabled")
    best = next((name for name in (("host", "max") if with_kvm else ("max",)) if name in names), None)
    properties, all_properties = await asyncio.gather(
        _expand(monitor, best, migratable=True), _expand(monitor, best, migratable=False)
    )
    return CpuFacts(
        models=tuple(_cpu_definition(d) for d in definitions),
        best_model=best,
        best=properties,
        unmigratable=frozenset(n for n, v in all_properties.items() if v is True and properties.get(n) is not True),
    )


def _cpu_definition(answer: Mapping[str, Any]) -> CpuDefinition:
    blockers = answer.get("unavailable-features")
    return CpuDefinition(
        name=answer["name"],
        typename=answer.get("typename", ""),
        blockers=None if blockers is None else tuple(blockers),
        deprecated=answer.get("deprecated", False),
    )


async def _expand(monitor: Monitor, name: str | None, *, migratable: bool) -> dict[str, Any]:
    """All properties of a CPU model as this accelerator gives it; empty where QEMU cannot tell."""
    if name is None:
        return {}
    model: dict[str, Any] = {"name": name}
    if not migratable:
        model["props"] = {"migratable": False}
    answer = await _ask(monitor, "query-cpu-model-expansion", {}, type="full", model=model)
    return dict(answer["model"].get("props", {})) if answer else {}
