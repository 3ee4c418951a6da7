# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small virtio devices: random numbers, the balloon, vsock."""

from __future__ import annotations

from conf.domain.devices.memballoon import Memballoon
from conf.domain.devices.rng import RNG
from conf.domain.devices.vsock import Vsock
from drivers.qemu.command.address import add_device, address_props
from drivers.qemu.command.chardevs import add_chardev
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Props, props
from drivers.qemu.command.virtio import virtio_props


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
