# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest sees of its devices, kind by kind, in the order in which libvirt compares."""

from __future__ import annotations

from typing import Any

from conf.domain.abi.compare import (
    Check,
    Getter,
    each,
    number,
    present,
    refuse,
    same,
    string,
    switch,
    tristate,
    truth,
    word,
    yes_no,
)
from conf.domain.abi.info import info, virtio
from conf.domain.abi.memory import MEMORY
from conf.domain.devices.controller import MODELS, Controller

_CHANGED = "Target {} %s does not match source %s"
_QUOTED = "Target {} '%s' does not match source '%s'"
_COUNT = "Target domain {} count %s does not match source %s"


def _plain(what: str, of: Any) -> Check:
    return same(_CHANGED.format(what), of)


def _quoted(what: str, of: Any) -> Check:
    return same(_QUOTED.format(what), of)


def _kind(of: str, what: str, *checks: Check) -> Check:
    return each(f"devices.{of}", _COUNT.format(what), *checks)


def _controller_model(controller: Controller) -> int:
    """The number that the message shows: the model's among those of its type, -1 if it has none."""
    models = MODELS.get(controller.type, ())
    return models.index(controller.model) if controller.model in models else -1


#: Controller type → numbers of it that a guest sees.
_CONTROLLER_NUMBERS = {"virtio-serial": ("ports", "vectors"), "usb": ("ports",)}


def _controller_numbers(old: Any, new: Any) -> None:
    for what in _CONTROLLER_NUMBERS.get(old.type, ()):
        _plain(f"controller {what}", number(what, -1))(old, new)


def _queue_size(old: Any, new: Any) -> None:
    """libvirt's message shows the numbers of queues, not their sizes."""
    size, queues = number("driver.queue_size"), number("driver.queues")
    if size(old) != size(new):
        refuse(_CHANGED.format("disk queue size"), queues(new), queues(old))


def _channel_end(old: Any, new: Any) -> None:
    if old.target.type != "guestfwd":
        if "spicevmc" in (old.type, new.type) and old.type != new.type and old.target.name is None:
            refuse("Changing device type to/from spicevmc would change default target channel name")
        _plain("channel name", string("target.name"))(old, new)
    else:
        _plain("channel addr", lambda channel: f"{channel.target.address}:{channel.target.port}")(old, new)


def _acceleration(old: Any, new: Any) -> None:
    has = present("model.acceleration")
    if has(old) != has(new):
        refuse("Target video card acceleration does not match source")


#: Cards that libvirt knows by name; the names of others are compared, and shown, apart from these.
_KNOWN_CARDS = frozenset(
    [
        "netfront",
        "rtl8139",
        "virtio",
        "e1000",
        "e1000e",
        "virtio-transitional",
        "virtio-non-transitional",
        "usb-net",
        "spapr-vlan",
        "lan9118",
        "smc91c111",
        "vlance",
        "vmxnet",
        "vmxnet2",
        "vmxnet3",
        "Am79C970A",
        "Am79C973",
        "82540EM",
        "82545EM",
        "82543GC",
    ]
)


def _card(*, known: bool) -> Getter:
    def shown(interface: Any) -> str | None:
        name = interface.model.type if interface.model is not None else None
        return name if (name in _KNOWN_CARDS) == known else None

    return shown


_REDIRECTION_RULE = (
    same("Target USB Class code does not match source", number("class_", -1)),
    same("Target USB vendor ID does not match source", number("vendor", -1)),
    same("Target USB product ID does not match source", number("product", -1)),
    same("Target USB version does not match source", number("version", -1)),
    _quoted("USB allow", yes_no("allow")),
)


def _emulated_version(tpm: Any) -> Any:
    return tpm.backend.version if tpm.backend.type == "emulator" else None


