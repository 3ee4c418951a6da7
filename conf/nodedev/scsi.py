# SPDX-License-Identifier: LGPL-2.1-or-later
"""SCSI: host adapters, targets and logical units; Fibre Channel's ports."""

from __future__ import annotations

from typing import Literal

from conf.binding import Int, Model, ParseOptions, Uint, attr, child, child_text
from conf.errors import InternalError
from conf.naming import NAME
from conf.nodedev.values import Capability, counted, nested, one_of


class FCHost(Model):
    """`<capability type='fc_host'>`: names of an adapter; a new one may leave its own two to the host."""

    type: Literal["fc_host"] = attr(default="fc_host")
    wwnn: str | None = child_text()
    wwpn: str | None = child_text()
    fabric_wwn: str | None = child_text()

    def check(self, options: ParseOptions) -> None:
        for name, value in (("WWNN", self.wwnn), ("WWPN", self.wwpn)):
            if not options.inactive and value is None:
                raise InternalError(f"no {name} supplied for '{NAME}', and auto-generation failed")


class VportOps(Model):
    """`<capability type='vport_ops'>`: virtual ports can be made: how many, and how many there are."""

    type: Literal["vport_ops"] = attr(default="vport_ops")
    max_vports: Uint = child_text(default=0)
    vports: Uint = child_text(default=0)


class SCSIHostCapability(Capability):
    """`<capability type='scsi_host'>`; one to be made has no number yet."""

    type: Literal["scsi_host"] = attr(default="scsi_host")
    host: Uint | None = child_text(live=True, error=(InternalError, f"invalid SCSI host ID supplied for '{NAME}'"))
    unique_id: Int | None = child_text(live=True, error=(InternalError, f"invalid unique_id supplied for '{NAME}'"))
    known: bool | None = nested(
        one_of(
            ("fc_host", "vport_ops"),
            f"missing SCSI host capability type for '{NAME}'",
            f"unknown SCSI host capability type '%s' for '{NAME}'",
        )
    )
    fc_host: FCHost | None = child("capability", having=("type", "fc_host"))
    vport_ops: VportOps | None = child("capability", having=("type", "vport_ops"))

    def check(self, options: ParseOptions) -> None:
        if not options.inactive and self.host is None:
            raise InternalError(f"no SCSI host ID supplied for '{NAME}'")
        self.unique_id = None if self.unique_id == -1 else self.unique_id


class FCRemotePort(Model):
    """`<capability type='fc_remote_port'>`."""

    type: Literal["fc_remote_port"] = attr(default="fc_remote_port")
    rport: str = child_text(required=(InternalError, f"missing rport name for '{NAME}'"))
    wwpn: str = child_text(required=(InternalError, f"missing wwpn identifier for '{NAME}'"))


class SCSITargetCapability(Capability):
    """`<capability type='scsi_target'>`."""

    type: Literal["scsi_target"] = attr(default="scsi_target")
    target: str = child_text(required=(InternalError, f"no target name supplied for '{NAME}'"))
    known: bool | None = nested(
        one_of(
            ("fc_remote_port",),
            f"missing type for SCSI target capability for '{NAME}'",
            f"unknown SCSI target capability type '%s' for '{NAME}'",
        )
    )
    fc_remote_port: FCRemotePort | None = child("capability", having=("type", "fc_remote_port"))


class SCSICapability(Capability):
    """`<capability type='scsi'>`: a logical unit; `kind` is what it is, e.g. "disk"."""

    type: Literal["scsi"] = attr(default="scsi")
    host: Uint = counted("host", "SCSI host ID")
    bus: Uint = counted("bus", "SCSI bus ID")
    target: Uint = counted("target", "SCSI target ID")
    lun: Uint = counted("lun", "SCSI LUN ID")
    kind: str | None = child_text("type")


class SCSIGenericCapability(Capability):
    """`<capability type='scsi_generic'>`: the character device of a logical unit."""

    type: Literal["scsi_generic"] = attr(default="scsi_generic")
    char: str | None = child_text()
