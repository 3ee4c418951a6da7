# SPDX-License-Identifier: LGPL-2.1-or-later
"""The protocols that a rule can look at: the attributes of each, in the order of writing."""

from __future__ import annotations

from conf.netdev.mac import parse_mac
from conf.nwfilter import values
from conf.nwfilter.values import UINT8, UINT16, UINT32, Kind

Attributes = dict[str, Kind]

_COMMENT: Attributes = {"comment": values.words}
_MACS: Attributes = {
    "srcmacaddr": parse_mac,
    "srcmacmask": values.mac_mask,
    "dstmacaddr": parse_mac,
    "dstmacmask": values.mac_mask,
}
_PORTS: Attributes = dict.fromkeys(("srcportstart", "srcportend", "dstportstart", "dstportend"), UINT16)
_DSCP = values.integer(0x3F)


def _addresses(version: int) -> Attributes:
    address, mask = values.address(version), values.mask(version)
    return {"srcipaddr": address, "srcipmask": mask, "dstipaddr": address, "dstipmask": mask}


def _high_and_low(kind: Kind, *names: str) -> Attributes:
    return {f"{name}{end}": kind for name in names for end in ("", "-hi")}


def _masked(name: str) -> Attributes:
    return {name: parse_mac, f"{name}-mask": values.mac_mask}


_STP: Attributes = {
    "srcmacaddr": parse_mac,
    "srcmacmask": values.mac_mask,
    "type": UINT8,
    "flags": UINT8,
    **_high_and_low(UINT16, "root-priority"),
    **_masked("root-address"),
    **_high_and_low(UINT32, "root-cost"),
    **_high_and_low(UINT16, "sender-priority"),
    **_masked("sender-address"),
    **_high_and_low(UINT16, "port", "age", "max-age", "hello-time", "forward-delay"),
}
_ARP: Attributes = {
    **_MACS,
    "hwtype": UINT16,
    "protocoltype": UINT16,
    "opcode": values.ARP_OPERATION,
    "arpsrcmacaddr": parse_mac,
    "arpdstmacaddr": parse_mac,
    "arpsrcipaddr": values.address(4),
    "arpsrcipmask": values.mask(4),
    "arpdstipaddr": values.address(4),
    "arpdstipmask": values.mask(4),
    "gratuitous": values.truth,
}


def _over_ip(version: int, **more: Kind) -> Attributes:
    """What packets are looked at for by the host's packet filter."""
    address = values.address(version)
    return {
        "srcmacaddr": parse_mac,
        **_addresses(version),
        "srcipfrom": address,
        "srcipto": address,
        "dstipfrom": address,
        # An IPv4 address even in rules for IPv6: so libvirt has it.
        "dstipto": values.address(4),
        "dscp": _DSCP,
        "connlimit-above": UINT16,
        "state": values.states,
        "ipset": values.words,
        "ipsetflags": values.directions,
        **more,
        **_COMMENT,
    }


#: Protocol → its attributes in the order of writing.
PROTOCOLS: dict[str, Attributes] = {
    "mac": {**_MACS, "protocolid": values.ETHERNET_TYPE, **_COMMENT},
    "vlan": {**_MACS, "vlanid": values.integer(0xFFF), "encap-protocol": values.ETHERNET_TYPE, **_COMMENT},
    "stp": {**_STP, **_COMMENT},
    "arp": {**_ARP, **_COMMENT},
    "rarp": {**_ARP, **_COMMENT},
    "ip": {**_MACS, **_addresses(4), "protocol": values.IP_PROTOCOL, **_PORTS, "dscp": _DSCP, **_COMMENT},
    "ipv6": {
        **_MACS,
        **_addresses(6),
        "protocol": values.IP_PROTOCOL,
        **_PORTS,
        **dict.fromkeys(("type", "typeend", "code", "codeend"), UINT8),
        **_COMMENT,
    },
}
for _version, _suffix in ((4, ""), (6, "-ipv6")):
    for _name in ("udplite", "esp", "ah", "igmp", "all"):
        PROTOCOLS[_name + _suffix] = _over_ip(_version)
    PROTOCOLS["tcp" + _suffix] = _over_ip(_version, **_PORTS, option=UINT8, flags=values.tcp_flags)
    PROTOCOLS["udp" + _suffix] = PROTOCOLS["sctp" + _suffix] = _over_ip(_version, **_PORTS)
    PROTOCOLS["icmp" if _version == 4 else "icmpv6"] = _over_ip(_version, type=UINT8, code=UINT8)
del PROTOCOLS["igmp-ipv6"]

#: Protocols of which ports can be told only when they say what they carry, and how complaints call them.
PORTS_BY_PROTOCOL = {"ip": "IP", "ipv6": "IPv6"}
WITH_PORTS = frozenset({"6", "17", "33", "132", "tcp", "udp", "sctp"})
#: Protocols whose `ipset` is taken as it is given.
PLAIN_IPSET = frozenset({"all", "all-ipv6"})
