# SPDX-License-Identifier: LGPL-2.1-or-later
"""virNetworkUpdate: one entry of a network's definition comes, goes or is exchanged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from lxml.etree import _Element

from conf.binding import Model, ParseOptions, parse_document
from conf.binding.reading import read
from conf.errors import ConfError
from conf.naming import named
from conf.network import Network, format_network, parse_network
from conf.network.dhcp import Dhcp, DhcpHost, DhcpRange
from conf.network.dns import Dns, DnsHost, DnsService, DnsText
from conf.network.forward import Forward, ForwardInterface
from conf.network.ip import NetworkIP
from conf.network.network import PortGroup
from virtd.enums import NetworkUpdateCommand as Command
from virtd.enums import NetworkUpdateSection as Section
from virtd.errors import Code, From, VirtError

M = TypeVar("M", bound=Model)


def _invalid(text: str) -> VirtError:
    return VirtError(Code.OPERATION_INVALID, text, source=From.NETWORK)


def _unsupported(text: str) -> VirtError:
    return VirtError(Code.OPERATION_UNSUPPORTED, text, source=From.NETWORK)


@dataclass(frozen=True)
class Entries:
    """A list in a definition that can be updated.

    Attributes:
        tag: the element of an entry.
        model: what it is read as.
        find: the list in a network, by the caller's parent index.
        clashes: whether an entry keeps a new one from being added.
        matches: whether an entry is the one that a given one means, to be deleted or exchanged.
        exists, missing: complaints; the entry's fields and `net` are filled in.
        fixed: the complaint where entries cannot be exchanged.
        several: the complaint when an entry to delete is not the only one that is meant.
    """

    tag: str
    model: type[Model]
    find: Callable[[Network, int], list[Any]]
    clashes: Callable[[Any, Any], bool]
    matches: Callable[[Any, Any], bool]
    exists: str
    missing: str
    fixed: str = ""
    several: str = ""


def _addressed(network: Network, index: int) -> NetworkIP:
    """The `<ip>` whose DHCP service is meant; -1: the one that has any, or else the first."""
    where = f"in network '{network.name}'"
    if index >= 0:
        if index >= len(network.ips):
            text = f"couldn't update dhcp host entry - no <ip> element found at index {index} {where}"
            raise _invalid(text)
        return network.ips[index]
    serving = [ip for ip in network.ips if ip.dhcp and (ip.dhcp.ranges or ip.dhcp.hosts)]
    for ip in (*serving, *sorted(network.ips, key=lambda ip: ip.version)):
        return ip
    raise _invalid(f"couldn't update dhcp host entry - no <ip> element found {where}")


def _dhcp(network: Network, index: int) -> Dhcp:
    ip = _addressed(network, index)
    ip.dhcp = ip.dhcp or Dhcp()
    return ip.dhcp


def _dns(network: Network) -> Dns:
    network.dns = network.dns or Dns()
    return network.dns


def _forward(network: Network) -> Forward:
    network.forward = network.forward or Forward(mode="none")
    return network.forward


def _some_equal(*fields: str) -> Callable[[Model, Model], bool]:
    """Whether two entries share one of these fields."""

    def check(one: Model, other: Model) -> bool:
        return any(_same(one, other, field) for field in fields)

    return check


def _given_equal(*fields: str) -> Callable[[Model, Model], bool]:
    """Whether an entry has all that is given of these fields."""

    def check(entry: Model, given: Model) -> bool:
        asked = [field for field in fields if getattr(given, field) is not None]
        return all(_same(entry, given, field) for field in asked)

    return check


def _same(one: Model, other: Model, field: str) -> bool:
    value, other_value = getattr(one, field), getattr(other, field)
    if isinstance(value, str) and isinstance(other_value, str):
        return value.lower() == other_value.lower() if field == "mac" else value == other_value
    return value is not None and value == other_value


def _is_host(entry: DhcpHost, given: DhcpHost) -> bool:
    """Whether a host has the properties given; one without a MAC address may have any."""
    fields = ("mac", "name", "ip") if entry.mac is not None else ("name", "ip")
    return _given_equal(*fields)(entry, given)


def _share_a_name(one: DnsHost, other: DnsHost) -> bool:
    return one.ip == other.ip or bool(set(one.hostnames) & set(other.hostnames))


_SRV = _given_equal("domain", "service", "protocol", "target", "port", "priority", "weight")
_RANGE = _given_equal("start", "end")

SECTIONS = {
    Section.IP_DHCP_HOST: Entries(
        "host",
        DhcpHost,
        lambda network, index: _dhcp(network, index).hosts,
        clashes=_some_equal("mac", "name", "ip"),
        matches=_is_host,
        exists="there is an existing dhcp host entry in network '{net}' that matches"
        " \"<host mac='{mac}' name='{name}' ip='{ip}'/>\"",
        missing="couldn't locate a matching dhcp host entry in network '{net}'",
    ),
    Section.IP_DHCP_RANGE: Entries(
        "range",
        DhcpRange,
        lambda network, index: _dhcp(network, index).ranges,
        clashes=_RANGE,
        matches=_RANGE,
        exists="there is an existing dhcp range entry in network '{net}' that matches"
        " \"<range start='{start}' end='{end}'/>\"",
        missing="couldn't locate a matching dhcp range entry in network '{net}'",
        fixed="dhcp ranges cannot be modified, only added or deleted",
    ),
    Section.FORWARD_INTERFACE: Entries(
        "interface",
        ForwardInterface,
        lambda network, _index: _forward(network).interfaces,
        clashes=_given_equal("dev"),
        matches=_given_equal("dev"),
        exists="there is an existing interface entry in network '{net}' that matches \"<interface dev='{dev}'>\"",
        missing="couldn't find an interface entry in network '{net}' matching <interface dev='{dev}'>",
        fixed="forward interface entries cannot be modified, only added or deleted",
    ),
    Section.PORTGROUP: Entries(
        "portgroup",
        PortGroup,
        lambda network, _index: network.portgroups,
        clashes=_given_equal("name"),
        matches=_given_equal("name"),
        exists="there is an existing portgroup entry in network '{net}' that matches \"<portgroup name='{name}'>\"",
        missing="couldn't find a portgroup entry in network '{net}' matching <portgroup name='{name}'>",
    ),
    Section.DNS_HOST: Entries(
        "host",
        DnsHost,
        lambda network, _index: _dns(network).hosts,
        clashes=_given_equal("ip"),
        matches=_share_a_name,
        exists="there is already at least one DNS HOST record with a matching field in network {net}",
        missing="couldn't locate a matching DNS HOST record in network {net}",
        fixed="DNS HOST records cannot be modified, only added or deleted",
        several="multiple matching DNS HOST records were found in network {net}",
    ),
    Section.DNS_TXT: Entries(
        "txt",
        DnsText,
        lambda network, _index: _dns(network).txts,
        clashes=_given_equal("name"),
        matches=_given_equal("name"),
        exists="there is already a DNS TXT record with name '{name}' in network {net}",
        missing="couldn't locate a matching DNS TXT record in network {net}",
        fixed="DNS TXT records cannot be modified, only added or deleted",
    ),
    Section.DNS_SRV: Entries(
        "srv",
        DnsService,
        lambda network, _index: _dns(network).srvs,
        clashes=_SRV,
        matches=_SRV,
        exists="there is already at least one DNS SRV record matching all specified fields in network {net}",
        missing="couldn't locate a matching DNS SRV record in network {net}",
        fixed="DNS SRV records cannot be modified, only added or deleted",
        several="multiple DNS SRV records matching all specified fields were found in network {net}",
    ),
}
_UNSUPPORTED = {
    Section.BRIDGE: "bridge",
    Section.DOMAIN: "domain",
    Section.IP: "ip",
    Section.FORWARD: "forward",
    Section.FORWARD_PF: "forward pf",
}


def update(network: Network, command: int, section: int, parent_index: int, xml: str) -> None:
    """Change `network`, which the caller gives up if this fails.

    Args:
        command: a `NetworkUpdateCommand`.
        section: a `NetworkUpdateSection`.
        parent_index: which `<ip>`, for DHCP; -1 for the obvious one.
        xml: the entry.

    Raises:
        VirtError: OPERATION_UNSUPPORTED: not for this section; OPERATION_INVALID: there is such an entry, or none.
        ConfError: the entry is none, or no network has it beside the others.
    """
    if section in _UNSUPPORTED:
        raise _unsupported(f"can't update '{_UNSUPPORTED[section]}' section of network '{network.name}'")
    entries = SECTIONS.get(section)
    if entries is None:
        raise _unsupported("can't update unrecognized section of network")
    root = _element(entries, network, xml)
    found = entries.find(network, parent_index)
    if command == Command.MODIFY and entries.fixed:
        raise _unsupported(entries.fixed)
    given = _read(entries, network, root, parent_index, ParseOptions(partial=command == Command.DELETE))
    if command not in (Command.MODIFY, Command.DELETE, Command.ADD_LAST, Command.ADD_FIRST):
        raise _unsupported(f"unrecognized network update command code {command}")
    texts = {"net": network.name} | {name: _shown(getattr(given, name)) for name in type(given).model_fields}
    if command in (Command.ADD_FIRST, Command.ADD_LAST):
        _add(entries, found, given, texts, first=command == Command.ADD_FIRST)
    else:
        place = _locate(entries, found, given, texts, exchange=command == Command.MODIFY)
        found[place : place + 1] = [given] if command == Command.MODIFY else []
    _check_default(network)
    # An entry that is sound by itself may not fit the rest.
    parse_network(format_network(network))


def _shown(value: object) -> object:
    return "unknown" if value is None else value


def _element(entries: Entries, network: Network, xml: str) -> _Element:
    root = parse_document(xml, None, what="network_update_xml")
    if root.tag != entries.tag:
        where = f"while updating network '{network.name}'"
        text = f"unexpected element <{root.tag}>, expecting <{entries.tag}>, {where}"
        raise VirtError(Code.XML_ERROR, text, source=From.NETWORK)
    return root


def _read(entries: Entries, network: Network, root: _Element, parent_index: int, options: ParseOptions) -> Model:
    try:
        given = read(entries.model, root, options)
        if isinstance(given, DhcpHost):
            given.settle(_addressed(network, parent_index).version, partial=options.partial)
    except ConfError as error:
        raise named(error, network.name) from None
    return given


def _add(entries: Entries, found: list[Model], given: Model, texts: dict[str, Any], *, first: bool) -> None:
    if any(entries.clashes(entry, given) for entry in found):
        raise _invalid(entries.exists.format(**texts))
    found.insert(0 if first else len(found), given)


def _locate(entries: Entries, found: list[Model], given: Model, texts: dict[str, Any], *, exchange: bool) -> int:
    """Where the entry is that a client means; to be exchanged it need only share something with the new one."""
    meant = entries.clashes if exchange else entries.matches
    places = [index for index, entry in enumerate(found) if meant(entry, given)]
    if not places:
        raise _invalid(entries.missing.format(**texts))
    if entries.several and len(places) > 1:
        raise _invalid(entries.several.format(**texts))
    return places[0]


def _check_default(network: Network) -> None:
    defaults = [group.name for group in network.portgroups if group.default]
    if len(defaults) > 1:
        text = f"a different portgroup entry in network '{network.name}' is already set as the default."
        raise _invalid(f"{text} Only one default is allowed.")
