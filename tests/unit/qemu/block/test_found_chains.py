# SPDX-License-Identifier: LGPL-2.1-or-later
"""What was found below a disk's image is no part of the guest's definition."""

from __future__ import annotations

from conf.domain import format_domain, parse_domain
from conf.domain.devices.storage_source import BackingStore
from drivers.qemu.block.chains import without_found

XML = (
    "<domain type='kvm'><name>a</name><memory>4096</memory><os><type>hvm</type></os><devices>"
    "<disk type='file'><driver type='qcow2'/><source file='/top'/><target dev='vda'/>"
    "<backingStore type='file'><format type='qcow2'/><source file='/named'/></backingStore></disk></devices></domain>"
)


def test_only_named_images_are_shown() -> None:
    domain = parse_domain(XML)
    [disk] = domain.devices.disks
    assert disk.backing_store is not None
    below = parse_domain(XML.replace("/named", "/found")).devices.disks[0].backing_store
    assert isinstance(below, BackingStore)
    below.found = True
    disk.backing_store.backing_store = below
    assert "/found" in format_domain(domain)
    shown = format_domain(without_found(domain))
    assert ("/named" in shown, "/found" in shown) == (True, False)
    assert "/found" in format_domain(domain)


def test_the_daemons_own_record_knows_what_was_found() -> None:
    domain = parse_domain(XML)
    [disk] = domain.devices.disks
    assert disk.backing_store is not None
    disk.backing_store.found = True
    record = format_domain(domain, inactive=False, status=True)
    again = parse_domain(record, inactive=False, status=True)
    assert "<backingStore" not in format_domain(without_found(again))
    assert "found=" not in format_domain(domain)
    assert "/named" in format_domain(without_found(parse_domain(record))), "a client's word for it does not count"


def test_that_nothing_is_below_may_be_told() -> None:
    domain = parse_domain(XML)
    [disk] = domain.devices.disks
    disk.backing_store = BackingStore(found=True)
    assert "<backingStore/>" in format_domain(without_found(domain))
