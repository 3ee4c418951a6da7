# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small devices: input, hubs, smartcards, redirection, random numbers, balloon, watchdog and others."""

from __future__ import annotations

from conf.domain.devices.address import ISAAddress, SpaprVIOAddress
from conf.domain.devices.hub import Hub
from conf.domain.devices.input import Input
from conf.domain.devices.iommu import IOMMU
from conf.domain.devices.memballoon import Memballoon
from conf.domain.devices.panic import Panic
from conf.domain.devices.redirdev import ANY, Redirdev, RedirFilter
from conf.domain.devices.rng import RNG
from conf.domain.devices.shmem import Shmem
from conf.domain.devices.smartcard import Smartcard
from conf.domain.devices.vsock import Vsock
from conf.domain.devices.watchdog import Watchdog
from drivers.qemu.command.address import add_device, address_props, controller_alias
from drivers.qemu.command.bootindex import boot_index
from drivers.qemu.command.chardevs import add_chardev
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Props, comma_list, on_off, props
from drivers.qemu.command.virtio import virtio_props
from virtd.errors import Code, VirtError

_MIB = 1 << 20
_DEFAULT_SHMEM_MIB = 4


# --- input ------------------------------------------------------------------------------------------


def add_inputs(build: Build, line: CommandLine) -> None:
    """Keyboards, mice and tablets; those on PS/2 belong to the board."""
    for device in build.domain.devices.inputs:
        if device.type == "evdev":
            line.add_json("-object", evdev_props(device))
        elif device.bus in ("usb", "virtio"):
            add_device(line, device, input_props(build, device))


_USB_INPUTS = {"mouse": "usb-mouse", "tablet": "usb-tablet", "keyboard": "usb-kbd"}


def input_props(build: Build, device: Input) -> Props:
    """-device of an input device."""
    if device.bus == "usb":
        own: Props = {"driver": _USB_INPUTS[device.type]}
    else:
        kind = "virtio-input-host" if device.type == "passthrough" else f"virtio-{device.type}"
        own = virtio_props(build, kind, device, device.driver, device.model)
    evdev = device.source.evdev if device.source and device.type == "passthrough" else None
    return props({**own, "id": device.alias, "evdev": evdev, **address_props(build, device)})


def evdev_props(device: Input) -> Props:
    """An event device of the host that types for the guest."""
    source = device.source
    return props(
        {
            "qom-type": "input-linux",
            "id": device.alias,
            "evdev": source.dev if source else None,
            "repeat": source.repeat if source else None,
            "grab_all": True if source and source.grab == "all" else None,
            "grab-toggle": source.grab_toggle if source else None,
        }
    )


# --- USB --------------------------------------------------------------------------------------------


def add_hubs(build: Build, line: CommandLine) -> None:
    """USB hubs."""
    for hub in build.domain.devices.hubs:
        add_device(line, hub, hub_props(build, hub))


def hub_props(build: Build, hub: Hub) -> Props:
    """-device of a hub."""
    return props({"driver": "usb-hub", "id": hub.alias, **address_props(build, hub)})


def add_redirdevs(build: Build, line: CommandLine) -> None:
    """USB devices of a remote client."""
    for redirdev in build.domain.devices.redirdevs:
        add_chardev(build, line, redirdev, f"char{redirdev.alias}", role="usbredir")
        add_device(line, redirdev, redirdev_props(build, redirdev))


def redirdev_props(build: Build, redirdev: Redirdev) -> Props:
    """-device of a redirected USB device."""
    rules = build.domain.devices.redirfilter
    return props(
        {
            "driver": "usb-redir",
            "chardev": f"char{redirdev.alias}",
            "id": redirdev.alias,
            "filter": _filter(rules) if rules is not None and rules.usbdevs else None,
            "bootindex": boot_index(build.domain, redirdev),
            **address_props(build, redirdev),
        }
    )


def _filter(rules: RedirFilter) -> str:
    """The rules as QEMU reads them: class:vendor:product:version:allow, joined by bars."""

    def code(value: int | None, width: int) -> str:
        return "-1" if value is None or value == ANY else f"0x{value:0{width}X}"

    return "|".join(
        f"{code(d.class_, 2)}:{code(d.vendor, 4)}:{code(d.product, 4)}:{code(d.version, 4)}:{int(d.allow)}"
        for d in rules.usbdevs
    )


