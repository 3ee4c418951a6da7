# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<source>` of a `<hostdev>`: which device of the host."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from conf.binding import Model, ParseOptions, Uint, Uuid, YesNo, attr, child, child_text, children, number, on
from conf.binding.fields import Condition, Values
from conf.binding.scalars import ULONG_MAX
from conf.domain.devices.address import HostPCIAddress
from conf.domain.devices.encryption import Auth
from conf.domain.devices.network_source import Host, Initiator
from conf.domain.devices.storage_private import SourcePrivate
from conf.errors import ConfigUnsupportedError, InternalError, XMLError

_AnyBase = Annotated[int, number(base=0)]
_USBId = Annotated[int, number(1, base=0, form="#06x")]


def _for(*types: str) -> Condition:
    return on("../type", *types)


class USBId(Model):
    """`<vendor>` or `<product>`."""

    id: _USBId = attr(required=True)


class HostUSBAddress(Model):
    """Where on the host's USB it is now."""

    bus: _AnyBase = attr(required=True)
    device: _AnyBase = attr(required=True)


class HostSCSIAddress(Model):
    """A logical unit behind a SCSI host adapter."""

    bus: _AnyBase = attr(required=True)
    target: _AnyBase = attr(required=True)
    unit: Annotated[int, number(0, ULONG_MAX, base=0)] = attr(required=True)


class MdevAddress(Model):
    """A mediated device."""

    uuid: Uuid = attr(
        required=(ConfigUnsupportedError, "Missing 'uuid' attribute for element <address>"),
        error=(InternalError, "Cannot parse uuid attribute of element <address>"),
    )


class SCSIAdapter(Model):
    """`<adapter>`: `scsi_host0`."""

    name: str = attr(required=(XMLError, "'adapter' name must be specified for scsi hostdev source"))


def _address(kind: str) -> Any:
    return child("address", when=_for(kind))


def _is_local_scsi(own: Values, around: Values) -> bool:
    """Whether a SCSI device hangs on an adapter of this host."""
    return bool(around.get("type") == "scsi" and own["protocol"] != "iscsi")


def _is_iscsi(own: Values, around: Values) -> bool:
    return bool(around.get("type") == "scsi" and own["protocol"] == "iscsi")


class HostdevSource(Model):
    """`<source>`.  Which members count depends on the device's `type`."""

    startup_policy: Literal["mandatory", "requisite", "optional"] | None = attr("startupPolicy")
    guest_reset: Literal["off", "uninitialized", "on"] | None = attr("guestReset", when=_for("usb"))
    write_filtering: YesNo | None = attr("writeFiltering", when=_for("pci"))
    protocol: str | None = attr(when=_for("scsi", "scsi_host"), omit="adapter")
    name: str | None = attr(when=_for("scsi"))
    wwpn: str | None = attr(when=_for("scsi_host"))
    vendor: USBId | None = child(when=_for("usb"))
    product: USBId | None = child(when=_for("usb"))
    usb: HostUSBAddress | None = _address("usb")
    pci: HostPCIAddress | None = _address("pci")
    mdev: MdevAddress | None = _address("mdev")
    adapter: SCSIAdapter | None = child(when=_for("scsi"))
    scsi: HostSCSIAddress | None = child("address", when=_is_local_scsi)
    hosts: list[Host] = children("host", when=_for("scsi"))
    private_data: SourcePrivate | None = child("privateData", status=True)
    auth: Auth | None = child(when=_for("scsi"))
    initiator: Initiator | None = child(when=_for("scsi"))
    block: str | None = child_text(when=_for("storage"))
    char: str | None = child_text(when=_for("misc"))
    interface: str | None = child_text(when=_for("net"))
    #: The number in the name of an iSCSI device's block node, while the guest runs.
    index: Uint | None = attr("node-index", when=_is_iscsi, status=True)

    def check(self, options: ParseOptions) -> None:
        if not options.status:
            self.private_data = None

    @property
    def address(self) -> HostUSBAddress | HostPCIAddress | MdevAddress | HostSCSIAddress | None:
        """`<address>`, of whichever kind."""
        return self.usb or self.pci or self.mdev or self.scsi
