# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's SMBIOS tables."""

from __future__ import annotations

import pytest

from conf.hostsysinfo import format_host_sysinfo
from drivers.common import hostsysinfo
from drivers.common.hostsysinfo import host_sysinfo, parse
from virtd.errors import Code, VirtError
from virtd.host import command

TOLD = """\
# a remark
BIOS Information
\tVendor: ACME <1>
\tRelease Date: 08/24/2011
\tCharacteristics:
\t\tVersion: of no concern
\tBIOS Revision: 3.22

System Information
\tManufacturer: ACME
\tUUID: 7b3a4381-5135-11cb-bb1b-923e0c8c7a4d
\tSKU Number: Not Specified

Base Board Information
\tProduct Name: one
Base Board Information
\tLocation In Chassis: two

OEM Strings
\tString 1: app:some: data
\tString 2: more

Processor Information
\tSocket Designation: CPU 1
\tMax Speed: 4000 MHz

Memory Device
\tSize: 4096 MB
\tBank Locator: NODE 1

Memory Device
\tSize: No Module Installed
\tLocator: DIMM A2
"""

SHOWN = """\
<sysinfo type='smbios'>
  <bios>
    <entry name='vendor'>ACME &lt;1&gt;</entry>
    <entry name='date'>08/24/2011</entry>
    <entry name='release'>3.22</entry>
  </bios>
  <system>
    <entry name='manufacturer'>ACME</entry>
    <entry name='uuid'>7b3a4381-5135-11cb-bb1b-923e0c8c7a4d</entry>
    <entry name='sku'>Not Specified</entry>
  </system>
  <baseBoard>
    <entry name='product'>one</entry>
  </baseBoard>
  <baseBoard>
    <entry name='location'>two</entry>
  </baseBoard>
  <processor>
    <entry name='socket_destination'>CPU 1</entry>
    <entry name='max_speed'>4000 MHz</entry>
  </processor>
  <memory_device>
    <entry name='size'>4096 MB</entry>
    <entry name='bank_locator'>NODE 1</entry>
  </memory_device>
  <oemStrings>
    <entry>app:some: data</entry>
    <entry>more</entry>
  </oemStrings>
</sysinfo>
"""


def test_tables():
    assert format_host_sysinfo(parse(TOLD)) == SHOWN


async def test_what_the_program_says_is_told(monkeypatch: pytest.MonkeyPatch):
    async def run(program: str, *arguments: str, seconds: float) -> bytes:
        assert (program, *arguments) == ("dmidecode", "-q", "-t", "0,1,2,3,4,11,17")
        return TOLD.encode()

    monkeypatch.setattr(command, "run", run)
    assert await host_sysinfo() == SHOWN


@pytest.mark.parametrize("told", [b"", b"# dmidecode 3.4\n# No SMBIOS nor DMI entry point found, sorry.\n", None])
async def test_a_host_that_does_not_tell(monkeypatch: pytest.MonkeyPatch, told: bytes | None):
    async def run(*_: str, seconds: float) -> bytes:
        if told is None:
            raise VirtError(Code.SYSTEM_ERROR, "no such program")
        return told

    monkeypatch.setattr(hostsysinfo.command, "run", run)
    with pytest.raises(VirtError, match="Host SMBIOS information is not available") as raised:
        await host_sysinfo()
    assert raised.value.code == Code.CONFIG_UNSUPPORTED