def add_smartcards(build: Build, line: CommandLine) -> None:
    """Smartcards."""
    for card in build.domain.devices.smartcards:
        if card.mode == "passthrough":
            add_chardev(build, line, card, f"char{card.alias}", role="smartcard")
        add_device(line, card, smartcard_props(build, card))


_DEFAULT_CERTIFICATES = "/etc/pki/nssdb"


def smartcard_props(build: Build, card: Smartcard) -> Props:
    """-device of a smartcard."""
    match card.mode:
        case "host":
            own: Props = {"driver": "ccid-card-emulated", "backend": "nss-emulated"}
        case "host-certificates":
            certificates = {f"cert{i}": name for i, name in enumerate(card.certificates, 1)}
            own = {"driver": "ccid-card-emulated", "backend": "certificates", **certificates}
            own["db"] = card.database or _DEFAULT_CERTIFICATES
        case _:
            own = {"driver": "ccid-card-passthru", "chardev": f"char{card.alias}"}
    bus = f"{controller_alias(build, 'ccid', 0)}.0"
    return props({**own, "id": card.alias, "bus": bus})


# --- virtio -----------------------------------------------------------------------------------------


def add_rngs(build: Build, line: CommandLine) -> None:
    """Sources of random numbers."""
    for rng in build.domain.devices.rngs:
        if rng.backend.model == "egd":
            add_chardev(build, line, rng.backend, f"char{rng.alias}")
        line.add_json("-object", rng_backend_props(rng))
        add_device(line, rng, rng_props(build, rng))


def rng_backend_props(rng: RNG) -> Props:
    """The object that random numbers come from."""
    backend, id_ = rng.backend, f"obj{rng.alias}"
    match backend.model:
        case "random":
            return {"qom-type": "rng-random", "id": id_, "filename": backend.path}
        case "egd":
            return {"qom-type": "rng-egd", "id": id_, "chardev": f"char{rng.alias}"}
        case _:
            return {"qom-type": "rng-builtin", "id": id_}


def rng_props(build: Build, rng: RNG) -> Props:
    """-device of a source of random numbers."""
    rate = rng.rate
    limited = rate is not None and bool(rate.bytes)
    return props(
        {
            **virtio_props(build, "virtio-rng", rng, rng.driver, rng.model),
            "rng": f"obj{rng.alias}",
            "id": rng.alias,
            "max-bytes": rate.bytes if rate is not None and limited else None,
            "period": (rate.period or 1000) if rate is not None and limited else None,
            **address_props(build, rng),
        }
    )


def add_balloon(build: Build, line: CommandLine) -> None:
    """The balloon."""
    balloon = build.domain.devices.memballoon
    if balloon is not None and balloon.model not in ("none", "xen"):
        add_device(line, balloon, balloon_props(build, balloon))


def balloon_props(build: Build, balloon: Memballoon) -> Props:
    """-device of the balloon."""
    return props(
        {
            **virtio_props(build, "virtio-balloon", balloon, balloon.driver, balloon.model),
            "id": balloon.alias,
            "deflate-on-oom": balloon.autodeflate,
            "free-page-reporting": balloon.free_page_reporting,
            **address_props(build, balloon),
        }
    )


def add_vsock(build: Build, line: CommandLine) -> None:
    """The socket family between guest and host."""
    vsock = build.domain.devices.vsock
    if vsock is not None:
        if (fd := build.context.descriptors.get(vsock.alias or "")) is not None:
            line.fds.append(fd)
        add_device(line, vsock, vsock_props(build, vsock))


def vsock_props(build: Build, vsock: Vsock) -> Props:
    """-device of the vsock; its kernel side is open already."""
    fd = build.context.descriptors.get(vsock.alias or "", -1)
    return props(
        {
            **virtio_props(build, "vhost-vsock", vsock, vsock.driver, vsock.model),
            "id": vsock.alias,
            "guest-cid": (vsock.cid.address if vsock.cid else None) or 0,
            "vhostfd": str(fd),
            **address_props(build, vsock),
        }
    )


# --- the board --------------------------------------------------------------------------------------


def add_iommu(build: Build, line: CommandLine) -> None:
    """The IOMMU, where it is a device; it has to be there before what it serves."""
    iommu = build.domain.devices.iommu
    if iommu is not None and iommu.model != "smmuv3":
        add_device(line, iommu, iommu_props(build, iommu))


