# SPDX-License-Identifier: LGPL-2.1-or-later
"""Network devices of the host: taps, bridge ports, flags, counters.  Short system calls; OSError when they fail."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TUN_DEVICE = "/dev/net/tun"
#: The longest name the kernel takes.
NAME_MAX = 15

_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI, _IFF_VNET_HDR, _IFF_MULTI_QUEUE = 0x0002, 0x1000, 0x4000, 0x0100
_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914
_SIOCGIFMTU, _SIOCSIFMTU = 0x8921, 0x8922
_SIOCSIFHWADDR = 0x8924
_SIOCBRADDIF, _SIOCBRDELIF = 0x89A2, 0x89A3
_IFF_UP = 0x1
_ARPHRD_ETHER = 1


def exists(name: str) -> bool:
    """Whether the network that the daemon itself sees has a device of this name."""
    try:
        return socket.if_nametoindex(name) > 0
    except OSError:
        return False


def open_tap(name: str, *, queues: int, vnet_header: bool) -> list[int]:
    """Make a tap device and open it once for each queue; it lives as long as one of the descriptors does."""
    flags = _IFF_TAP | _IFF_NO_PI | (_IFF_VNET_HDR if vnet_header else 0) | (_IFF_MULTI_QUEUE if queues > 1 else 0)
    descriptors: list[int] = []
    try:
        for _ in range(queues):
            fd = os.open(TUN_DEVICE, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
            descriptors.append(fd)
            fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    except BaseException:
        for fd in descriptors:
            os.close(fd)
        raise
    return descriptors


@contextmanager
def _control() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        yield sock.fileno()


def _request(name: str, layout: str, *values: int | bytes) -> bytes:
    return struct.pack("16s" + layout, name.encode(), *values).ljust(40, b"\0")


def set_up(name: str, *, up: bool) -> None:
    """Switch a device on or off."""
    with _control() as fd:
        answer = fcntl.ioctl(fd, _SIOCGIFFLAGS, _request(name, "h", 0))
        (flags,) = struct.unpack_from("h", answer, 16)
        wanted = flags | _IFF_UP if up else flags & ~_IFF_UP
        fcntl.ioctl(fd, _SIOCSIFFLAGS, _request(name, "h", wanted))


def mtu(name: str) -> int:
    """The largest packet of a device."""
    with _control() as fd:
        answer = fcntl.ioctl(fd, _SIOCGIFMTU, _request(name, "i", 0))
    return int(struct.unpack_from("i", answer, 16)[0])


def set_mtu(name: str, size: int) -> None:
    with _control() as fd:
        fcntl.ioctl(fd, _SIOCSIFMTU, _request(name, "i", size))


def set_mac(name: str, mac: str) -> None:
    """Set a device's address, "52:54:00:…"."""
    with _control() as fd:
        fcntl.ioctl(fd, _SIOCSIFHWADDR, _request(name, "H14s", _ARPHRD_ETHER, bytes.fromhex(mac.replace(":", ""))))


def add_to_bridge(bridge: str, port: str) -> None:
    """Plug a device into a bridge."""
    with _control() as fd:
        fcntl.ioctl(fd, _SIOCBRADDIF, _request(bridge, "i", socket.if_nametoindex(port)))


def remove_from_bridge(bridge: str, port: str) -> None:
    """Unplug it."""
    with _control() as fd:
        fcntl.ioctl(fd, _SIOCBRDELIF, _request(bridge, "i", socket.if_nametoindex(port)))


#: The counters of virDomainInterfaceStats in its order.
COUNTERS = (
    "rx_bytes",
    "rx_packets",
    "rx_errors",
    "rx_dropped",
    "tx_bytes",
    "tx_packets",
    "tx_errors",
    "tx_dropped",
)


def counters(name: str) -> tuple[int, ...]:
    """The device's counters, in the order of `COUNTERS`, as the host sees them."""
    folder = Path("/sys/class/net") / name / "statistics"
    return tuple(int((folder / counter).read_text()) for counter in COUNTERS)
