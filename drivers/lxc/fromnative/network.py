# SPDX-License-Identifier: LGPL-2.1-or-later
"""`lxc.network.…` and `lxc.net.N.…`: the container's network devices."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from conf.binding.scalars import BadValueError
from conf.domain import Domain
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.hostdev_source import HostdevSource
from conf.domain.devices.interface import Interface, InterfaceGuest, InterfaceMac, Link
from conf.domain.devices.interface_source import InterfaceSource
from conf.netdev.ip import IPAddress, Route, ip_version
from conf.netdev.mac import parse_mac
from drivers.lxc.fromnative.configfile import ConfigFile
from drivers.lxc.fromnative.numbers import internal
from virtd.errors import Code, From, VirtError, invalid_arg

_OLD = "lxc.network."
_NEW = re.compile(r"lxc\.net\.(?P<rest>.*)")
_NUMBERED = re.compile(r"(?P<number>\d+)\.(?P<key>.+)", re.ASCII)
_CIDR = re.compile(r"(?P<address>[^/]+)/(?P<prefix>\d{1,3})", re.ASCII)

#: Keys with one value → the attribute of `_Card`.
_TEXTS = {
    "link": "link",
    "hwaddr": "mac",
    "flags": "flags",
    "macvlan.mode": "mode",
    "vlan.id": "vlan",
    "name": "name",
    "ipv4.gateway": "gateway4",
    "ipv6.gateway": "gateway6",
}
#: Keys of addresses → their family.
_ADDRESSES = {"ipv4": 4, "ipv4.address": 4, "ipv6": 6, "ipv6.address": 6}
_BITS = {4: 32, 6: 128}
#: lxc's modes of a macvlan; what there is besides is left to the switch ("vepa").
_MACVLAN_MODES: dict[str | None, Literal["private", "bridge"]] = {
    None: "private",
    "private": "private",
    "bridge": "bridge",
}
#: No device has it: the host is to choose one.
_NO_MAC = "00:00:00:00:00:00"


@dataclass(slots=True)
class _Card:
    """What is said of one network device."""

    type: str | None = None
    link: str | None = None
    mac: str | None = None
    flags: str | None = None
    mode: str | None = None
    vlan: str | None = None
    name: str | None = None
    gateway4: str | None = None
    gateway6: str | None = None
    ips: list[IPAddress] = field(default_factory=list)

    def set(self, key: str, value: str) -> None:
        """Take one setting; the last word counts.

        Raises:
            VirtError: INTERNAL_ERROR, an unknown key; INVALID_ARG, a malformed address.
        """
        if key in _ADDRESSES:
            self.ips.append(_address(value, _ADDRESSES[key]))
        elif key in _TEXTS:
            setattr(self, _TEXTS[key], value)
        else:
            raise internal(f"unknown network setting '{key}'")

    def routes(self) -> list[Route]:
        """The default routes by the gateways."""
        given: tuple[tuple[Literal["ipv4", "ipv6"], str, str | None], ...] = (
            ("ipv4", "0.0.0.0", self.gateway4),  # noqa: S104 - a route, not a socket
            ("ipv6", "::", self.gateway6),
        )
        return [
            Route(family=family, address=every, gateway=_gateway(gateway, family))
            for family, every, gateway in given
            if gateway is not None
        ]


def translate(config: ConfigFile, domain: Domain) -> bool:
    """Add the network devices to a definition; returns whether the file says anything of networks.

    Raises:
        VirtError: something that cannot be understood.
    """
    cards = _cards(config)
    for card in cards:
        if card.type in ("phys", "vlan"):
            domain.devices.hostdevs.append(_host_device(card))
        elif card.type not in (None, "", "none", "empty"):
            domain.devices.interfaces.append(_interface(card))
    return bool(cards)


def _cards(config: ConfigFile) -> list[_Card]:
    """Numbered ones in the order in which they come up, and one from each `lxc.network.type` on."""
    numbered: dict[str, _Card] = {}
    cards: list[_Card] = []
    old: _Card | None = None
    for name, value in config.settings:
        if name.startswith(_OLD):
            key = name.removeprefix(_OLD)
            if key == "type":
                cards.append(old := _Card(type=value))
            elif old is None:
                raise internal(f"'{name}' comes before lxc.network.type")
            else:
                old.set(key, value)
        elif found := _NEW.fullmatch(name):
            _set_numbered(found["rest"], value, numbered, cards)
    return cards


def _set_numbered(rest: str, value: str, numbered: dict[str, _Card], cards: list[_Card]) -> None:
    found = _NUMBERED.fullmatch(rest)
    if found is None:
        raise internal(f"lxc.net.{rest} has no number")
    card = numbered.get(found["number"])
    if card is None:
        cards.append(card := numbered.setdefault(found["number"], _Card()))
    if found["key"] == "type":
        card.type = value
    else:
        card.set(found["key"], value)


def _address(text: str, version: int) -> IPAddress:
    found = _CIDR.fullmatch(text)
    if found is None or ip_version(found["address"]) != version or int(found["prefix"]) > _BITS[version]:
        raise invalid_arg(f"Invalid CIDR address: '{text}'")
    return IPAddress(
        address=found["address"], family="ipv4" if version == 4 else "ipv6", prefix=int(found["prefix"]) or None
    )


def _gateway(text: str, family: str) -> str:
    version = ip_version(text)
    if version is None:
        complaint = f"Bad gateway address '{text}' in route definition"
    elif family != f"ipv{version}":
        complaint = f"IPv{family[-1]} family specified for non-IPv{family[-1]} gateway '{text}' in route definition"
    else:
        return text
    raise VirtError(Code.XML_ERROR, f"Domain interface: {complaint}", source=From.NETWORK)


def _host_device(card: _Card) -> Hostdev:
    """A device of the host, or a VLAN on one, that moves into the container."""
    if not card.link:
        raise VirtError(Code.CONFIG_UNSUPPORTED, "Missing 'link' attribute for NIC")
    vlan = f".{card.vlan}" if card.type == "vlan" and card.vlan is not None else ""
    return Hostdev(
        mode="capabilities",
        type="net",
        source=HostdevSource(interface=card.link + vlan),
        ips=card.ips,
        routes=card.routes(),
    )


def _interface(card: _Card) -> Interface:
    kind, source = _source(card)
    return Interface(
        type=kind,
        mac=InterfaceMac(address=_mac(card.mac)),
        source=source,
        ips=card.ips,
        routes=card.routes(),
        guest=InterfaceGuest(dev=card.name) if card.name else None,
        link=Link(state="up" if card.flags == "up" else "down"),
    )


def _source(card: _Card) -> tuple[Any, InterfaceSource | None]:
    """The interface's type, and what it stands on."""
    if card.type == "veth":
        return ("ethernet", None) if card.link is None else ("bridge", InterfaceSource(bridge=card.link))
    if card.type == "macvlan":
        if not card.link:
            raise internal("a macvlan has no lxc.network.link")
        return "direct", InterfaceSource(dev=card.link, mode=_MACVLAN_MODES.get(card.mode, "vepa"))
    return "user", None


def _mac(text: str | None) -> str:
    try:
        return parse_mac(text or "")
    except BadValueError:
        return _NO_MAC
