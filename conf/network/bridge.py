# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<bridge>`, `<mac>`, `<mtu>` and `<domain>` of a network."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from conf.binding import FormatOptions, Model, ParseOptions, Scalar, Uint, Ulong, YesNo, attr
from conf.binding.fields import Shown, Values
from conf.errors import XMLError
from conf.naming import NAME
from conf.netdev.mac import MAC, is_multicast
from conf.network.forward import HAS_OWN_BRIDGE


def _own(default: bool | int) -> Shown:
    """What is written of a bridge that is the network's own: the value or a default; of others nothing."""

    def shown(value: Any, _values: Values, around: Values, _options: FormatOptions) -> Any:
        forward = around.get("forward")
        if forward is not None and forward.mode not in HAS_OWN_BRIDGE:
            return None
        return default if value is None else value

    return shown


#: Everything but "off" is on.
STP = Annotated[bool, Scalar(lambda text: text != "off", lambda on: "on" if on else "off")]


class NetworkBridge(Model):
    """`<bridge>`: the network's own, or with forward mode `bridge` one that the host has.

    `delay` is in seconds; `mac_table_manager` says who teaches the bridge where guests are.
    """

    name: str | None = attr(empty_is_unset=True)
    zone: str | None = attr(empty_is_unset=True)
    stp: STP | None = attr(empty_is_unset=True, shown=_own(True))
    delay: Ulong | None = attr(error=(XMLError, f"Invalid delay value in network '{NAME}'"), shown=_own(0))
    mac_table_manager: Literal["kernel", "libvirt"] | None = attr(
        "macTableManager",
        empty_is_unset=True,
        error=(XMLError, f"Invalid macTableManager setting '%s' in network '{NAME}'"),
    )

    @property
    def is_tuned(self) -> bool:
        """Whether it asks for what only an own bridge can have."""
        return bool(self.delay or self.stp is not None or self.zone)


class NetworkMac(Model):
    """`<mac>`: of the bridge."""

    address: MAC | None = attr(
        empty_is_unset=True, error=(XMLError, f"Invalid bridge mac address '%s' in network '{NAME}'")
    )

    def check(self, options: ParseOptions) -> None:
        if self.address is not None and is_multicast(self.address):
            raise XMLError(f"Invalid multicast bridge mac address '{self.address}' in network '{NAME}'")


class NetworkMTU(Model):
    """`<mtu>`: in bytes."""

    size: Uint | None = attr(
        omit=0, empty_is_unset=True, error=(XMLError, f"Invalid mtu size '%s' in network '{NAME}'")
    )


class NetworkDomain(Model):
    """`<domain>`: the DNS domain of guests; with `local_only`, names in it are not asked for elsewhere."""

    name: str | None = attr(empty_is_unset=True)
    local_only: YesNo | None = attr("localOnly")
