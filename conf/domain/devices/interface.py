# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<interface>`: a network card."""

from __future__ import annotations

import re
from typing import Literal

from conf.binding import Model, ParseOptions, Uint, Ulong, YesNo, attr, child, child_text, children, on, without
from conf.domain.devices.hostdev import HostdevDriver, Managed
from conf.domain.devices.info import RomDevice
from conf.domain.devices.interface_actual import ActualInterface
from conf.domain.devices.interface_driver import InterfaceDriver
from conf.domain.devices.interface_source import InterfaceSource
from conf.domain.devices.nwfilter import FilterReference
from conf.domain.devices.teaming import Teaming
from conf.domain.devices.virtio import VirtioOptions
from conf.errors import ConfigUnsupportedError, InvalidArgError, XMLDetailError, XMLError, XMLFormError
from conf.netdev.bandwidth import Bandwidth
from conf.netdev.ip import IPAddress, Route, canonical_address, ip_version
from conf.netdev.mac import MAC, is_multicast
from conf.netdev.virtualport import VirtualPort, complete_virtualport
from conf.netdev.vlan import Vlan

VIRTIO_MODELS = ("virtio", "virtio-transitional", "virtio-non-transitional")
#: Types whose <source> may be left out.
SOURCELESS_TYPES = ("user", "ethernet", "null")
#: Types whose traffic can pass a network filter.
FILTERED_TYPES = ("ethernet", "network", "bridge")
#: Names of host devices that the daemon makes up; they do not outlive the guest.
_GENERATED_NAME = re.compile(r"(vnet|macvtap|macvlan).*", re.ASCII | re.DOTALL)
_MODEL_NAME = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


def is_chosen_name(name: str) -> bool:
    """Whether a host device's name was chosen by a user."""
    return _GENERATED_NAME.fullmatch(name) is None


class InterfaceMac(Model):
    """`<mac>`; `check` is VMware's."""

    address: MAC | None = attr(error=(XMLError, "unable to parse mac address '%s'"))
    type: Literal["generated", "static"] | None = attr()
    check_: YesNo | None = attr("check")

    def check(self, options: ParseOptions) -> None:
        if self.address is not None and is_multicast(self.address):
            raise XMLError(f"expected unicast mac address, found multicast '{self.address}'")


class PortForwardRange(Model):
    """`<range>`: ports `start` to `end` of the host, which are `to` and up in the guest."""

    start: Uint | None = attr(omit=0)
    end: Uint | None = attr(omit=0)
    to: Uint | None = attr(omit=0)
    exclude: YesNo | None = attr()


class PortForward(Model):
    """`<portForward>`: ports of the host that lead into the guest."""

    proto: Literal["tcp", "udp"] = attr(required=True)
    address: str | None = attr()
    dev: str | None = attr()
    ranges: list[PortForwardRange] = children("range", keep_empty=False)

    def check(self, options: ParseOptions) -> None:
        if self.address is not None and ip_version(self.address) is None:
            raise XMLError(f"Invalid address '{self.address}' in <portForward>")
        self.address = self.address and (canonical_address(self.address) or self.address)


class InterfacePort(Model):
    """`<port>`: of the bridge."""

    isolated: YesNo | None = attr()


class Script(Model):
    """`<script>` or `<downscript>`: a program that is run for the device."""

    path: str | None = attr()


class BackendDomain(Model):
    """`<backenddomain>`: the domain that serves it (Xen)."""

    name: str | None = attr()


class InterfaceTarget(Model):
    """`<target>`: the host's end.  With `managed='no'` it exists before the guest."""

    dev: str | None = attr(live=True, kept=is_chosen_name, empty_is_unset=True)
    managed: YesNo | None = attr()


class InterfaceGuest(Model):
    """`<guest>`: the device's name in a container."""

    dev: str | None = attr()
    actual: str | None = attr()


class InterfaceModel(Model):
    """`<model>`: the card the guest sees; None is the machine's usual one."""

    type: str | None = attr()

    def check(self, options: ParseOptions) -> None:
        if self.type is not None and not _MODEL_NAME.fullmatch(self.type):
            raise InvalidArgError("Model name contains invalid characters")


class InterfaceBackend(Model):
    """`<backend>`: the program or device nodes behind it."""

    type: Literal["passt"] | None = attr()
    tap: str | None = attr()
    vhost: str | None = attr()
    log_file: str | None = attr("logFile")


class InterfaceTune(Model):
    """`<tune>`."""

    sndbuf: Ulong | None = child_text(error=(XMLError, "sndbuf must be a positive integer"))


class Link(Model):
    """`<link>`: whether the cable is plugged in."""

    state: Literal["up", "down"] | None = attr(error=(ConfigUnsupportedError, "unknown interface link state '%s'"))


class MTU(Model):
    """`<mtu>`."""

    size: Uint | None = attr(omit=0, error=(XMLError, "malformed mtu size"))


class CoalesceFrames(Model):
    """`<frames>`: packets that may wait for one interrupt."""

    max: Uint | None = attr(omit=0, error=(XMLDetailError, "cannot parse value '%s' for coalesce parameter"))


