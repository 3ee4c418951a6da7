# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<hostdev>`: a device of the host, given to the guest."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Literal

from conf.binding import Model, OnOff, ParseOptions, Scalar, YesNo, attr, child, children, flag, on
from conf.domain.devices.address import HostPCIAddress
from conf.domain.devices.hostdev_source import HostdevSource
from conf.domain.devices.info import RomDevice
from conf.domain.devices.teaming import Teaming
from conf.errors import ConfigUnsupportedError, InternalError, XMLError
from conf.netdev.ip import IPAddress, Route

SUBSYSTEM_TYPES = ("usb", "pci", "scsi", "scsi_host", "mdev")
CAPABILITIES_TYPES = ("storage", "misc", "net")
_WWPN = re.compile(r"naa\.[0-9a-fA-F]{16}", re.ASCII)

#: `yes` is true, whatever else is there is false; written always.
Managed = Annotated[bool, Scalar(lambda text: text == "yes", lambda value: "yes" if value else "no")]


class HostdevDriver(Model):
    """`<driver>`: what the host binds the device to."""

    name: Literal["kvm", "vfio", "xen"] | None = attr()


_MODELS = Literal["vfio-pci", "vfio-ccw", "vfio-ap", "virtio", "virtio-transitional", "virtio-non-transitional"]


_MODELS_OF_TYPE = {
    "mdev": ("vfio-pci", "vfio-ccw", "vfio-ap"),
    "scsi_host": ("virtio", "virtio-transitional", "virtio-non-transitional"),
}


class Hostdev(RomDevice):
    """`<hostdev>`."""

    mode: Literal["subsystem", "capabilities"] = attr(
        default="subsystem", error=(ConfigUnsupportedError, "unknown hostdev mode '%s'")
    )
    type: Literal["usb", "pci", "scsi", "scsi_host", "mdev", "storage", "misc", "net"] = attr(
        required=(XMLError, "missing source address type"),
        error=(ConfigUnsupportedError, "unknown host device source address type '%s'"),
    )
    managed: Managed = attr(default=False, when=on("mode", "subsystem"))
    sgio: Literal["filtered", "unfiltered"] | None = attr()
    rawio: YesNo | None = attr()
    model: _MODELS | None = attr()
    display: OnOff | None = attr(when=on("type", "mdev"))
    ramfb: OnOff | None = attr(when=on("type", "mdev"))
    driver: HostdevDriver | None = child(when=on("type", "pci"))
    source: HostdevSource = child(required=(XMLError, "Missing <source> element in hostdev device"))
    ips: list[IPAddress] = children("ip", when=on("type", "net"))
    routes: list[Route] = children("route", when=on("type", "net"))
    teaming: Teaming | None = child()
    readonly: bool = flag(when=on("type", "scsi"))
    shareable: bool = flag(when=on("type", "scsi"))

    @property
    def has_end_tag(self) -> bool:
        return True

    def check(self, options: ParseOptions) -> None:
        allowed = SUBSYSTEM_TYPES if self.mode == "subsystem" else CAPABILITIES_TYPES
        if self.type not in allowed:
            raise ConfigUnsupportedError(f"unknown host device source address type '{self.type}'")
        if self.model is not None and self.model not in _MODELS_OF_TYPE.get(self.type, (self.model,)):
            raise XMLError(f"Invalid value for attribute 'model' in element 'hostdev': '{self.model}'.")
        if self.type == "mdev" and self.model is None:
            raise XMLError("Missing required attribute 'model' in element 'hostdev'")
        if self.model is not None and self.type not in ("mdev", "scsi_host"):
            raise XMLError(f"'model' attribute in <hostdev> is only supported when type='{self.type}'")
        for name in ("sgio", "rawio"):
            if getattr(self, name) is not None and self.type != "scsi":
                raise XMLError(f"{name} is only supported for scsi host device")
        if self.source.startup_policy is not None and self.type != "usb":
            raise ConfigUnsupportedError("Setting startupPolicy is only allowed for USB devices")
        _SOURCES[self.type](self.source)


def _check_usb(source: HostdevSource) -> None:
    if source.vendor is None and source.product is not None:
        raise InternalError("missing vendor")
    if source.vendor is not None and source.product is None:
        raise InternalError("missing product")


def _check_pci(source: HostdevSource) -> None:
    source.pci = source.pci or HostPCIAddress()


def _check_mdev(source: HostdevSource) -> None:
    if source.mdev is None:
        raise ConfigUnsupportedError("Missing <address> element")


def _check_scsi(source: HostdevSource) -> None:
    if source.protocol == "iscsi":
        _check_iscsi(source)
    elif source.protocol in (None, "adapter"):
        if source.scsi is None:
            raise XMLError("'address' must be specified for scsi hostdev source")
        if source.adapter is None:
            raise XMLError("'adapter' name must be specified for scsi hostdev source")
        source.protocol = source.name = None
    else:
        raise ConfigUnsupportedError(f"Unknown SCSI subsystem protocol '{source.protocol}'")


def _check_iscsi(source: HostdevSource) -> None:
    if source.name is None:
        raise XMLError("missing iSCSI hostdev source path name")
    if "/" not in source.name:
        # Without a unit, the first.
        source.name += "/0"
    if not source.hosts:
        raise XMLError("missing the host address for the iSCSI hostdev")
    if len(source.hosts) > 1:
        raise XMLError("only one source host address may be specified for the iSCSI hostdev")
    if source.auth is not None and source.auth.secret.type not in (None, "iscsi"):
        raise InternalError(f"hostdev invalid secret type '{source.auth.secret.type}'")
    source.adapter = None


def _check_scsi_host(source: HostdevSource) -> None:
    if source.protocol is None:
        raise XMLError("Missing scsi_host subsystem protocol")
    if source.protocol != "vhost":
        raise ConfigUnsupportedError(f"Unknown scsi_host subsystem protocol '{source.protocol}'")
    if source.wwpn is None:
        raise XMLError("missing vhost-scsi hostdev source wwpn")
    if not _WWPN.fullmatch(source.wwpn):
        raise XMLError("malformed 'wwpn' value")


def _check_storage(source: HostdevSource) -> None:
    if not source.block:
        raise XMLError("Missing <block> element in hostdev storage device")


def _check_misc(source: HostdevSource) -> None:
    if not source.char:
        raise XMLError("Missing <char> element in hostdev character device")


def _check_net(source: HostdevSource) -> None:
    if not source.interface:
        raise XMLError("Missing <interface> element in hostdev net device")


#: Type → the check of its source.
_SOURCES: dict[str, Callable[[HostdevSource], None]] = {
    "usb": _check_usb,
    "pci": _check_pci,
    "mdev": _check_mdev,
    "scsi": _check_scsi,
    "scsi_host": _check_scsi_host,
    "storage": _check_storage,
    "misc": _check_misc,
    "net": _check_net,
}
