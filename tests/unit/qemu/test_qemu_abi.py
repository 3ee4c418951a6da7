# SPDX-License-Identifier: LGPL-2.1-or-later
"""What two QEMUs have to agree about besides what a guest sees."""

from __future__ import annotations

import pytest

from conf.domain import Domain, parse_domain
from conf.errors import ConfigUnsupportedError
from drivers.qemu.abi import check_abi

DOMAIN = """<domain type='kvm'><name>g</name><uuid>7f3c1b62-6df0-4bd1-9ad5-02b1d5a0f001</uuid>
<memory unit='KiB'>1048576</memory><memoryBacking><source type='memfd'/></memoryBacking>
<os><type arch='x86_64' machine='pc'>hvm</type></os><devices>
<memory model='dimm'><target><size unit='KiB'>1024</size></target><alias name='ua-m'/></memory>
</devices></domain>"""


def domain(old: str = "", new: str = "") -> Domain:
    return parse_domain(DOMAIN.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "<source type='memfd'/>",
            "<nosharepages/>",
            "Target memoryBacking source 'none' doesn't match source memoryBacking source'memfd'",
        ),
        ("'ua-m'", "'ua-n'", "Target memory device alias 'ua-n' doesn't match source alias 'ua-m'"),
        ("<alias name='ua-m'/>", "", "Target memory device alias '<null>' doesn't match source alias 'ua-m'"),
        ("<name>g<", "<name>h<", "Target domain name 'h' does not match source 'g'"),
    ],
)
def test_differences(old: str, new: str, complaint: str) -> None:
    with pytest.raises(ConfigUnsupportedError) as caught:
        check_abi(domain(), domain(old, new))
    assert str(caught.value) == complaint


IMPLICIT = "<controller type='pci' index='0' model='pci-root'/><input type='keyboard' bus='ps2'/>"
CHOSEN = "<controller type='scsi' index='0'/><input type='tablet' bus='usb'/>"


def test_the_place_of_what_goes_without_saying_does_not_count() -> None:
    before = domain("<devices>", f"<devices>{IMPLICIT}{CHOSEN}")
    check_abi(before, domain("<devices>", f"<devices>{CHOSEN}{IMPLICIT}"))
    kept = [[c.type for c in before.devices.controllers], [i.bus for i in before.devices.inputs]]
    assert kept == [["pci", "scsi"], ["ps2", "usb"]]


def test_what_goes_without_saying_is_counted() -> None:
    with pytest.raises(ConfigUnsupportedError, match="controller count 1 does not match source 2"):
        check_abi(domain("<devices>", f"<devices>{IMPLICIT}{CHOSEN}"), domain("<devices>", f"<devices>{IMPLICIT}"))
