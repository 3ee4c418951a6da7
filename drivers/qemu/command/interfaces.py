# SPDX-License-Identifier: LGPL-2.1-or-later
"""Network interfaces: the host's end (-netdev) and the card the guest sees."""

from __future__ import annotations

from conf.domain.devices.address import CCWAddress, PCIAddress, VirtioMMIOAddress
from conf.domain.devices.info import RomDevice
from conf.domain.devices.interface import Interface
from drivers.qemu import machines
from drivers.qemu.command.address import add_device, address_props
from drivers.qemu.command.bootindex import boot_index
from drivers.qemu.command.context import Build, OpenInterface
from drivers.qemu.command.line import CommandLine, Props, comma_list, props
from drivers.qemu.command.virtio import virtio_props
from virtd.errors import Code, VirtError

#: Types whose host end is a device that the daemon opens and hands over.
_TAP_TYPES = ("network", "bridge", "direct", "ethernet")

#: Stands for the descriptor of a tap device in a command line that is never run.
_SHOWN_FD = 3


def add_interfaces(build: Build, line: CommandLine) -> None:
    """All interfaces; those that are host devices are not written here."""
    for interface in build.domain.devices.interfaces:
        if interface.type == "hostdev":
            continue
        if interface.type == "vhostuser":
            line.add("-chardev", _vhost_user_socket(interface))
        opened = build.context.interfaces.get(interface.alias or "", OpenInterface())
        line.fds += [*opened.tap, *opened.vhost]
        line.add_json("-netdev", netdev_props(build, interface))
        if _is_built_in(build, interface):
            line.add("-net", _built_in(interface))
        else:
            add_device(line, interface, interface_props(build, interface))


def host_id(interface: Interface) -> str:
    """The name of an interface's host end."""
    return f"host{interface.alias}"


def _model(interface: Interface) -> str | None:
    return interface.model.type if interface.model else None


# --- the host's end ---------------------------------------------------------------------------------


def netdev_props(build: Build, interface: Interface) -> Props:
    """-netdev of an interface.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, QEMU has no such host end.
    """
    source = interface.source
    match interface.type:
        case kind if kind in _TAP_TYPES:
            own = _tap(build, interface)
        case "user":
            own = _user(interface)
        case "server" | "client" | "mcast" | "udp":
            own = _socket(interface)
        case "vhostuser":
            queues = interface.driver.queues if interface.driver else None
            own = {"type": "vhost-user", "chardev": f"char{interface.alias}", "queues": queues or None}
        case "vdpa":
            own = {"type": "vhost-vdpa", "vhostdev": source.dev if source else None}
        case "null":
            own = {"type": "hubport", "hubid": 0}
        case kind:
            raise VirtError(Code.CONFIG_UNSUPPORTED, f"interface type '{kind}' is not supported by QEMU")
    return props({**own, "id": host_id(interface)})


def _tap(build: Build, interface: Interface) -> Props:
    opened = build.context.interfaces.get(interface.alias or "")
    if opened is None:
        if not build.context.native:
            raise VirtError(Code.INTERNAL_ERROR, f"the host's end of interface '{interface.alias}' is not open")
        opened = OpenInterface(tap=(_SHOWN_FD,))
    return {
        "type": "tap",
        **_numbers("fd", opened.tap),
        "vhost": True if opened.vhost else None,
        **_numbers("vhostfd", opened.vhost),
        "sndbuf": (interface.tune.sndbuf or None) if interface.tune else None,
    }


def _numbers(name: str, fds: tuple[int, ...]) -> Props:
    if len(fds) > 1:
        return {f"{name}s": ":".join(map(str, fds))}
    return {name: str(fds[0])} if fds else {}


def _user(interface: Interface) -> Props:
    own: Props = {"type": "user"}
    for address in interface.ips:
        if not address.address:
            continue
        if ":" in address.address:
            own |= {"ipv6-prefix": address.address, "ipv6-prefixlen": address.prefix or None}
        else:
            own["net"] = f"{address.address}/{address.prefix}" if address.prefix else address.address
    return own


