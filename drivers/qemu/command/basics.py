# SPDX-License-Identifier: LGPL-2.1-or-later
"""What belongs to no device: name, CPUs, clock, power, firmware tables, what to boot."""

from __future__ import annotations

import time

from conf.domain.clock import Clock
from conf.domain.sysinfo import Entry, Sysinfo
from drivers.qemu import machines
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Props, props
from virtd.errors import Code, VirtError

Option = str | tuple[str, object | None]


def add_name(build: Build, line: CommandLine) -> None:
    """-name, and -S: nothing runs before the daemon says so."""
    line.add_list("-name", ("guest", build.domain.name), ("debug-threads", "on"))
    line.add("-S")


def add_compatibility(build: Build, line: CommandLine) -> None:
    """-compat: what QEMU does when something deprecated is used."""
    behavior = build.domain.deprecation.behavior if build.domain.deprecation else None
    if behavior in (None, "none") or not build.caps.has("compat-deprecated"):
        return
    answers: dict[str, tuple[str, str]] = {
        "omit": ("accept", "hide"),
        "reject": ("reject", "hide"),
        "crash": ("crash", "hide"),
    }
    given, shown = answers[str(behavior)]
    line.add_json("-compat", {"deprecated-input": given, "deprecated-output": shown})


def add_master_key(build: Build, line: CommandLine) -> None:
    """The key that the secrets of the other objects are encrypted with."""
    path = f"{build.context.domain_dir}/master-key.aes"
    line.add_json("-object", {"qom-type": "secret", "id": "masterKey0", "format": "raw", "file": path})


def add_overcommit(build: Build, line: CommandLine) -> None:
    """-overcommit: whether all memory is locked."""
    locked = build.domain.memory_backing is not None and build.domain.memory_backing.locked
    line.add("-overcommit", f"mem-lock={'on' if locked else 'off'}")


def add_smp(build: Build, line: CommandLine) -> None:
    """-smp: CPUs at start, at most, and how they are arranged."""
    most, now = build.domain.vcpu.count, initial_vcpus(build)
    topology = build.domain.cpu.topology if build.domain.cpu else None
    options: list[Option] = [str(now), ("maxcpus", most if most != now else None)]
    if topology is not None:
        dies = topology.dies if build.caps.has("smp-dies") else None
        options += [
            ("sockets", topology.sockets),
            ("dies", dies),
            ("cores", topology.cores),
            ("threads", topology.threads),
        ]
    else:
        options += [("sockets", most), ("cores", 1), ("threads", 1)]
    line.add_list("-smp", *options)


def initial_vcpus(build: Build) -> int:
    """How many CPUs QEMU makes itself; hotpluggable ones are plugged in before the guest runs."""
    if build.domain.vcpus:
        return sum(1 for v in build.domain.vcpus if v.enabled and not v.hotpluggable)
    return build.domain.vcpu.current or build.domain.vcpu.count


def add_iothreads(build: Build, line: CommandLine) -> None:
    """Threads for input and output, and the main loop's own pool."""
    domain = build.domain
    pools = {thread.id: (thread.thread_pool_min, thread.thread_pool_max) for thread in domain.iothreadids}
    for number in domain.all_iothread_ids():
        low, high = pools.get(number, (None, None))
        line.add_json("-object", iothread_props(number, low, high))
    if domain.defaultiothread is not None:
        pool = domain.defaultiothread
        line.add_json("-object", _pool("main-loop", "main-loop", pool.thread_pool_min, pool.thread_pool_max))


def iothread_props(number: int, pool_min: int | None = None, pool_max: int | None = None) -> Props:
    """The object of an I/O thread."""
    return _pool("iothread", f"iothread{number}", pool_min, pool_max)


def _pool(kind: str, id_: str, low: int | None, high: int | None) -> Props:
    return props({"qom-type": kind, "id": id_, "thread-pool-min": low, "thread-pool-max": high})


def add_uuid(build: Build, line: CommandLine) -> None:
    """-uuid."""
    line.add("-uuid", build.domain.uuid)


# --- firmware tables --------------------------------------------------------------------------------

#: SMBIOS table → element of <sysinfo> → its entries: QEMU's name for each, in QEMU's order.
_SMBIOS = {
    0: ("bios", {"vendor": "vendor", "version": "version", "date": "date", "release": "release"}),
    1: (
        "system",
        {n: n for n in ("manufacturer", "product", "version", "serial", "uuid", "sku", "family")},
    ),
    2: ("base_boards", {n: n for n in ("manufacturer", "product", "version", "serial", "asset", "location")}),
    3: ("chassis", {n: n for n in ("manufacturer", "version", "serial", "asset", "sku")}),
}


