# SPDX-License-Identifier: LGPL-2.1-or-later
"""What hangs on USB: hubs, redirected devices, smartcards."""

from __future__ import annotations

from conf.domain.devices.hub import Hub
from conf.domain.devices.redirdev import ANY, Redirdev, RedirFilter
from conf.domain.devices.smartcard import Smartcard
from drivers.qemu.command.address import add_device, address_props, controller_alias
from drivers.qemu.command.bootindex import boot_index
from drivers.qemu.command.chardevs import add_chardev
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Props, props


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
