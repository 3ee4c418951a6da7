# SPDX-License-Identifier: LGPL-2.1-or-later
"""Values in filter rules: each kind turns a text into the one that is written.

Most of them may be a variable, `$NAME`, `$NAME[1]` or `$NAME[@1]`, in the rule's place of use replaced by a parameter.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping

from conf.binding.scalars import BadValueError
from conf.netdev.ip import canonical_address
from conf.netdev.mac import parse_mac

#: text → canonical text; raises BadValueError.
Kind = Callable[[str], str]

_VARIABLE = re.compile(r"\$[A-Za-z0-9_]*(\[ *@?[0-9]+ *\])?", re.ASCII)
_NUMBER = re.compile(r"0x([0-9a-fA-F]{1,8})|([0-9]{1,10})", re.ASCII)

ETHERNET_TYPES = {"ipv4": 0x0800, "arp": 0x0806, "rarp": 0x8035, "ipv6": 0x86DD, "vlan": 0x8100}
IP_PROTOCOLS = {
    "icmp": 1,
    "igmp": 2,
    "tcp": 6,
    "udp": 17,
    "esp": 50,
    "ah": 51,
    "icmpv6": 58,
    "sctp": 132,
    "udplite": 136,
}
_ARP_OPERATIONS = (
    "Request",
    "Reply",
    "Request_Reverse",
    "Reply_Reverse",
    "DRARP_Request",
    "DRARP_Reply",
    "DRARP_Error",
    "InARP_Request",
    "ARP_NAK",
)
_STATES = ("NEW", "ESTABLISHED", "RELATED", "INVALID", "NONE")
_TCP_FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")


def read_value(kind: Kind, text: str) -> str:
    """The canonical text of a value or variable.

    Raises:
        BadValueError: neither.
    """
    if text.startswith("$") and kind is not words:
        if _VARIABLE.fullmatch(text):
            return text
        raise BadValueError
    return kind(text)


def words(text: str) -> str:
    """Anything."""
    return text


def integer(high: int, low: int = 0) -> Kind:
    """A number that is written in the base it was read in."""

    def parse(text: str) -> str:
        value = _number(text)
        if not low <= value <= high:
            raise BadValueError
        return f"{value:#x}" if text.startswith("0x") else str(value)

    return parse


def named_number(names: Mapping[str, int], other: Kind) -> Kind:
    """A number with names for some values; they are read in any case, and written."""
    by_name = {name.lower(): name for name in names}
    by_value = {value: name for name, value in names.items()}

    def parse(text: str) -> str:
        name = by_name.get(text.lower())
        if name is not None:
            return name
        written = other(text)
        return by_value.get(_number(text), written)

    return parse


def mac_mask(text: str) -> str:
    """A MAC address of ones, then zeros."""
    mask = parse_mac(text)
    if "01" in f"{int(mask.replace(':', ''), 16):048b}":
        raise BadValueError
    return mask


def address(version: int) -> Kind:
    """An IP address."""

    def parse(text: str) -> str:
        found = canonical_address(text)
        if found is None or (":" in found) != (version == 6):
            raise BadValueError
        return found

    return parse


def mask(version: int) -> Kind:
    """A prefix length, or a mask that is written as one."""
    longest = 32 if version == 4 else 128
    as_address = address(version)

    def parse(text: str) -> str:
        if text.isdecimal():
            return integer(longest)(text)
        bits = f"{int(ipaddress.ip_address(as_address(text))):0{longest}b}"
        if "01" in bits:
            raise BadValueError
        return str(bits.count("1"))

    return parse


def truth(text: str) -> str:
    """A boolean; what is not true is false."""
    return "true" if text.lower() in ("true", "yes", "1") else "false"


def states(text: str) -> str:
    """States of a connection."""
    return _listed(text, _STATES)


def directions(text: str) -> str:
    """Which addresses of a packet are looked up in an ipset."""
    return _listed(text, ("src", "dst"))


def tcp_flags(text: str) -> str:
    """`mask/flags`."""
    looked_at, slash, wanted = text.partition("/")
    if not slash:
        raise BadValueError
    return f"{_flags(looked_at)}/{_flags(wanted)}"


def _flags(text: str) -> str:
    if text.upper() in ("ALL", "NONE", ""):
        return text.upper() or "NONE"
    given = _listed(text, _TCP_FLAGS).split(",")
    return "ALL" if len(set(given)) == len(_TCP_FLAGS) else ",".join(flag for flag in _TCP_FLAGS if flag in given)


def _listed(text: str, known: tuple[str, ...]) -> str:
    names = {name.lower(): name for name in known}
    try:
        return ",".join(names[word.strip().lower()] for word in text.split(","))
    except KeyError:
        raise BadValueError from None


def _number(text: str) -> int:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise BadValueError
    return int(match[1], 16) if match[1] else int(match[2])


UINT8, UINT16, UINT32 = integer(0xFF), integer(0xFFFF), integer(0xFFFF_FFFF)
ETHERNET_TYPE = named_number(ETHERNET_TYPES, integer(0xFFFF, 0x600))
IP_PROTOCOL = named_number(IP_PROTOCOLS, UINT8)
ARP_OPERATION = named_number({name: number for number, name in enumerate(_ARP_OPERATIONS, 1)}, UINT16)