class CoalesceReceive(Model):
    """`<rx>`."""

    frames: CoalesceFrames | None = child()


class Coalesce(Model):
    """`<coalesce>`."""

    rx: CoalesceReceive | None = child()


class Interface(RomDevice):
    """`<interface>`."""

    type: Literal[
        "user",
        "ethernet",
        "vhostuser",
        "server",
        "client",
        "mcast",
        "network",
        "bridge",
        "internal",
        "direct",
        "hostdev",
        "udp",
        "vdpa",
        "null",
        "vds",
    ] = attr(default="user")
    managed: Managed = attr(default=False, when=on("type", "hostdev"), omit=False)
    trust_guest_rx_filters: YesNo | None = attr("trustGuestRxFilters")
    mac: InterfaceMac | None = child()
    hostdev_driver: HostdevDriver | None = child("driver", when=on("type", "hostdev"))
    source: InterfaceSource | None = child()
    actual: ActualInterface | None = child(when=on("type", "network"), status=True)
    vlan: Vlan | None = child()
    virtualport: VirtualPort | None = child(keep_empty=True)
    bandwidth: Bandwidth | None = child()
    port: InterfacePort | None = child()
    ips: list[IPAddress] = children("ip")
    routes: list[Route] = children("route")
    port_forwards: list[PortForward] = children("portForward")
    script: Script | None = child()
    downscript: Script | None = child()
    backenddomain: BackendDomain | None = child()
    target: InterfaceTarget | None = child()
    guest: InterfaceGuest | None = child()
    model: InterfaceModel | None = child()
    driver: InterfaceDriver | None = child(when=without("type", "hostdev"))
    backend: InterfaceBackend | None = child()
    filterref: FilterReference | None = child(when=on("type", *FILTERED_TYPES))
    tune: InterfaceTune | None = child()
    teaming: Teaming | None = child()
    link: Link | None = child()
    mtu: MTU | None = child()
    coalesce: Coalesce | None = child()

    @property
    def is_virtio(self) -> bool:
        """Whether the guest sees a virtio card."""
        return self.model is not None and self.model.type in VIRTIO_MODELS

    def name_target(self, name: str) -> None:
        """Note what the host's end is called."""
        self.target = self.target or InterfaceTarget()
        self.target.dev = name

    def check(self, options: ParseOptions) -> None:
        if not options.status:
            self._forget_network()
        self._check_source()
        if not self.is_virtio:
            self.driver = _virtio_part(self.driver)
        if self.virtualport is not None and self.type not in ("network", "bridge", "direct", "hostdev"):
            raise ConfigUnsupportedError(f"<virtualport> element unsupported for <interface type='{self.type}'>")
        if self.virtualport is not None:
            complete_virtualport(self.virtualport, of_network=self.type == "network")
        if self.filterref is not None and self.filterref.filter is None:
            self.filterref = None
        if self.teaming is not None and self.teaming.type is None:
            self.teaming = None

    def _forget_network(self) -> None:
        """Only the daemon's own records say what became of an interface on a network."""
        self.actual = None
        if self.type != "network" and self.source is not None:
            self.source.network = self.source.portgroup = self.source.portid_ = None

    def _check_source(self) -> None:
        source = self.source
        if source is None:
            if self.type == "hostdev":
                raise XMLError("missing source address type")
            if self.type not in SOURCELESS_TYPES:
                raise XMLError(f"interface type='{self.type}' requires a 'source' element")
            return
        _check_source(self.type, source)


def _virtio_part(driver: InterfaceDriver | None) -> InterfaceDriver | None:
    """What may stand there although it is not known yet, or not so, that the card is a virtio one."""
    if driver is None:
        return None
    kept = InterfaceDriver(**{name: getattr(driver, name) for name in VirtioOptions.model_fields})
    return kept if kept != InterfaceDriver() else None


def _check_source(kind: str, source: InterfaceSource) -> None:
    """What an interface's type asks of its source."""
    if kind == "network" and source.network is None:
        raise XMLFormError("Missing required attribute 'network' in element 'source'")
    if kind == "bridge" and source.bridge is None:
        raise _lacks("bridge")
    if kind in ("mcast", "client", "udp") and source.address is None:
        raise _lacks("address")
    if kind == "direct":
        source.mode = source.mode or "vepa"
        if source.mode in ("server", "client"):
            raise XMLError(f"Invalid value for attribute 'mode' in element 'source': '{source.mode}'.")
    if kind == "vhostuser":
        if source.mode is None:
            raise _lacks("mode")
        if source.mode not in ("server", "client"):
            raise XMLError(f"Invalid value for attribute 'mode' in element 'source': '{source.mode}'.")
        if source.type != "unix":
            raise ConfigUnsupportedError(f"Type='{source.type}' unsupported for <interface type='vhostuser'>")


def _lacks(attribute: str) -> XMLError:
    return XMLError(f"Missing required attribute '{attribute}' in element 'source'")
