# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bringing a guest to life."""

from __future__ import annotations

import copy
import logging
import os
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib import metadata

from conf.domain import Domain, format_domain
from conf.errors import ConfError
from drivers.common.cpu.cpu_map import load_cpu_map
from drivers.qemu import command, commands, hostside, prepare, taints
from drivers.qemu.adopt import strays
from drivers.qemu.block import presence
from drivers.qemu.block.chains import complete_chains
from drivers.qemu.block.nodes import number_images
from drivers.qemu.capabilities import Capabilities
from drivers.qemu.command.hostdevs import number_backends
from drivers.qemu.command.preconditions import check_helpers, check_start, check_transient, check_vfio
from drivers.qemu.command.secrets import MASTER_KEY_BYTES
from drivers.qemu.cpu.guest import settle_cpu
from drivers.qemu.guest import Guest
from drivers.qemu.hostside import cgroup, limits, nvram
from drivers.qemu.hotplug import vcpus
from drivers.qemu.lifecycle import connection, device_events, ending, running
from drivers.qemu.lifecycle.building import build_context
from drivers.qemu.logfile import LogFile
from drivers.qemu.process import Process
from drivers.qemu.runtime import Runtime
from drivers.qemu.settings import Account, account
from virtd.enums import ConnectDomainEventAgentLifecycleReason as AgentReason
from virtd.enums import ConnectDomainEventAgentLifecycleState as AgentState
from virtd.enums import (
    DomainEventID,
    DomainEventStartedDetailType,
    DomainEventType,
    DomainPausedReason,
    DomainRunningReason,
    DomainShutoffReason,
    DomainState,
)
from virtd.errors import Code, VirtError
from virtd.host import machines
from virtd.store import files
from virtd.threads import in_thread

log = logging.getLogger(__name__)

#: Seconds a QEMU may take until it answers, by and large libvirt's.
CONNECT_SECONDS = 30.0


@dataclass(slots=True, frozen=True)
class StartOptions:
    """How to start: still paused, bound to its connection; the reason once it runs."""

    paused: bool = False
    autodestroy: bool = False
    reset_nvram: bool = False
    running_reason: int = DomainRunningReason.BOOTED
    started_detail: int = DomainEventStartedDetailType.BOOTED


async def start(guest: Guest, definition: Domain, options: StartOptions) -> None:
    """Start a QEMU for an inactive guest by `definition`; the caller holds the guest's job.

    Either the guest runs when this returns, or nothing is left of the attempt.

    Raises:
        VirtError: why it could not be started, in QEMU's own words where it spoke.
    """
    context = guest.context
    strays.refuse_second_start(guest)
    capabilities = await context.capabilities.get(definition.devices.emulator or "")
    live = copy.deepcopy(definition)
    if definition is guest.persistent:
        await _read_again(guest, definition)
    id_ = context.guests.next_id()
    runtime = Runtime(
        domain_dir=context.paths.domain_dir(id_, guest.name),
        channel_dir=context.paths.channel_dir(id_, guest.name),
        autodestroy=options.autodestroy,
        starting=True,
    )
    live.id = id_
    prepare.live(live, context, runtime)
    check_helpers(live)
    check_transient(live)
    await in_thread(check_start, live)
    check_vfio(live)
    await in_thread(settle_cpu, live, capabilities, load_cpu_map(live.os.arch or ""))
    await in_thread(nvram.make, live, context.settings.nvram, reset=options.reset_nvram)
    missing = await _find_images(guest, live, runtime)
    async with AsyncExitStack() as undo:
        guest.set_live(live)
        guest.runtime = runtime
        context.guests.claim_id(guest, id_)
        presence.tell(guest, missing)
        guest.set_state(DomainState.PAUSED, DomainPausedReason.STARTING_UP)
        _note_taints(guest, live, capabilities)
        undo.push_async_callback(_give_up, guest, runtime)
        await _bring_up(guest, runtime, capabilities)
        _tell_agent(guest)
        await _make_go(guest, runtime, options)
        undo.pop_all()
    runtime.starting = False
    guest.emit_lifecycle(DomainEventType.STARTED, options.started_detail)
    if options.paused:
        guest.emit_lifecycle(DomainEventType.SUSPENDED, running.SUSPENDED_AT_START)
    connection.watch_end(guest)


async def _read_again(guest: Guest, definition: Domain) -> None:
    """From its first start on, a guest's stored definition shows its devices in the order of one that was read again."""
    try:
        again = await prepare.definition(guest.context, format_domain(definition, secure=True))
    except (ConfError, VirtError) as error:
        log.warning("%s: its definition cannot be read again: %s", guest.name, error)
        return
    guest.set_persistent(again)


async def _find_images(guest: Guest, live: Domain, runtime: Runtime) -> list[presence.Missing]:
    """Number the images of the guest's disks and complete their chains; returns those it starts without."""
    whom = account(guest.context.settings, privileged=guest.context.env.privileged)
    disks = live.devices.disks
    last = number_backends(live.devices.hostdevs, number_images(disks))
    missing = await presence.drop_missing(disks)
    runtime.block.last_index = await complete_chains(disks, last, user=(whom.uid, whom.gid) if whom else None)
    return missing


