# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a start needs of the host and of other drivers, looked at before anything is made.

These functions read the host's files and so block; building the command line itself does not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from conf.bitmap import parse_bitmap
from conf.domain import Domain
from conf.domain.devices.address import UnassignedAddress
from conf.domain.devices.disk import Disk
from conf.domain.devices.encryption import Secret
from conf.domain.devices.hostdev import Hostdev
from drivers.common.images.layers import chain
from drivers.qemu.command.refusals import check_devices
from drivers.qemu.cpu.host import tsc_frequency
from virtd.errors import Code, From, VirtError
from virtd.host.node import parse_ranges, read_text

_NODES_ONLINE = Path("/sys/devices/system/node/online")
_SCSI_DEVICES = Path("/sys/bus/scsi/devices")
_RENDER_NODES = Path("/dev/dri")
_VHOST_SCSI = "/dev/vhost-scsi"
_VFIO = "/dev/vfio/vfio"

#: How far a host's time stamp counter may be from what a guest asks for.
_TSC_TOLERANCE_PPM = 250


def check_start(domain: Domain) -> None:
    """Refuse what cannot work here, and choose what the host decides (the render node).

    Raises:
        VirtError: in libvirt's words for it.
    """
    for check in _CHECKS:
        check(domain)


# --- what other drivers would have ------------------------------------------------------------------


def _check_firmware(domain: Domain) -> None:
    source = domain.os.nvram.source if domain.os.nvram else None
    flash = domain.os.loader is not None and domain.os.loader.type == "pflash"
    if flash and source is not None and source.auth is not None:
        raise _lacks(source.auth.secret)


def _check_disks(domain: Domain) -> None:
    for disk in domain.devices.disks:
        for layer in chain(disk) if not disk.is_empty else ():
            if layer.type == "volume":
                name = layer.source.pool
                text = f"no storage pool with matching name '{name}'"
                raise VirtError(Code.NO_STORAGE_POOL, text, source=From.STORAGE)
        for secret in _disk_secrets(disk):
            raise _lacks(secret)
        encryption = disk.encryption or (disk.source.encryption if disk.source else None)
        raw = disk.driver is None or disk.driver.type == "raw"
        if raw and encryption is not None and not encryption.secrets:
            raise VirtError(Code.INTERNAL_ERROR, f"missing secret info for '{encryption.format}' driver")


def _drop_missing_volumes(domain: Domain) -> None:
    """A volume that is not there may be missing if the XML says so: a drive stays empty, a disk is left out."""
    missing = [
        d for d in domain.devices.disks if d.type == "volume" and d.source and d.source.startup_policy == "optional"
    ]
    for disk in missing:
        if disk.device in ("cdrom", "floppy"):
            disk.source, disk.type = None, "file"
    removed = [disk for disk in missing if disk.source is not None]
    domain.devices.disks = [disk for disk in domain.devices.disks if not any(disk is other for other in removed)]


def _check_networks(domain: Domain) -> None:
    for graphics in domain.devices.graphics:
        for listen in graphics.listens:
            if listen.type == "network":
                name = listen.network
                raise VirtError(Code.NO_NETWORK, f"no network with matching name '{name}'", source=From.NETWORK)


def _disk_secrets(disk: Disk) -> Iterator[Secret]:
    """All secrets of a disk that QEMU would have to be told."""
    for layer in chain(disk) if not disk.is_empty else ():
        if layer.auth is not None:
            yield layer.auth.secret
        encryption = layer.source.encryption or (disk.encryption if layer.top else None)
        yield from encryption.secrets if encryption else ()


def _lacks(secret: Secret) -> VirtError:
    named = f"usage '{secret.usage}'" if secret.usage else f"uuid '{secret.uuid}'"
    return VirtError(Code.NO_SECRET, f"no secret with matching {named}", source=From.SECRET)


# --- memory -----------------------------------------------------------------------------------------


