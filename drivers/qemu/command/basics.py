# SPDX-License-Identifier: LGPL-2.1-or-later
"""What belongs to no device: name, CPUs, threads, monitor, confinement."""

from __future__ import annotations

from conf.domain.cputune import DefaultIOThread
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Option, Props, props
from virtd.errors import Code, VirtError

#: Behaviour → what becomes of commands that use something deprecated; it is never shown.
_DEPRECATION = {"omit": None, "reject": "reject", "crash": "crash"}


def add_name(build: Build, line: CommandLine) -> None:
    """-name of the guest, also of its threads."""
    line.add_list("-name", ("guest", build.domain.name), ("debug-threads", "on"))


def add_compatibility(build: Build, line: CommandLine) -> None:
    """-compat: what QEMU does when something deprecated is used; and -S: nothing runs before the daemon says so."""
    behavior = build.domain.deprecation.behavior if build.domain.deprecation else None
    if behavior in _DEPRECATION and build.caps.has("compat-deprecated"):
        line.add_json("-compat", props({"deprecated-output": "hide", "deprecated-input": _DEPRECATION[behavior]}))
    line.add("-S")


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
    if domain.defaultiothread not in (None, DefaultIOThread()):
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
