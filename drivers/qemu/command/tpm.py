# SPDX-License-Identifier: LGPL-2.1-or-later
"""TPMs: the host's own, or an emulator behind a socket."""

from __future__ import annotations

from conf.domain.devices.tpm import TPM
from drivers.qemu import machines
from drivers.qemu.command.address import add_device, address_props
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Props, props
from virtd.errors import Code, VirtError


def add_tpms(build: Build, line: CommandLine) -> None:
    """All TPMs and, on pSeries, the proxy that resource managers use."""
    for tpm in build.domain.devices.tpms:
        if tpm.model != "spapr-tpm-proxy":
            _add_backend(build, line, tpm)
        add_device(line, tpm, tpm_props(build, tpm))


def _add_backend(build: Build, line: CommandLine, tpm: TPM) -> None:
    backend, id_ = tpm.backend, f"tpm-{tpm.alias}"
    if backend.type == "passthrough":
        cancel = build.context.paths.get(tpm.alias or "")
        path = backend.device.path if backend.device else None
        if cancel is None:
            raise VirtError(Code.SYSTEM_ERROR, f"Could not open TPM device {path}: No such file or directory")
        line.add_list("-tpmdev", "passthrough", ("id", id_), ("path", path), ("cancel-path", cancel))
        return
    socket = backend.source.path if backend.source else build.context.paths.get(tpm.alias or "")
    if not socket and not build.context.native:
        raise VirtError(Code.SYSTEM_ERROR, "Unable to find 'swtpm' binary in $PATH: No such file or directory")
    line.add_list("-chardev", "socket" if socket else "null", ("id", "chrtpm"), ("path", socket))
    line.add_list("-tpmdev", "emulator", ("id", id_), ("chardev", "chrtpm"))


def tpm_props(build: Build, tpm: TPM) -> Props:
    """-device of a TPM."""
    if tpm.model == "spapr-tpm-proxy":
        device = tpm.backend.device
        return props({"driver": tpm.model, "id": tpm.alias, "host-path": device.path if device else None})
    # Boards without an ISA bus have it in memory.
    without_isa = machines.is_arm_virt(build.domain) or machines.is_riscv_virt(build.domain)
    driver = "tpm-tis-device" if tpm.model == "tpm-tis" and without_isa else tpm.model
    return props({"driver": driver, "tpmdev": f"tpm-{tpm.alias}", "id": tpm.alias, **address_props(build, tpm)})