def iommu_props(build: Build, iommu: IOMMU) -> Props:
    """-device of an IOMMU."""
    if iommu.model == "virtio":
        return props({"driver": "virtio-iommu", "id": iommu.alias, **address_props(build, iommu)})
    driver = iommu.driver
    return props(
        {
            "driver": "intel-iommu",
            "id": iommu.alias,
            "intremap": on_off(driver.intremap) if driver else None,
            "caching-mode": driver.caching_mode if driver else None,
            "eim": on_off(driver.eim) if driver else None,
            "device-iotlb": driver.iotlb if driver else None,
            "aw-bits": (driver.aw_bits or None) if driver else None,
        }
    )


def add_watchdogs(build: Build, line: CommandLine) -> None:
    """Watchdogs, and what happens when one barks."""
    for watchdog in build.domain.devices.watchdogs:
        add_device(line, watchdog, watchdog_props(build, watchdog))
        # A dump is made by the daemon, for which the guest has to stand still.
        action = "pause" if watchdog.action == "dump" else watchdog.action
        line.add("-watchdog-action", action)


def watchdog_props(build: Build, watchdog: Watchdog) -> Props:
    """-device of a watchdog."""
    return props({"driver": watchdog.model, "id": watchdog.alias, **address_props(build, watchdog)})


def add_panics(build: Build, line: CommandLine) -> None:
    """Devices by which a guest tells that it crashed; some are part of the board or the CPU."""
    for panic in build.domain.devices.panics:
        if panic.model == "isa":
            line.add_json("-device", panic_props(panic))


def panic_props(panic: Panic) -> Props:
    """-device of pvpanic."""
    place = panic.address
    return props({"driver": "pvpanic", "ioport": place.iobase if isinstance(place, ISAAddress) else None})


def add_nvram(build: Build, line: CommandLine) -> None:
    """pSeries' own NVRAM, which is part of the board."""
    nvram = build.domain.devices.nvram
    if nvram is not None and isinstance(nvram.address, SpaprVIOAddress) and nvram.address.reg is not None:
        line.add("-global", f"spapr-nvram.reg=0x{nvram.address.reg:x}")


def add_vmcoreinfo(build: Build, line: CommandLine) -> None:
    """What makes a dump of the guest's memory readable."""
    features = build.domain.features
    if features is not None and features.vmcoreinfo is not None and features.vmcoreinfo.state:
        line.add_json("-device", {"driver": "vmcoreinfo"})


# --- shared memory ----------------------------------------------------------------------------------


def add_shmems(build: Build, line: CommandLine) -> None:
    """Memory shared between guests."""
    for shmem in build.domain.devices.shmems:
        if shmem.server is not None:
            path = shmem.server.path or f"/var/lib/libvirt/shmem-{shmem.name}-sock"
            line.add("-chardev", comma_list(["socket", ("id", f"char{shmem.alias}"), ("path", path)]))
        else:
            line.add_json("-object", shmem_backend_props(shmem))
        add_device(line, shmem, shmem_props(build, shmem))


def shmem_backend_props(shmem: Shmem) -> Props:
    """The memory itself."""
    return {
        "qom-type": "memory-backend-file",
        "id": f"shmmem-{shmem.alias}",
        "mem-path": f"/dev/shm/{shmem.name}",
        "size": (shmem.size or _DEFAULT_SHMEM_MIB) * _MIB,
        "share": True,
    }


def shmem_props(build: Build, shmem: Shmem) -> Props:
    """-device of shared memory."""
    model = shmem.model.type if shmem.model else "ivshmem"
    if model == "ivshmem":
        raise VirtError(Code.CONFIG_UNSUPPORTED, "ivshmem device is not supported with this QEMU binary")
    own: Props = {"driver": model, "id": shmem.alias}
    if model == "ivshmem-plain":
        own["memdev"] = f"shmmem-{shmem.alias}"
        own["master"] = on_off(shmem.role == "master") if shmem.role is not None else None
    else:
        msi = shmem.msi
        own["chardev"] = f"char{shmem.alias}"
        own["vectors"] = (msi.vectors or None) if msi else None
        own["ioeventfd"] = msi.ioeventfd if msi else None
    return props({**own, **address_props(build, shmem)})