#: The table in which libvirt names a manufacturer whether there is one or not.
_CHASSIS = 3


def add_smbios(build: Build, line: CommandLine) -> None:
    """-smbios and -fw_cfg."""
    mode = build.domain.os.smbios.mode if build.domain.os.smbios else None
    if mode == "sysinfo":
        for sysinfo in build.domain.sysinfos:
            if sysinfo.type == "smbios":
                _add_smbios_tables(sysinfo, line)
    for sysinfo in build.domain.sysinfos:
        if sysinfo.type == "fwcfg":
            for entry in sysinfo.entries:
                content = ("file", entry.file) if entry.file else ("string", entry.value)
                line.add_list("-fw_cfg", ("name", entry.name), content)


def _add_smbios_tables(sysinfo: Sysinfo, line: CommandLine) -> None:
    for type_, (element, names) in _SMBIOS.items():
        found = getattr(sysinfo, element)
        if element == "base_boards" and len(found) > 1:
            detail = "qemu does not support more than one entry to Type 2 in SMBIOS table"
            raise VirtError(Code.CONFIG_UNSUPPORTED, detail)
        tables: list[list[Entry]] = [board.entries for board in found] if element == "base_boards" else [found]
        for entries in tables:
            values = {entry.name: entry.value for entry in entries}
            if type_ == _CHASSIS and values:
                values.setdefault("manufacturer", "")
            options: list[Option] = [(name, values[key]) for key, name in names.items() if values.get(key) is not None]
            if options:
                line.add_list("-smbios", ("type", type_), *options)
    if sysinfo.oem_strings:
        line.add_list("-smbios", ("type", 11), *(("value", text) for text in sysinfo.oem_strings))


def add_genid(build: Build, line: CommandLine) -> None:
    """The device by which a guest notices that it was copied."""
    if build.domain.genid:
        line.add_json("-device", {"driver": "vmgenid", "guid": build.domain.genid, "id": "vmgenid0"})


# --- clock ------------------------------------------------------------------------------------------

_RTC_TRACKS = {"boot": None, "guest": "vm", "wall": "host", "realtime": "rt"}


def add_clock(build: Build, line: CommandLine) -> None:
    """-rtc and what is set about the other timers."""
    clock = build.domain.clock
    rtc = next((t for t in clock.timers if t.name == "rtc"), None)
    track = _RTC_TRACKS[rtc.track] if rtc and rtc.track else None
    slew = "slew" if rtc and rtc.tickpolicy == "catchup" else None
    line.add_list("-rtc", ("base", _rtc_base(build, clock)), ("clock", track), ("driftfix", slew))
    if clock.offset == "timezone" and clock.timezone:
        line.env["TZ"] = clock.timezone
    for timer in clock.timers:
        if timer.name == "pit" and timer.tickpolicy in ("delay", "discard"):
            if build.caps.has("kvm-pit-lost-tick-policy"):
                line.add("-global", f"kvm-pit.lost_tick_policy={timer.tickpolicy}")
        elif timer.name == "hpet" and timer.present is False and build.caps.has("no-hpet"):
            line.add("-no-hpet")


def _rtc_base(build: Build, clock: Clock) -> str:
    match clock.offset:
        case "localtime" | "timezone":
            return "localtime"
        case "variable":
            seconds = build.context.now() + int(clock.adjustment or 0)
            parts = time.localtime(seconds) if clock.basis == "localtime" else time.gmtime(seconds)
            return time.strftime("%Y-%m-%dT%H:%M:%S", parts)
        case "absolute":
            return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(clock.start or 0))
        case _:
            return "utc"


# --- power ------------------------------------------------------------------------------------------


def add_power(build: Build, line: CommandLine) -> None:
    """A guest that switches itself off leaves its QEMU behind, so that the daemon hears why; and sleeping states."""
    line.add("-no-shutdown")
    features = build.domain.features
    if build.caps.has("no-acpi") and not (features and features.acpi):
        line.add("-no-acpi")
    pm = build.domain.pm
    if pm is not None:
        chip = "ICH9-LPC" if machines.is_q35(build.domain) else "PIIX4_PM"
        for name, state in (("disable_s3", pm.suspend_to_mem), ("disable_s4", pm.suspend_to_disk)):
            if state is not None and state.enabled is not None:
                line.add("-global", f"{chip}.{name}={0 if state.enabled else 1}")
    _add_root_hotplug(build, line)


