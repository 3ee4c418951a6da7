# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<adapter>` of scsi pools: a host bus adapter, or a virtual port of one."""

from __future__ import annotations

import re
from typing import Literal

from conf.binding import Model, ParseOptions, Uint, YesNo, attr, child, on
from conf.domain.devices.address import HostPCIAddress
from conf.errors import InternalError, XMLError

_BAD_ID = (XMLError, "Missing or invalid scsi adapter 'unique_id' value")


class ParentAddress(Model):
    """`<parentaddr>`: an adapter by its place, which does not change as its number does."""

    unique_id: Uint | None = attr(error=_BAD_ID)
    address: HostPCIAddress = child(required=(XMLError, "Missing scsi_host PCI address element"))

    def check(self, options: ParseOptions) -> None:
        if self.unique_id is None:
            raise _BAD_ID[0](_BAD_ID[1])


class Adapter(Model):
    """`<adapter>`; without a type it is the host's adapter of that name."""

    type: Literal["default", "scsi_host", "fc_host"] | None = attr()
    name: str | None = attr()
    parentaddr: ParentAddress | None = child(when=on("type", "scsi_host"))
    parent: str | None = attr()
    managed: YesNo | None = attr(when=on("type", "fc_host"))
    parent_wwnn: str | None = attr()
    parent_wwpn: str | None = attr()
    parent_fabric_wwn: str | None = attr()
    wwnn: str | None = attr()
    wwpn: str | None = attr()

    def check(self, options: ParseOptions) -> None:
        if self.type in (None, "default"):
            self._settle_type()
        if self.type == "fc_host":
            self._check_port()
        elif self.type == "scsi_host":
            self._check_host()

    def _settle_type(self) -> None:
        if self.wwnn or self.wwpn or self.parent:
            raise XMLError("Use of 'wwnn', 'wwpn', and 'parent' attributes requires use of the adapter 'type'")
        self.type = "scsi_host" if self.name else None

    def _check_host(self) -> None:
        if self.name and self.parentaddr:
            raise XMLError("Both 'name' and 'parent' cannot be specified for the 'scsi_host' adapter")
        if not self.name and not self.parentaddr:
            raise XMLError("Either 'name' or 'parent' must be specified for the 'scsi_host' adapter")
        self.parent = self.parent_wwnn = self.parent_wwpn = self.parent_fabric_wwn = self.wwnn = self.wwpn = None

    def _check_port(self) -> None:
        self.name = None
        if not self.wwnn or not self.wwpn:
            raise XMLError("'wwnn' and 'wwpn' must be specified for adapter type 'fchost'")
        for wwn in (self.wwnn, self.wwpn, self.parent_wwnn, self.parent_wwpn, self.parent_fabric_wwn):
            if wwn is not None and not re.fullmatch("[0-9a-fA-F]{16}", wwn):
                raise InternalError(f"Malformed wwn: {wwn}")
        for one, other in (("parent_wwnn", "parent_wwpn"), ("parent_wwpn", "parent_wwnn")):
            if (given := getattr(self, one)) and not getattr(self, other):
                raise XMLError(f"when providing {one}='{given}', the {other} must also be provided")