def _check_numa(domain: Domain) -> None:
    memory = domain.numatune.memory if domain.numatune else None
    if memory is not None and memory.placement == "auto":
        raise VirtError(Code.INTERNAL_ERROR, "Advice from numad is needed in case of automatic numa placement")
    online = online_nodes()
    for nodeset in _host_nodes(domain):
        for number in sorted(parse_bitmap(nodeset)):
            if number not in online:
                raise VirtError(Code.CONFIG_UNSUPPORTED, f"NUMA node {number} is unavailable")


def online_nodes() -> frozenset[int]:
    """The host's NUMA nodes."""
    return frozenset(parse_ranges(read_text(_NODES_ONLINE) or "0"))


def _host_nodes(domain: Domain) -> Iterator[str]:
    """Every set of the host's NUMA nodes that the guest's main memory is to come from."""
    tune = domain.numatune
    if tune is not None:
        if tune.memory is not None and tune.memory.nodeset:
            yield tune.memory.nodeset
        yield from (node.nodeset for node in tune.memnodes)


# --- time ---------------------------------------------------------------------------------------------


def _check_tsc(domain: Domain) -> None:
    """Without scaling, a guest's time stamp counter runs as the host's does."""
    wanted = next((t.frequency for t in domain.clock.timers if t.name == "tsc" and t.frequency), None)
    host = tsc_frequency() if wanted is not None else None
    if wanted is None or host is None or host[1]:
        return
    frequency = host[0]
    low, high = (frequency + sign * (frequency * _TSC_TOLERANCE_PPM // 1_000_000) for sign in (-1, 1))
    if not low <= wanted <= high:
        raise VirtError(
            Code.CONFIG_UNSUPPORTED,
            f"Requested TSC frequency {wanted} Hz is outside tolerance range ([{low}, {high}] Hz) around host "
            f"frequency {frequency} Hz and TSC scaling is not supported by the host CPU",
        )


# --- devices ----------------------------------------------------------------------------------------


def _choose_render_node(domain: Domain) -> None:
    """Drawing by the host's graphics card takes the first one, unless the XML names another."""
    for graphics in domain.devices.graphics:
        gl = graphics.gl
        wants = graphics.type == "egl-headless" or (graphics.type in ("spice", "dbus") and gl is not None and gl.enable)
        if not wants or (gl is not None and gl.rendernode):
            continue
        try:
            nodes = sorted(name for name in os.listdir(_RENDER_NODES) if name.startswith("renderD"))
        except OSError as error:
            text = f"cannot open directory '{_RENDER_NODES}': {error.strerror}"
            raise VirtError(Code.SYSTEM_ERROR, text, source=From.NONE) from None
        if not nodes:
            raise VirtError(Code.INVALID_ARG, "No DRM render nodes available")
        if gl is not None:
            gl.rendernode = str(_RENDER_NODES / nodes[0])


def _choose_caches(domain: Domain) -> None:
    """What several guests write to is not cached on one host's side, unless the XML says how."""
    for disk in domain.devices.disks:
        if disk.shareable and not disk.readonly and disk.driver is not None and disk.driver.cache is None:
            disk.driver.cache = "none"


def _check_videos(domain: Domain) -> None:
    if any(v.driver is not None and v.driver.name == "vhostuser" for v in domain.devices.videos):
        raise VirtError(Code.OPERATION_FAILED, "Unable to find a satisfying vhost-user-gpu")


def _check_hostdevs(domain: Domain) -> None:
    for hostdev in domain.devices.hostdevs:
        if hostdev.source.auth is not None:
            raise _lacks(hostdev.source.auth.secret)
        if hostdev.type == "scsi_host" and not os.path.exists(_VHOST_SCSI):
            raise VirtError(Code.CONFIG_UNSUPPORTED, f"vhost-scsi device file '{_VHOST_SCSI}' cannot be found")
    given = [h for h in domain.devices.hostdevs if not isinstance(h.address, UnassignedAddress)]
    drivers = [h.driver for h in given if h.type == "pci" and h.mode == "subsystem"]
    drivers += [i.hostdev_driver for i in domain.devices.interfaces if i.type == "hostdev"]
    if any(driver is None or driver.name is None for driver in drivers) and not os.path.exists(_VFIO):
        raise VirtError(Code.INTERNAL_ERROR, "invalid PCI passthrough type 'default'")


_CHECKS: tuple[Callable[[Domain], None], ...] = (
    _check_numa,
    _check_tsc,
    _choose_render_node,
    check_devices,
    _check_firmware,
    _choose_caches,
    _drop_missing_volumes,
    _check_disks,
    _check_networks,
    _check_videos,
    _check_hostdevs,
)


# --- only for a start, not to show a command line ---------------------------------------------------


_VFIO_USERS = {
    "pci": "host doesn't support VFIO PCI passthrough",
    "mdev": "Mediated host device assignment requires VFIO support",
}


def check_vfio(domain: Domain) -> None:
    """Refuse to start with devices that only VFIO could hand over, where the host has none.

    Raises:
        VirtError: CONFIG_UNSUPPORTED.
    """
    for hostdev in domain.devices.hostdevs:
        named = hostdev.type == "mdev" or (hostdev.driver is not None and hostdev.driver.name == "vfio")
        text = _VFIO_USERS.get(hostdev.type) if named else None
        if text is not None and not os.path.exists(_VFIO):
            raise VirtError(Code.CONFIG_UNSUPPORTED, text)


def check_transient(domain: Domain) -> None:
    """Refuse to start with disks whose changes are to be thrown away: nobody makes the overlay yet.

    Raises:
        VirtError: OPERATION_UNSUPPORTED; without an overlay the image itself would be written.
    """
    for disk in domain.devices.disks:
        if disk.transient is not None:
            raise VirtError(Code.OPERATION_UNSUPPORTED, f"transient disk '{disk.target.dev}' is not supported")


def check_helpers(domain: Domain) -> None:
    """Refuse to start what would need a program beside QEMU that the daemon does not run.

    Raises:
        VirtError: OPERATION_UNSUPPORTED.
    """
    for what, needed in _HELPERS.items():
        if needed(domain):
            raise VirtError(Code.OPERATION_UNSUPPORTED, f"{what} cannot be started")


#: Program → whether a guest needs it.
_HELPERS: dict[str, Callable[[Domain], bool]] = {
    "swtpm": lambda domain: any(tpm.backend.type == "emulator" for tpm in domain.devices.tpms),
    "virtiofsd": lambda domain: any(
        f.is_virtiofs and not (f.source and f.source.socket) for f in domain.devices.filesystems
    ),
    "qemu-pr-helper": lambda domain: any(
        d.source is not None and d.source.reservations is not None and d.source.reservations.managed
        for d in domain.devices.disks
    ),
    "dbus-daemon": lambda domain: any(
        g.type == "dbus" and not g.p2p and not g.address for g in domain.devices.graphics
    ),
    "passt": lambda domain: any(i.backend is not None and i.backend.type for i in domain.devices.interfaces),
}


# --- found out here, named on the command line ------------------------------------------------------


def scsi_generic_paths(domain: Domain) -> dict[str, str]:
    """Alias of each SCSI device of the host → its character device (/dev/sgN).

    Raises:
        VirtError: SYSTEM_ERROR, the device is not there.
    """
    local = (h for h in domain.devices.hostdevs if h.type == "scsi" and h.source.protocol != "iscsi")
    return {hostdev.alias or "": _generic_path(hostdev) for hostdev in local}


def _generic_path(hostdev: Hostdev) -> str:
    place, adapter = hostdev.source.scsi, hostdev.source.adapter
    if place is None or adapter is None:
        raise VirtError(Code.INTERNAL_ERROR, "SCSI host device without an address")
    host = adapter.name.removeprefix("scsi_host")
    folder = _SCSI_DEVICES / f"{host}:{place.bus}:{place.target}:{place.unit}" / "scsi_generic"
    try:
        return f"/dev/{min(os.listdir(folder))}"
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "No such file or directory"
        raise VirtError(Code.SYSTEM_ERROR, f"cannot open directory '{folder}': {reason}", source=From.NONE) from None