def _socket(interface: Interface) -> Props:
    source = interface.source
    assert source is not None
    place = f"{source.address or ''}:{source.port}"
    match interface.type:
        case "client":
            return {"type": "socket", "connect": place}
        case "server":
            return {"type": "socket", "listen": place}
        case "mcast":
            return {"type": "socket", "mcast": place}
        case _:
            local = source.local
            return {"type": "socket", "udp": place, "localaddr": f"{local.address}:{local.port}" if local else None}


def _vhost_user_socket(interface: Interface) -> str:
    source = interface.source
    assert source is not None
    server = source.mode == "server"
    reconnect = source.reconnect
    return comma_list(
        [
            "socket",
            ("id", f"char{interface.alias}"),
            ("path", source.path),
            ("server", "on" if server else None),
            ("reconnect", reconnect.timeout if reconnect and reconnect.enabled else None),
        ]
    )


# --- the guest's end --------------------------------------------------------------------------------


def _is_built_in(build: Build, interface: Interface) -> bool:
    """ARM boards bring their network chip along, which takes the old form."""
    placed = isinstance(interface.address, PCIAddress | VirtioMMIOAddress)
    return machines.is_arm(build.domain) and not placed


def _built_in(interface: Interface) -> str:
    return comma_list(
        [
            "nic",
            ("macaddr", interface.mac.address if interface.mac else None),
            ("netdev", host_id(interface)),
            ("model", _model(interface)),
            ("id", interface.alias),
        ]
    )


def interface_props(build: Build, interface: Interface) -> Props:
    """-device of an interface.

    Raises:
        VirtError: INTERNAL_ERROR, nothing says what the guest is to see.
    """
    model = _model(interface)
    if model is None:
        raise VirtError(Code.INTERNAL_ERROR, "argument key 'driver' must not have null value")
    own = _virtio(build, interface) if interface.is_virtio else {"driver": model}
    teaming = interface.teaming
    return props(
        {
            **own,
            "host_mtu": (interface.mtu.size or None) if interface.is_virtio and interface.mtu else None,
            "failover": True if teaming is not None and teaming.type == "persistent" else None,
            "netdev": host_id(interface),
            "id": interface.alias,
            "mac": interface.mac.address if interface.mac else None,
            "bootindex": boot_index(build.domain, interface),
            "loadparm": interface.boot.loadparm if interface.boot else None,
            **address_props(build, interface),
            **rom_props(interface),
        }
    )


def rom_props(device: RomDevice) -> Props:
    """The option ROM of a PCI device."""
    rom = device.rom
    if rom is None:
        return {}
    if rom.enabled is False:
        return {"romfile": ""}
    return {"rombar": None if rom.bar is None else int(rom.bar), "romfile": rom.file}


def _virtio(build: Build, interface: Interface) -> Props:
    driver, model = interface.driver, _model(interface)
    own = virtio_props(build, "virtio-net", interface, driver, model)
    if driver is None:
        return own
    host, guest = driver.host, driver.guest
    return {
        **own,
        "tx": {"iothread": "bh", "timer": "timer"}.get(driver.txmode or ""),
        "ioeventfd": driver.ioeventfd,
        "event_idx": driver.event_idx,
        "csum": host.csum if host else None,
        "gso": host.gso if host else None,
        "host_tso4": host.tso4 if host else None,
        "host_tso6": host.tso6 if host else None,
        "host_ecn": host.ecn if host else None,
        "host_ufo": host.ufo if host else None,
        "mrg_rxbuf": host.mrg_rxbuf if host else None,
        "guest_csum": guest.csum if guest else None,
        "guest_tso4": guest.tso4 if guest else None,
        "guest_tso6": guest.tso6 if guest else None,
        "guest_ecn": guest.ecn if guest else None,
        "guest_ufo": guest.ufo if guest else None,
        **_queues(interface, driver.queues or 0),
        "rx_queue_size": driver.rx_queue_size or None,
        "tx_queue_size": driver.tx_queue_size or None,
        "rss": driver.rss,
        "hash": driver.rss_hash_report,
    }


def _queues(interface: Interface, queues: int) -> Props:
    """A queue more than one takes an interrupt for each direction, and two for the card itself."""
    if queues <= 1:
        return {}
    if isinstance(interface.address, CCWAddress):
        return {"mq": True}
    return {"mq": True, "vectors": 2 * queues + 2} if isinstance(interface.address, PCIAddress | None) else {}