def _add_root_hotplug(build: Build, line: CommandLine) -> None:
    """Whether ACPI offers hotplug on the root bus of an i440fx."""
    for controller in build.domain.devices.controllers:
        target = controller.target
        if controller.type == "pci" and controller.model == "pci-root" and target and target.hotplug is not None:
            line.add("-global", f"PIIX4_PM.acpi-root-pci-hotplug={'on' if target.hotplug else 'off'}")


# --- booting ----------------------------------------------------------------------------------------


def add_boot(build: Build, line: CommandLine) -> None:
    """-boot and a kernel that is loaded directly."""
    os_ = build.domain.os
    menu = os_.bootmenu
    splash = menu.timeout if menu is not None and menu.enable else None
    line.add_list(
        "-boot",
        ("menu", menu.enable if menu is not None else None),
        ("splash-time", splash or None),
        ("reboot-timeout", os_.bios.reboot_timeout if os_.bios else None),
        ("strict", "on"),
    )
    for option, value in (
        ("-kernel", os_.kernel),
        ("-initrd", os_.initrd),
        ("-append", os_.cmdline),
        ("-dtb", os_.dtb),
    ):
        if value is not None:
            line.add(option, value)
    for table in os_.acpi.tables if os_.acpi else ():
        line.add_list("-acpitable", ("sig", table.type.upper()), ("file", table.path))


# --- the rest ---------------------------------------------------------------------------------------


def add_monitor(build: Build, line: CommandLine) -> None:
    """The line by which the daemon speaks with QEMU."""
    if build.context.monitor_fd is not None:
        line.fds.append(build.context.monitor_fd)
        place: Option = ("fd", build.context.monitor_fd)
    else:
        place = ("path", f"{build.context.domain_dir}/monitor.sock")
    line.add_list("-chardev", "socket", ("id", "charmonitor"), place, ("server", "on"), ("wait", "off"))
    line.add("-mon", "chardev=charmonitor,id=monitor,mode=control")


def add_incoming(build: Build, line: CommandLine) -> None:
    """-incoming: wait for another QEMU's guest."""
    if build.context.incoming is not None:
        line.add("-incoming", build.context.incoming)


def add_sandbox(build: Build, line: CommandLine) -> None:
    """-sandbox: system calls that no guest's QEMU needs are refused."""
    wanted = build.context.settings.seccomp_sandbox
    if wanted == 0:
        line.add("-sandbox", "off")
    elif build.caps.has("seccomp-sandbox"):
        denied = [(name, "deny") for name in ("obsolete", "elevateprivileges", "spawn", "resourcecontrol")]
        line.add_list("-sandbox", "on", *denied)


def add_launch_security(build: Build, line: CommandLine) -> None:
    """Memory encryption (SEV), or a protected guest (S/390)."""
    security = build.domain.launch_security
    if security is None:
        return
    if security.type == "s390-pv":
        line.add_json("-object", {"qom-type": "s390-pv-guest", "id": "lsec0"})
        return
    host = build.caps.sev
    if host is None:
        raise VirtError(Code.CONFIG_UNSUPPORTED, "SEV launch security is not supported with this QEMU binary")
    directory = build.context.domain_dir
    line.add_json(
        "-object",
        props(
            {
                "qom-type": "sev-guest",
                "id": "lsec0",
                "cbitpos": security.cbitpos if security.cbitpos is not None else host.get("cbitpos"),
                "reduced-phys-bits": security.reduced_phys_bits
                if security.reduced_phys_bits is not None
                else host.get("reduced-phys-bits"),
                "policy": security.policy,
                "dh-cert-file": f"{directory}/dh_cert.base64" if security.dh_cert else None,
                "session-file": f"{directory}/session.base64" if security.session else None,
                "kernel-hashes": security.kernel_hashes,
            }
        ),
    )


def add_passthrough(build: Build, line: CommandLine) -> None:
    """<qemu:commandline>: arguments and environment as they are."""
    extra = build.domain.commandline
    if extra is not None:
        line.add(*(arg.value for arg in extra.args))
        line.env.update({env.name: env.value or "" for env in extra.envs})
