# SPDX-License-Identifier: LGPL-2.1-or-later
"""A make-believe host: its guests, and where it is described."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from conf.domain import parse_domain
from drivers.common.guestlist import GuestList
from drivers.test.guest import TestGuest
from virtd.errors import Code, VirtError
from virtd.events import EventBus

#: What test:///default has: one running guest.
DEFAULT = """\
<node>
  <domain type='test'>
    <name>test</name>
    <uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>
    <memory>8388608</memory>
    <currentMemory>2097152</currentMemory>
    <vcpu>2</vcpu>
    <os><type arch='i686'>hvm</type><boot dev='hd'/></os>
    <devices>
      <disk type='file' device='disk'>
        <source file='/guest/diskimage1'/>
        <target dev='vda' bus='virtio'/>
      </disk>
      <interface type='network'>
        <mac address='aa:bb:cc:dd:ee:ff'/>
        <source network='default'/>
        <target dev='testnet0'/>
      </interface>
      <memballoon model='virtio'/>
    </devices>
  </domain>
</node>
"""
MAX_FILE = 16 << 20


class World:
    """One make-believe host.  It lives as long as the daemon, so that one virsh after the other finds it."""

    def __init__(self, description: str, folder: Path, events: EventBus) -> None:
        """Make the host that `description` (a `<node>` document) tells of.

        Raises:
            VirtError: XML_ERROR: not such a document.  ConfError: a domain in it is wrong.
        """
        self.events = events
        self.guests: GuestList[TestGuest] = GuestList()
        for element in _node(description).iterchildren("domain"):
            self._populate(_domain_xml(element, folder))

    @classmethod
    def from_file(cls, path: Path, events: EventBus) -> World:
        """The host that a file describes.  Blocks: call it in a thread."""
        try:
            if path.stat().st_size > MAX_FILE:
                raise VirtError(Code.XML_ERROR, f"{path} is too large for a description of a host")
            return cls(path.read_text(), path.parent, events)
        except (OSError, UnicodeDecodeError) as error:
            raise VirtError(Code.INTERNAL_ERROR, f"cannot read the host description {path}: {error}") from error

    def _populate(self, xml: str) -> None:
        """Guests of the description are stored and running."""
        domain = parse_domain(xml)
        guest = TestGuest(self, domain)
        self.guests.add(guest)
        guest.persistent = domain
        guest.boot(domain)


def _node(description: str) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(description.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise VirtError(Code.XML_ERROR, f"host description: {error}") from error
    if root.tag != "node":
        raise VirtError(Code.XML_ERROR, "Root element is not 'node'")
    return root


def _domain_xml(element: etree._Element, folder: Path) -> str:
    """A `<domain>` of the description, in place or in the file that it names."""
    if file := element.get("file"):
        return (folder / file).read_text()
    return etree.tostring(element, encoding="unicode")
