# SPDX-License-Identifier: LGPL-2.1-or-later
"""XML that says a thing in another way than libvirt writes it: defaults, older attributes, what is dropped."""

from __future__ import annotations

import re

import pytest

from conf.binding import FormatOptions
from conf.domain.devices.single import format_device, parse_device

SPELLINGS = [
    # numbers, case, defaults
    ("<interface><mac address='52:54:0:0:0:AB'/></interface>", "<interface type='user'><mac address='52:54:00:00:00:ab'/></interface>"),
    ("<hostdev type='pci'><source/></hostdev>", "<hostdev mode='subsystem' type='pci' managed='no'><source><address domain='0x0000' bus='0x00' slot='0x00' function='0x0'/></source></hostdev>"),
    ("<hostdev type='usb' managed='x'><source><vendor id='1234'/><product id='010'/></source></hostdev>", "<hostdev mode='subsystem' type='usb' managed='no'><source><vendor id='0x04d2'/><product id='0x0008'/></source></hostdev>"),
    ("<hostdev type='scsi'><source protocol='iscsi' name='iqn'><host name='h'/></source></hostdev>", "<hostdev mode='subsystem' type='scsi' managed='no'><source protocol='iscsi' name='iqn/0'><host name='h'/></source></hostdev>"),
    ("<watchdog model='ib700'/>", "<watchdog model='ib700' action='reset'/>"),
    ("<vsock/>", "<vsock><cid auto='yes'/></vsock>"),
    ("<vsock><cid address='5'/></vsock>", "<vsock><cid auto='no' address='5'/></vsock>"),
    ("<tpm><backend type='passthrough'/></tpm>", "<tpm><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>"),
    ("<rng model='virtio'><backend model='random'/><rate bytes='0'/></rng>", "<rng model='virtio'><backend model='random'>/dev/random</backend></rng>"),
    ("<memballoon model='virtio'><stats period='-1'/></memballoon>", "<memballoon model='virtio'/>"),
    ("<shmem name='a'><msi vectors='0'/></shmem>", "<shmem name='a'><model type='ivshmem'/><msi/></shmem>"),
    ("<memory model='dimm'><source><nodemask>1-3,5,^2,4</nodemask><pagesize unit='bytes'>4097</pagesize></source><target><size unit='MiB'>1</size></target></memory>", "<memory model='dimm'><source><nodemask>1,3-5</nodemask><pagesize unit='KiB'>5</pagesize></source><target><size unit='KiB'>1024</size></target></memory>"),
    ("<memory model='virtio-mem'><target><size>2048</size></target></memory>", "<memory model='virtio-mem'><target><size unit='KiB'>2048</size><block unit='KiB'>0</block><requested unit='KiB'>0</requested></target></memory>"),
    ("<memory model='virtio-pmem'><source><path>/p</path></source><target><size>2048</size></target></memory>", "<memory model='virtio-pmem' access='shared'><source><path>/p</path></source><target><size unit='KiB'>2048</size></target></memory>"),
    ("<filesystem><source dir='/a'/><target dir='b'/></filesystem>", "<filesystem type='mount' accessmode='passthrough'><source dir='/a'/><target dir='b'/></filesystem>"),
    ("<filesystem><driver type='virtiofs'/><source dir='/a' socket='/s'/><target dir='b'/></filesystem>", "<filesystem type='mount'><driver type='virtiofs'/><source socket='/s'/><target dir='b'/></filesystem>"),
    ("<filesystem type='ram'><source usage='10' units='MiB'/><target dir='b'/></filesystem>", "<filesystem type='ram' accessmode='passthrough'><source usage='10240' units='KiB'/><target dir='b'/></filesystem>"),
    ("<redirdev type='spicevmc'/>", "<redirdev bus='usb' type='spicevmc'></redirdev>"),
    ("<redirdev type='unix'><source path='/a'/></redirdev>", "<redirdev bus='usb' type='unix'><source mode='connect' path='/a'/></redirdev>"),
    ("<nvram/>", "<nvram></nvram>"),
    # character devices
    ("<serial/>", "<serial type='pty'/>"),
    ("<serial type='tcp'><source host='a' service='3'/></serial>", "<serial type='tcp'><source mode='connect' host='a' service='3'/><protocol type='raw'/></serial>"),
    ("<serial type='pty'><source path='/dev/pts/1'/><protocol type='telnet'/><log/></serial>", "<serial type='pty'/>"),
    ("<serial type='udp'><source mode='connect' service='2'/><source mode='bind' service='1'/></serial>", "<serial type='udp'><source mode='bind' service='1'/><source mode='connect' service='2'/></serial>"),
    ("<serial type='file'><source path='/f'><seclabel model='dac'/></source><target port='-1'/></serial>", "<serial type='file'><source path='/f'/></serial>"),
    ("<channel type='unix'><source mode='bind'/><target type='virtio' state='connected'/></channel>", "<channel type='unix'><target type='virtio'/></channel>"),
    ("<smartcard mode='host'><certificate>a</certificate><source path='/a'/></smartcard>", "<smartcard mode='host'/>"),
    ("<panic model='default'/>", "<panic/>"),
    # interfaces
    ("<interface type='direct'><source dev='e'/></interface>", "<interface type='direct'><source dev='e' mode='vepa'/></interface>"),
    ("<interface type='user'><target dev='vnet7'/></interface>", "<interface type='user'/>"),
    ("<interface type='user'><target dev='vnetmine'/></interface>", "<interface type='user'/>"),
    ("<interface type='user'><model type='e1000'/><driver name='vhost'/></interface>", "<interface type='user'><model type='e1000'/></interface>"),
    ("<interface type='user'><filterref filter='f'/><teaming/><coalesce><rx/></coalesce><mtu size='0'/></interface>", "<interface type='user'/>"),
    ("<interface type='bridge'><source bridge='b'/><filterref filter='f'><parameter name='Z' value='1'/><parameter name='a-b' value='1'/><parameter name='A' value='x y'/><parameter name='A' value='fe80::1'/></filterref></interface>", "<interface type='bridge'><source bridge='b'/><filterref filter='f'><parameter name='A' value='fe80::1'/><parameter name='Z' value='1'/></filterref></interface>"),
    ("<interface type='network'><source network='n'/><vlan><tag id='5'/><tag id='6'/></vlan></interface>", "<interface type='network'><source network='n'/><vlan trunk='yes'><tag id='5'/><tag id='6'/></vlan></interface>"),
    # graphics
    ("<graphics type='vnc'/>", "<graphics type='vnc' port='-1' autoport='yes'><listen type='address'/></graphics>"),
    ("<graphics type='vnc' port='5900' autoport='yes'/>", "<graphics type='vnc' port='-1' autoport='yes'><listen type='address'/></graphics>"),
    ("<graphics type='vnc' port='5900' autoport='x' listen=''/>", "<graphics type='vnc' port='5900' autoport='no'><listen type='address'/></graphics>"),
    ("<graphics type='vnc' port='0'/>", "<graphics type='vnc' autoport='no'><listen type='address'/></graphics>"),
    ("<graphics type='vnc' port='5900'><listen type='none'/></graphics>", "<graphics type='vnc'><listen type='none'/></graphics>"),
    ("<graphics type='vnc' socket='/a' listen='1.1.1.1'/>", "<graphics type='vnc' socket='/a'><listen type='socket' socket='/a'/></graphics>"),
    ("<graphics type='vnc' listen='::1'><listen type='address'/></graphics>", "<graphics type='vnc' port='-1' autoport='yes' listen='::1'><listen type='address' address='::1'/></graphics>"),
    ("<graphics type='vnc' connected='x' passwdValidTo='2030-1-2T3:4:5'/>", "<graphics type='vnc' port='-1' autoport='yes'><listen type='address'/></graphics>"),
    ("<graphics type='vnc' passwd='x' passwdValidTo='2030-1-2T3:4:5'/>", "<graphics type='vnc' port='-1' autoport='yes' passwd='x' passwdValidTo='2030-01-02T03:04:05'><listen type='address'/></graphics>"),
    ("<graphics type='rdp' autoport='no'/>", "<graphics type='rdp' port='0' autoport='yes'><listen type='address'/></graphics>"),
    ("<graphics type='spice'/>", "<graphics type='spice'><listen type='none'/></graphics>"),
    ("<graphics type='spice' port='-1' tlsPort='-1'/>", "<graphics type='spice' autoport='yes'><listen type='address'/></graphics>"),
    ("<graphics type='spice' port='-1'/>", "<graphics type='spice' port='-1' autoport='no'><listen type='address'/></graphics>"),
    ("<graphics type='spice' autoport='yes'><channel name='record' mode='secure'/><channel name='main' mode='any'/><channel name='main' mode='insecure'/></graphics>", "<graphics type='spice' autoport='yes'><listen type='address'/><channel name='main' mode='insecure'/><channel name='record' mode='secure'/></graphics>"),
    ("<graphics type='sdl' fullscreen='no'><listen type='address'/></graphics>", "<graphics type='sdl'/>"),
    ("<sound model='usb'><codec type='x'/></sound>", "<sound model='usb'/>"),
    ("<video/>", "<video><model type='default'/></video>"),
]  # fmt: skip


def compact(xml: str) -> str:
    return re.sub(r">\s+<", "><", xml).strip()


@pytest.mark.parametrize(("xml", "written"), SPELLINGS, ids=[xml[:60] for xml, _ in SPELLINGS])
def test_written_as_libvirt_writes_it(xml: str, written: str) -> None:
    options = FormatOptions(secure=True)
    assert compact(format_device(parse_device(xml), options)) == written
    assert compact(format_device(parse_device(written), options)) == written