DEVICES: tuple[Check, ...] = (
    _kind(
        "disks",
        "disk",
        _plain("disk device", "device"),
        _plain("disk bus", word("target.bus", "none")),
        _plain("disk", "target.dev"),
        _plain("disk serial", string("serial")),
        _quoted("disk wwn", string("wwn")),
        same("Target disk access mode does not match source", "readonly"),
        _plain("disk model", word("model")),
        same("Target disk rotation rate %s RPM does not match source %s RPM", number("target.rotation_rate")),
        _plain("disk queue count", number("driver.queues")),
        _queue_size,
        virtio,
        info,
    ),
    _kind(
        "controllers",
        "controller",
        _plain("controller type", "type"),
        _plain("controller index", number("index")),
        _plain("controller model", _controller_model),
        _controller_numbers,
        virtio,
        info,
    ),
    _kind(
        "filesystems",
        "filesystem",
        _plain("filesystem guest target", "target.dir"),
        same("Target filesystem access mode does not match source", truth("readonly")),
        same("Target filesystem model does not match source", word("model")),
        virtio,
        info,
    ),
    _kind(
        "interfaces",
        "net card",
        _plain("network card mac", word("mac.address")),
        _plain("network card model", string(_card(known=False))),
        _plain("network card model", word(_card(known=True), "unknown")),
        _plain("network card MTU", number("mtu.size")),
        virtio,
        info,
    ),
    _kind(
        "inputs",
        "input device",
        _plain("input device type", "type"),
        _plain("input device bus", word("bus")),
        _plain("input model", word("model")),
        virtio,
        info,
    ),
    _kind("sounds", "sound card", _plain("sound card model", "model"), info),
    _kind(
        "videos",
        "video card",
        _plain("video card model", "model.type"),
        *(
            _plain(f"video card {what}", number(f"model.{what}"))
            for what in ("ram", "vram", "vram64", "vgamem", "heads")
        ),
        _acceleration,
        _plain("video card 2d accel", tristate("model.acceleration.accel2d")),
        _plain("video card 3d accel", tristate("model.acceleration.accel3d")),
        virtio,
        info,
    ),
    _kind(
        "hostdevs",
        "host device",
        _plain("host device mode", "mode"),
        _plain("host device subsystem", "type"),
        info,
    ),
    _kind("smartcards", "smartcard", info),
    _kind(
        "serials",
        "serial port",
        _plain("serial type", word("target.type", "none")),
        _plain("serial model", word("target.model.name", "none")),
        _plain("serial port", number("target.port")),
        info,
    ),
    _kind("parallels", "parallel port", _plain("parallel port", number("target.port")), info),
    _kind("channels", "channel", _plain("channel type", "target.type"), _channel_end, info),
    _kind("consoles", "console", _plain("console type", word("target.type", "none")), info),
    _kind("hubs", "hub device", _plain("hub device type", "type"), info),
    _kind(
        "redirdevs",
        "redirected devices",
        _plain("redirected device bus", "bus"),
        same("Target redirected device source type %s does not match source device source type %s", "type"),
        info,
    ),
    _kind(
        "redirfilter",
        "USB redirection filter",
        each("usbdevs", "Target USB redirection filter rule count %s does not match source %s", *_REDIRECTION_RULE),
    ),
    _kind("watchdogs", "watchdog", _plain("watchdog model", "model"), info),
    _kind(
        "memballoon",
        "memory balloon",
        _plain("balloon model", "model"),
        _quoted("balloon autodeflate attribute value", switch("autodeflate")),
        _quoted("balloon freePageReporting attribute value", switch("free_page_reporting")),
        virtio,
        info,
    ),
    _kind("rngs", "RNG device", _quoted("RNG model", "model"), virtio, info),
    _kind("panics", "panic device", _quoted("panic model", word("model")), info),
    _kind(
        "shmems",
        "shared memory device",
        same("Target shared memory role '%s' does not match source role '%s'", word("role")),
        same("Target shared memory model '%s' does not match source model '%s'", "model.type"),
        same("Target shared memory size '%s' does not match source size '%s'", number("size")),
        same("Target shared memory server usage doesn't match source", present("server")),
        same("Target shared memory MSI configuration doesn't match source", "msi"),
        info,
    ),
    _kind(
        "tpms",
        "TPM device",
        same("Target TPM device type doesn't match source", "backend.type"),
        same("Target TPM device model doesn't match source", "model"),
        same("Target TPM version doesn't match source", _emulated_version),
        same("Target active PCR banks doesn't match source", lambda tpm: tpm.backend.active_pcr_banks or ()),
        info,
    ),
    _kind("memories", "memory device", *MEMORY, info),
    each(
        "devices.iommu",
        "Target domain IOMMU device count does not match source",
        _quoted("domain IOMMU device model", "model"),
        _quoted("domain IOMMU device intremap value", switch("driver.intremap")),
        _quoted("domain IOMMU device caching mode", switch("driver.caching_mode")),
        _quoted("domain IOMMU device eim value", switch("driver.eim")),
        _quoted("domain IOMMU device iotlb value", switch("driver.iotlb")),
        _quoted("domain IOMMU device aw_bits value", number("driver.aw_bits")),
        info,
    ),
    each(
        "devices.vsock",
        "Target domain vsock device count does not match source",
        _quoted("domain vsock device model", word("model")),
        virtio,
        info,
    ),
)
