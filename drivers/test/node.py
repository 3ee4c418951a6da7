# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a `<node>` document to the host that it describes: libvirt's format, and elements of our own namespace.

docs/test-driver.md describes both.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import fields

from lxml import etree

from conf.nodedev import parse_node_device
from conf.snapshot import parse_snapshot
from conf.storage import parse_volume
from drivers.test import networks, pools, volumes
from drivers.test.defaults import prepare
from drivers.test.faults import Fault
from drivers.test.guest import TestGuest
from drivers.test.work import Saved
from drivers.test.world import Node, World
from virtd.enums import DomainState
from virtd.errors import Code, VirtError

#: libvirt's namespace for what a test wants of a domain, and ours for what it wants of the host.
_LIBVIRT = "{http://libvirt.org/schemas/domain/test/1.0}"
_VIRTD = "{urn:virtd:test:1}"

#: Reads a file that the document names.
Read = Callable[[str], bytes]


def build(path: str, read: Read) -> World:
    """The host that the file `path` describes.  Blocks as `read` does.

    Raises:
        VirtError: XML_ERROR: not such a document.  ConfError: an object in it is wrong.
    """
    return Builder(os.path.dirname(path), read).build(read(path))


class Builder:
    """Makes one host; files that its description names are sought from `folder` on."""

    def __init__(self, folder: str, read: Read) -> None:
        self._folder, self._read = folder, read
        self._world = World()

    def build(self, description: bytes) -> World:
        """See the module's `build`."""
        root = _parse(description)
        if root.tag != "node":
            raise VirtError(Code.XML_ERROR, "Root element is not 'node'")
        if root.find("auth") is not None:
            raise VirtError(Code.AUTH_FAILED, "a daemon does not ask for the password of a host description")
        self._world.node = _node(root)
        self._set_up(root)
        for element in self._objects(root, "domain"):
            self._add_domain(element)
        for element in self._objects(root, "network"):
            network = networks.define(self._world, _text(element))
            network.live = network.persistent
        for element in self._objects(root, "interface"):
            self._world.interfaces.define(_text(element)).active = True
        for element in self._objects(root, "pool"):
            self._add_pool(element)
        for element in self._objects(root, "device"):
            device = parse_node_device(_text(element))
            self._world.devices[device.name] = device
        return self._world

    def _objects(self, parent: etree._Element, tag: str) -> Iterator[etree._Element]:
        """The objects of a kind, in place or in the files that they name."""
        for element in parent.iterchildren(tag):
            file = element.get("file")
            yield _parse(self._read(os.path.join(self._folder, file))) if file else element

    def _set_up(self, root: etree._Element) -> None:
        """Our own elements."""
        clock = root.find(f"{_VIRTD}clock")
        if clock is not None:
            self._world.clock.speed = _number(clock, "speed", 1.0)
        jobs = root.find(f"{_VIRTD}jobs")
        if jobs is not None:
            self._world.job_seconds = _number(jobs, "seconds", self._world.job_seconds)
        self._world.faults = [_fault(element) for element in root.iterchildren(f"{_VIRTD}fault")]

    def _add_domain(self, element: etree._Element) -> None:
        """A guest that is stored and runs, unless the description says otherwise."""
        snapshots = list(self._objects(element, f"{_LIBVIRT}domainsnapshot"))
        domain = prepare(_text(element))
        transient, state = _wish(element, "transient", 0), _wish(element, "runstate", DomainState.RUNNING)
        if transient and state == DomainState.SHUTOFF:
            raise VirtError(Code.XML_ERROR, f"transient domain '{domain.name}' cannot have runstate 'shutoff'")
        if not DomainState.NOSTATE <= state <= DomainState.PMSUSPENDED:
            raise VirtError(Code.XML_ERROR, f"runstate '{state}' out of range")
        if self._world.guests.place(domain) is not None:
            raise VirtError(Code.XML_ERROR, f"domain '{domain.name}' is described twice")
        guest = TestGuest(self._world, domain)
        self._world.guests.add(guest)
        guest.persistent = None if transient else domain
        if state != DomainState.SHUTOFF:
            guest.boot(domain)
            guest.set_state(state, 0)
        elif _wish(element, "hasmanagedsave", 0):
            guest.saved = Saved(domain)
        for snapshot in snapshots:
            _add_snapshot(guest, snapshot)

    def _add_pool(self, element: etree._Element) -> None:
        described = list(self._objects(element, "volume"))
        for volume in list(element.iterchildren("volume")):
            element.remove(volume)
        pool = pools.define(self._world, _text(element))
        pool.active = True
        for volume in described:
            volumes.add(pool, parse_volume(_text(volume), pool.definition.type))


def _parse(document: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        raise VirtError(Code.XML_ERROR, f"host description: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise VirtError(Code.XML_ERROR, "host description: a document type declaration is not allowed")
    return root


def _text(element: etree._Element) -> bytes:
    return etree.tostring(element, with_tail=False)


def _node(root: etree._Element) -> Node:
    """The host itself: what the description leaves out is as in test:///default."""
    node, given = Node(), {}
    for field in fields(Node):
        place = "memory" if field.name == "memory" else f"cpu/{_XML_NAMES.get(field.name, field.name)}"
        if (text := root.findtext(place)) is not None:
            given[field.name] = text.strip() if field.name == "model" else _positive(text, place)
    for name, value in given.items():
        setattr(node, name, value)
    if "cpus" not in given:
        node.cpus = node.nodes * node.sockets * node.cores * node.threads
    return node


_XML_NAMES = {"cpus": "active"}


def _positive(text: str, place: str) -> int:
    if not text.strip().isdecimal():
        raise VirtError(Code.XML_ERROR, f"invalid node {place} value")
    return int(text)


def _wish(domain: etree._Element, name: str, default: int) -> int:
    """What a test wants of a domain."""
    text = domain.findtext(_LIBVIRT + name)
    if text is not None and not text.strip().isdecimal():
        raise VirtError(Code.XML_ERROR, f"invalid {name}")
    return default if text is None else int(text)


def _add_snapshot(guest: TestGuest, element: etree._Element) -> None:
    """A snapshot that the guest has from the beginning; `<active>` marks the current one."""
    element.tag = "domainsnapshot"
    snapshot = parse_snapshot(_text(element), redefine=True)
    snapshot.domain = snapshot.domain or guest.definition.model_copy(deep=True)
    guest.snapshots.add(snapshot)
    if element.findtext("active") == "1":
        guest.snapshots.current = snapshot


def _number(element: etree._Element, name: str, default: float) -> float:
    try:
        value = float(element.get(name, default))
    except ValueError:
        value = -1
    if not 0 <= value < 1e9:
        raise VirtError(Code.XML_ERROR, f"invalid {name} of <{etree.QName(element).localname}>")
    return value


def _fault(element: etree._Element) -> Fault:
    """`<fault function='virDomainSuspend' domain='a' code='38' message='…' delay='1' skip='0' times='1'/>`."""
    function, code, times = element.get("function"), element.get("code"), element.get("times")
    if not function:
        raise VirtError(Code.XML_ERROR, "a fault needs the name of a function")
    try:
        return Fault(
            function=function,
            domain=element.get("domain"),
            code=None if code is None else _positive(code, "fault code"),
            message=element.get("message", Fault.message),
            delay=_number(element, "delay", 0.0),
            skip=int(_number(element, "skip", 0)),
            times=None if times is None else _positive(times, "fault times"),
        )
    except ValueError as error:
        raise VirtError(Code.XML_ERROR, f"a fault of {function}: {error}") from None
