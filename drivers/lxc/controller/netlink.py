# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kernel's language for network devices, addresses and routes (rtnetlink), as far as containers need it.

A connection speaks to the network namespace in which it was made.  Requests raise OSError.
"""

from __future__ import annotations

import os
import struct
from _socket import AF_INET, AF_INET6, AF_NETLINK, SOCK_CLOEXEC, SOCK_RAW, inet_pton, socket

_NEWLINK, _DELLINK, _GETLINK, _SETLINK, _NEWADDR, _NEWROUTE = 16, 17, 18, 19, 20, 24
_REQUEST, _ACK, _EXCL, _CREATE = 0x1, 0x4, 0x200, 0x400
_ERROR = 2

# Attributes of a link.
_ADDRESS, _IFNAME, _MTU, _LINK, _MASTER, _LINKINFO, _NET_NS_FD = 1, 3, 4, 5, 10, 18, 28
_INFO_KIND, _INFO_DATA = 1, 2
_PROTINFO, _NESTED, _BRPORT_ISOLATED, _AF_BRIDGE = 12, 0x8000, 33, 7
_VETH_PEER, _MACVLAN_MODE = 1, 1
# Attributes of an address and of a route.
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY = 1, 4, 5, 6

_IFF_UP = 1
_IFA_F_NODAD = 0x02
_RT_TABLE_MAIN, _RTPROT_BOOT, _RTN_UNICAST = 254, 3, 1

MACVLAN_MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthrough": 8}

_HEADER = struct.Struct("=LHHLL")
_LINK_HEADER = struct.Struct("=BxHiII")
_ATTRIBUTE = struct.Struct("=HH")
_BUFFER = 32768


def attribute(kind: int, value: bytes | str | int) -> bytes:
    """One attribute, padded."""
    if isinstance(value, int):
        data = struct.pack("=I", value)
    else:
        data = value.encode() + b"\0" if isinstance(value, str) else value
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(data), kind) + data + bytes(-len(data) % 4)


def _link(index: int = 0, flags: int = 0, change: int = 0) -> bytes:
    return _LINK_HEADER.pack(0, 0, index, flags, change)


def _kind(kind: str, data: bytes) -> bytes:
    return attribute(_LINKINFO, attribute(_INFO_KIND, kind) + attribute(_INFO_DATA, data))


def mac_bytes(mac: str) -> bytes:
    """The six bytes of "52:54:00:…"."""
    return bytes.fromhex(mac.replace(":", ""))


def _address_bytes(address: str) -> tuple[int, bytes]:
    family = AF_INET6 if ":" in address else AF_INET
    return family, inet_pton(family, address)


class Netlink:
    """A connection to the namespace of the process that makes it."""

    def __init__(self) -> None:
        self._socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0)
        self._serial = 0

    def close(self) -> None:
        self._socket.close()

    # -- devices

    def index(self, name: str) -> int:
        """The number of a device."""
        answer = self._ask(_GETLINK, _link() + attribute(_IFNAME, name))
        return int(_LINK_HEADER.unpack_from(answer)[2])

    def add_veth(self, name: str, peer: str, peer_mac: str, peer_namespace: int) -> None:
        """A pair of devices: one here, its `peer` in the namespace behind a descriptor."""
        inner = _link() + attribute(_IFNAME, peer) + attribute(_NET_NS_FD, peer_namespace)
        if peer_mac:
            inner += attribute(_ADDRESS, mac_bytes(peer_mac))
        self._add(attribute(_IFNAME, name) + _kind("veth", attribute(_VETH_PEER, inner)))

    def add_macvlan(self, name: str, mac: str, parent: int, mode: str, namespace: int) -> None:
        """A device of its own address on top of another, in the namespace behind a descriptor."""
        body = attribute(_IFNAME, name) + attribute(_LINK, parent) + attribute(_NET_NS_FD, namespace)
        if mac:
            body += attribute(_ADDRESS, mac_bytes(mac))
        self._add(body + _kind("macvlan", attribute(_MACVLAN_MODE, MACVLAN_MODES[mode])))

    def _add(self, attributes: bytes) -> None:
        self._ask(_NEWLINK, _link() + attributes, _CREATE | _EXCL)

    def remove(self, index: int) -> None:
        self._ask(_DELLINK, _link(index))

    def give(self, index: int, namespace: int, name: str) -> None:
        """Move a device to the namespace behind a descriptor, where it is called `name`."""
        self._ask(_SETLINK, _link(index) + attribute(_NET_NS_FD, namespace) + attribute(_IFNAME, name))

    def set_mac(self, index: int, mac: str) -> None:
        self._ask(_SETLINK, _link(index) + attribute(_ADDRESS, mac_bytes(mac)))

    def set_mtu(self, index: int, size: int) -> None:
        self._ask(_SETLINK, _link(index) + attribute(_MTU, size))

    def plug_in(self, index: int, bridge: int) -> None:
        """Make a device a port of a bridge."""
        self._ask(_SETLINK, _link(index) + attribute(_MASTER, bridge))

    def isolate(self, index: int) -> None:
        """Keep a port of a bridge from other ports that are kept so."""
        flag = _ATTRIBUTE.pack(_ATTRIBUTE.size + 1, _BRPORT_ISOLATED) + b"\1\0\0\0"
        body = _LINK_HEADER.pack(_AF_BRIDGE, 0, index, 0, 0) + attribute(_PROTINFO | _NESTED, flag)
        self._ask(_SETLINK, body)

    def set_up(self, index: int, *, up: bool = True) -> None:
        self._ask(_SETLINK, _link(index, _IFF_UP if up else 0, _IFF_UP))

    # -- addresses and routes

    def add_address(self, index: int, address: str, prefix: int, peer: str | None) -> None:
        """Give a device an address; it is used at once, without looking whether another host has it."""
        family, local = _address_bytes(address)
        remote = _address_bytes(peer)[1] if peer else local
        header = struct.pack("=BBBBi", family, prefix, _IFA_F_NODAD if family == AF_INET6 else 0, 0, index)
        body = attribute(_IFA_LOCAL, local) + attribute(_IFA_ADDRESS, remote)
        self._ask(_NEWADDR, header + body, _CREATE | _EXCL)

    def add_route(self, index: int, address: str, prefix: int, gateway: str, metric: int) -> None:
        """Lead what goes to a network through `gateway`."""
        family, destination = _address_bytes(address)
        fields = (family, prefix, 0, 0, _RT_TABLE_MAIN, _RTPROT_BOOT, 0, _RTN_UNICAST, 0)
        body = attribute(_RTA_OIF, index) + attribute(_RTA_GATEWAY, _address_bytes(gateway)[1])
        if prefix:
            body += attribute(_RTA_DST, destination)
        if metric:
            body += attribute(_RTA_PRIORITY, metric)
        self._ask(_NEWROUTE, struct.pack("=8BI", *fields) + body, _CREATE | _EXCL)

    # -- the wire

    def _ask(self, kind: int, body: bytes, flags: int = 0) -> bytes:
        """Send a request; returns what was asked for, the kernel's plain agreement being empty."""
        self._serial += 1
        want = _REQUEST | flags | (0 if kind == _GETLINK else _ACK)
        self._socket.send(_HEADER.pack(_HEADER.size + len(body), kind, want, self._serial, 0) + body)
        answer = self._socket.recv(_BUFFER)
        _, answered, *_ = _HEADER.unpack_from(answer)
        payload = answer[_HEADER.size :]
        if answered == _ERROR:
            (number,) = struct.unpack_from("=i", payload)
            if number:
                raise OSError(-number, os.strerror(-number))
            return b""
        return payload