def _note_taints(guest: Guest, live: Domain, capabilities: Capabilities) -> None:
    privileged = guest.context.env.privileged
    whom = account(guest.context.settings, privileged=privileged)
    guest.taints = dict.fromkeys(taints.taints(live, capabilities, whom, privileged=privileged))
    guest.deprecations = list(taints.deprecations(live, capabilities))


def _tell_agent(guest: Guest) -> None:
    """A guest that has a channel for an agent starts without one."""
    if device_events.agent_channel(guest.require_active()) is not None:
        guest.emit(DomainEventID.AGENT_LIFECYCLE, AgentState.DISCONNECTED, AgentReason.DOMAIN_STARTED)


async def _give_up(guest: Guest, runtime: Runtime) -> None:
    """Undo a start that did not succeed."""
    if runtime.process is not None:
        runtime.stopping = DomainShutoffReason.FAILED
        await runtime.process.terminate(force=True)
    await ending.release(guest, runtime, "failed")
    guest.set_state(DomainState.SHUTOFF, DomainShutoffReason.FAILED)
    ending.forget(guest)


async def _bring_up(guest: Guest, runtime: Runtime, capabilities: Capabilities) -> None:
    """From nothing to a QEMU that answers and stands still."""
    whom = account(guest.context.settings, privileged=guest.context.env.privileged)
    # Before anything is made: a daemon that finds this file without a pid undoes the start.
    await guest.save_status()
    resources = await in_thread(hostside.prepare, guest, runtime, whom)
    try:
        await in_thread(_write_master_key, runtime, whom)
        words = await _spawn(guest, runtime, capabilities, resources, whom)
    finally:
        # QEMU has its own by now; ours would keep the monitor's socket open when it dies.
        resources.close()
    try:
        await connection.attach(guest, runtime.monitor_path, seconds=CONNECT_SECONDS)
        await running.take_stock(guest)
        await vcpus.plug_at_start(guest)
        await running.adjust(guest)
    except VirtError as error:
        raise await _why(guest, runtime, words, error) from error


def _write_master_key(runtime: Runtime, whom: Account | None) -> None:
    """The key that secrets on QEMU's command line are encrypted with; new for each run."""
    path = runtime.master_key
    files.write_atomic(path, secrets.token_bytes(MASTER_KEY_BYTES), durable=False)
    if whom is not None:
        os.chown(path, whom.uid, whom.gid)


async def _spawn(
    guest: Guest, runtime: Runtime, capabilities: Capabilities, resources: hostside.Resources, whom: Account | None
) -> int:
    """Start the process; returns where in the log its words begin."""
    assert guest.live is not None
    paths = guest.context.paths
    line = command.build(guest.live, capabilities, build_context(guest, runtime, resources))
    logfile = LogFile(paths.log_file(guest.name))
    output = logfile.open()
    try:
        words = logfile.begin(
            output, f"virtd version: {metadata.version('virtd')}", _qemu_version(capabilities), line.env, line.argv
        )
        runtime.process = await Process.spawn(
            line.argv,
            environment=line.env,
            descriptors=resources.descriptors,
            output=output,
            account=whom,
        )
    finally:
        os.close(output)
    await in_thread(_note_process, guest, runtime)
    if guest.context.env.privileged and machines.systemd_runs():
        await machines.register(f"qemu-{guest.id}-{guest.name}", guest.uuid, runtime.process.pid, "vm")
    await guest.save_status()
    return words


def _note_process(guest: Guest, runtime: Runtime) -> None:
    """Put the process into its control group, limit it and write its pid file."""
    assert runtime.process is not None
    limits.apply(runtime.process.pid, guest.context.settings)
    name = f"qemu-{guest.id}-{guest.name[:20]}-{guest.uuid.hex()[:8]}.virtd"
    runtime.cgroup = cgroup.place(runtime.process.pid, name, guest.context.settings.cgroup_controllers)
    path = guest.context.paths.pid_file(guest.name)
    files.write_atomic(path, f"{runtime.process.pid}\n".encode(), mode=0o644, durable=False)


def _qemu_version(capabilities: Capabilities) -> str:
    major, rest = divmod(capabilities.version, 1_000_000)
    return f"{major}.{rest // 1000}.{rest % 1000}{capabilities.package}"


async def _why(guest: Guest, runtime: Runtime, words: int, error: VirtError) -> VirtError:
    """A start failed after QEMU was spawned: what it said itself, if it is gone."""
    process = runtime.process
    if process is None or not await process.wait(1.0):
        return error
    text = await in_thread(LogFile(guest.context.paths.log_file(guest.name)).words_since, words)
    return VirtError(Code.INTERNAL_ERROR, f"qemu unexpectedly closed the monitor: {text}")


async def _make_go(guest: Guest, runtime: Runtime, options: StartOptions) -> None:
    """Let the features see the new QEMU and let it go, if it is to."""
    for feature in guest.context.features:
        await feature.guest_started(guest)
    if options.paused:
        guest.set_state(DomainState.PAUSED, DomainPausedReason.USER)
    else:
        runtime.resume_reason = options.running_reason
        try:
            await commands.cont(guest.monitor)
        finally:
            runtime.resume_reason = None
    await guest.save_status()
