# SPDX-License-Identifier: LGPL-2.1-or-later
"""Serial and parallel ports, channels and consoles."""

from __future__ import annotations

from conf.domain.devices.address import VirtioSerialAddress
from conf.domain.devices.chardev import Channel, Console, Parallel, Serial
from conf.domain.devices.info import DeviceInfo
from drivers.qemu.command.address import add_device, address_props, controller_alias
from drivers.qemu.command.chardevs import add_chardev
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Props, props
from virtd.errors import Code, VirtError

#: Ports that are part of their board take the old form.
_BUILT_IN_MODELS = frozenset({"pl011", "16550a"})

#: What a serial port is, where the XML only names its kind.
_DEFAULT_MODELS = {
    "isa-serial": "isa-serial",
    "usb-serial": "usb-serial",
    "pci-serial": "pci-serial",
    "spapr-vio-serial": "spapr-vty",
    "sclp-serial": "sclpconsole",
    "isa-debug": "isa-debugcon",
}

_SCLP = {"sclp": "sclpconsole", "sclplm": "sclplmconsole"}


def add_consoles(build: Build, line: CommandLine) -> None:
    """All of them, in libvirt's order."""
    devices = build.domain.devices
    for serial in devices.serials:
        _add_serial(build, line, serial)
    for parallel in devices.parallels:
        add_chardev(build, line, parallel, f"char{parallel.alias}")
        add_device(line, parallel, parallel_props(build, parallel))
    for channel in devices.channels:
        _add_channel(build, line, channel)
    for console in devices.consoles:
        if console.target is None or console.target.type not in (None, "serial"):
            add_chardev(build, line, console, f"char{console.alias}")
            add_device(line, console, console_props(build, console))


def _add_serial(build: Build, line: CommandLine, serial: Serial) -> None:
    name = f"char{serial.alias}"
    role = "vdagent" if serial.type == "spicevmc" else None
    add_chardev(build, line, serial, name, role=role)
    if _serial_model(serial) in _BUILT_IN_MODELS or serial.target_type in (None, "system-serial"):
        line.add("-serial", f"chardev:{name}")
    else:
        add_device(line, serial, serial_props(build, serial))


def _serial_model(serial: Serial) -> str | None:
    target = serial.target
    named = target.model.name if target is not None and target.model is not None else None
    return named or _DEFAULT_MODELS.get(serial.target_type or "")


def serial_props(build: Build, serial: Serial) -> Props:
    """-device of a serial port."""
    model = _serial_model(serial)
    if model is None:
        raise VirtError(Code.CONFIG_UNSUPPORTED, "Invalid target type for serial device")
    if model == "pci-serial" and not build.caps.has("pci-serial"):
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"'{model}' is not supported in this QEMU binary")
    port = serial.target.port if serial.target and model == "isa-serial" else None
    return props(
        {
            "driver": model,
            "chardev": f"char{serial.alias}",
            "id": serial.alias,
            "index": port,
            **address_props(build, serial),
        }
    )


def parallel_props(build: Build, parallel: Parallel) -> Props:
    """-device of a parallel port."""
    return props(
        {
            "driver": "isa-parallel",
            "chardev": f"char{parallel.alias}",
            "id": parallel.alias,
            **address_props(build, parallel),
        }
    )


def _add_channel(build: Build, line: CommandLine, channel: Channel) -> None:
    name = f"char{channel.alias}"
    add_chardev(build, line, channel, name, role="vdagent")
    if channel.target.type == "guestfwd":
        line.add_json("-netdev", guestfwd_props(channel))
    else:
        add_device(line, channel, channel_props(build, channel))


def guestfwd_props(channel: Channel) -> Props:
    """The user network that leads one address of the guest to a channel."""
    target = channel.target
    forward = f"tcp:{target.address}:{target.port}-chardev:char{channel.alias}"
    return {"type": "user", "guestfwd": [{"str": forward}], "id": channel.alias}


def channel_props(build: Build, channel: Channel) -> Props:
    """-device of a channel."""
    # SPICE's agent is known by its name whatever the XML says.
    name = channel.target.name or ("com.redhat.spice.0" if channel.type == "spicevmc" else None)
    return props(
        {
            "driver": "virtserialport",
            **_virtio_serial_place(build, channel),
            "chardev": f"char{channel.alias}",
            "id": channel.alias,
            "name": name,
        }
    )


def console_props(build: Build, console: Console) -> Props:
    """-device of a console that is no serial port."""
    kind = console.target.type if console.target else None
    if kind in _SCLP:
        return props({"driver": _SCLP[kind], "chardev": f"char{console.alias}", "id": console.alias})
    if kind != "virtio":
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"unsupported console target type {kind}")
    return props(
        {
            "driver": "virtconsole",
            **_virtio_serial_place(build, console),
            "chardev": f"char{console.alias}",
            "id": console.alias,
        }
    )


def _virtio_serial_place(build: Build, device: DeviceInfo) -> Props:
    match device.address:
        case VirtioSerialAddress() as place:
            alias = controller_alias(build, "virtio-serial", place.controller)
            return {"bus": f"{alias}.{place.bus}", "nr": place.port}
        case _:
            return address_props(build, device)
