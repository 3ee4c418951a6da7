# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of `<interface>`."""

from __future__ import annotations

from conf.domain.devices.interface import Interface
from conf.domain.domain import Domain
from conf.domain.validation.virtio import refuse_virtio_options
from conf.errors import ConfigUnsupportedError, InternalError


def check_interface(interface: Interface, _domain: Domain) -> None:
    """Raise ConfError for what no hypervisor could do."""
    if interface.type == "vhostuser":
        _check_vhostuser(interface)
    if interface.target and interface.target.managed is False and interface.type != "ethernet":
        raise ConfigUnsupportedError(f"unmanaged target dev is not supported on interfaces of type '{interface.type}'")
    if not interface.is_virtio:
        refuse_virtio_options(interface.driver)
    if interface.port and interface.port.isolated:
        _check_isolated(interface)
    _check_floor(interface)
    source = interface.source
    if source and source.startup_policy is not None and source.hostdev and source.hostdev.type != "usb":
        raise ConfigUnsupportedError("Setting startupPolicy is only allowed for USB devices")


def _check_vhostuser(interface: Interface) -> None:
    if not interface.is_virtio:
        raise InternalError(
            "Wrong or no <model> 'type' attribute specified with <interface type='vhostuser'/>. "
            "vhostuser requires the virtio-net* frontend"
        )
    source = interface.source
    if source and source.mode == "server" and source.reconnect and source.reconnect.enabled:
        raise ConfigUnsupportedError("'reconnect' attribute unsupported 'server' mode for <interface type='vhostuser'>")


def _check_isolated(interface: Interface) -> None:
    """Isolation is a property of a port of a Linux bridge."""
    where = f"interface {interface.mac.address if interface.mac else ''} - <port isolated='yes'/> is not supported"
    if interface.type not in ("network", "bridge"):
        raise ConfigUnsupportedError(f"{where} for network interfaces with type='{interface.type}'")
    kind = interface.virtualport.type if interface.virtualport else None
    if kind is not None:
        raise ConfigUnsupportedError(f"{where} for network interfaces with virtualport type='{kind}'")


def _check_floor(interface: Interface) -> None:
    """A guaranteed rate needs a network that shares its bandwidth out."""
    inbound = interface.bandwidth.inbound if interface.bandwidth else None
    if inbound and inbound.floor and interface.type != "network":
        raise ConfigUnsupportedError("floor attribute is not supported for this config")
