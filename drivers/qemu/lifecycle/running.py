# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is asked of a QEMU that has just come up or was found again."""

from __future__ import annotations

from typing import Any

from conf.domain import Domain
from conf.domain.devices.chardev_source import CharacterSource
from conf.domain.devices.graphics import Graphics
from drivers.common.cpu.cpu_map import load_cpu_map
from drivers.qemu import commands, pinning
from drivers.qemu.cpu.live import ask_features, is_told, settle_live_cpu
from drivers.qemu.guest import Guest
from virtd.enums import DomainEventSuspendedDetailType

SUSPENDED_AT_START = DomainEventSuspendedDetailType.PAUSED


async def take_stock(guest: Guest) -> None:
    """Learn what only QEMU knows: terminals, threads of the virtual CPUs, devices, the balloon.

    Raises:
        VirtError: QEMU does not answer as it should.
    """
    runtime, live, monitor = guest.runtime, guest.require_active(), guest.monitor
    assert runtime is not None
    _note_terminals(live.devices, await commands.query_chardev(monitor))
    cpus = await commands.query_cpus_fast(monitor)
    runtime.vcpu_threads = _threads(cpus)
    runtime.vcpu_paths = {int(cpu["cpu-index"]): str(cpu.get("qom-path", "")) for cpu in cpus}
    runtime.devices = {
        str(child["name"])
        for child in await commands.qom_list(monitor, "/machine/peripheral")
        if str(child.get("type", "")).startswith("child<")
    }


async def _learn_cpu(guest: Guest) -> None:
    """Put the CPU that the guest really has into its definition.

    Raises:
        VirtError: QEMU does not answer, or gave another CPU than the one that it had to be.
    """
    runtime, live = guest.runtime, guest.require_active()
    capabilities = guest.context.capabilities.known(live.devices.emulator or "")
    asked = live.cpu
    if asked is None or runtime is None or capabilities is None or not is_told(asked, capabilities):
        return
    cpu_map = load_cpu_map(live.os.arch or "")
    given = await ask_features(guest.monitor, asked, capabilities, live.type, cpu_map)
    if given is not None:
        live.cpu = settle_live_cpu(asked, given, cpu_map)
        if live.cpu.features != asked.features:
            runtime.asked_cpu = asked


async def adjust(guest: Guest) -> None:
    """Bring a fresh QEMU to what the definition says and no option of its command line could.

    What no command can change, its CPU, is written into the definition instead.

    Raises:
        VirtError: QEMU refused.
    """
    await _learn_cpu(guest)
    await _drop_helpers(guest)
    if guest.require_active().on_reboot == "destroy":
        await set_reboot_action(guest)
    await _set_links(guest)
    await learn_sizes(guest)
    await _set_balloon(guest)
    await _set_passwords(guest)
    pinning.pin_all(guest)


async def set_reboot_action(guest: Guest) -> None:
    """Let QEMU power the machine off instead of resetting it, or not, as `<on_reboot>` says.

    Emulators that cannot are watched for their resets.

    Raises:
        VirtError: QEMU refused.
    """
    live = guest.require_active()
    capabilities = await guest.context.capabilities.get(live.devices.emulator or "")
    if capabilities.has("set-action"):
        await commands.set_action(guest.monitor, reboot="shutdown" if live.on_reboot == "destroy" else "reset")


async def _drop_helpers(guest: Guest) -> None:
    """Threads that allocated memory on certain nodes of the host have done so."""
    live = guest.require_active()
    if live.numatune is None and not any(m.source and m.source.nodemask for m in live.devices.memories):
        return
    for child in await commands.qom_list(guest.monitor, "/objects"):
        if child.get("type") == "child<thread-context>":
            await commands.object_del(guest.monitor, str(child["name"]))


def _threads(cpus: list[dict[str, Any]]) -> dict[int, int]:
    """Host threads by CPU; under single-threaded TCG all CPUs share one, which tells nothing."""
    found = {int(cpu["cpu-index"]): int(cpu["thread-id"]) for cpu in cpus}
    return found if len(set(found.values())) == len(found) else {}


def _note_terminals(devices: Any, backends: dict[str, str]) -> None:
    """The host's end of each pty, which QEMU has just been given."""
    for kind in (devices.serials, devices.parallels, devices.consoles, devices.channels):
        for device in kind:
            name = backends.get(f"char{device.alias}", "") if device.type == "pty" else ""
            if name.startswith("pty:"):
                device.source = CharacterSource(path=name.removeprefix("pty:"))
    _mirror_first_console(devices)


def _mirror_first_console(devices: Any) -> None:
    """The first console is another face of the first serial port."""
    if not devices.serials or not devices.consoles:
        return
    first, serial = devices.consoles[0], devices.serials[0]
    if first.target is not None and first.target.type == "serial":
        first.source = serial.source
        first.alias = serial.alias


async def _set_links(guest: Guest) -> None:
    """Cables that are pulled from the beginning."""
    for interface in guest.require_active().devices.interfaces:
        link = getattr(interface, "link", None)
        if link is not None and link.state == "down" and interface.alias:
            await commands.set_link(guest.monitor, interface.alias, up=False)


async def learn_sizes(guest: Guest) -> None:
    """How much of its virtio-mem devices the guest has taken."""
    live = guest.require_active()
    modules = {module.alias: module for module in live.devices.memories if module.model == "virtio-mem"}
    if not modules:
        return
    for device in await commands.query_memory_devices(guest.monitor):
        data = commands.as_dict(device.get("data"), "query-memory-devices")
        module, size = modules.get(data.get("id")), data.get("size")
        if module is not None and isinstance(size, int):
            module.target.current = size // 1024


def _is_elastic(domain: Domain) -> bool:
    """Whether some of the memory may be missing at first."""
    elastic = any(module.model == "virtio-mem" for module in domain.devices.memories)
    return elastic or bool(domain.current_memory and domain.current_memory != domain.memory)


async def _set_balloon(guest: Guest) -> None:
    """Ask the guest to make do with its present memory, and to tell how it fares.

    What it has is what QEMU says: without a driver in the guest that stays the whole.
    """
    live, monitor = guest.require_active(), guest.monitor
    balloon = live.devices.memballoon
    if balloon is None or balloon.model == "none":
        return
    if balloon.stats is not None and balloon.stats.period:
        path = f"/machine/peripheral/{balloon.alias}"
        await commands.qom_set(monitor, path, "guest-stats-polling-interval", balloon.stats.period)
    if _is_elastic(live):
        await commands.balloon(monitor, live.current_memory * 1024)
        live.current_memory = await commands.query_balloon(monitor) // 1024


async def _set_passwords(guest: Guest) -> None:
    """Passwords of screens, which no command line may show."""
    settings = guest.context.settings
    for graphics in guest.require_active().devices.graphics:
        usual = {"vnc": settings.vnc_password, "spice": settings.spice_password}.get(graphics.type, "")
        password = graphics.passwd or usual
        if graphics.type in ("vnc", "spice") and password:
            await set_password(guest, graphics, password)


async def set_password(guest: Guest, graphics: Graphics, password: str) -> None:
    """Set a screen's password, and until when it counts."""
    await commands.set_password(guest.monitor, graphics.type, password, graphics.connected)
    until = graphics.passwd_valid_to
    await commands.expire_password(guest.monitor, graphics.type, "never" if until is None else str(until))
