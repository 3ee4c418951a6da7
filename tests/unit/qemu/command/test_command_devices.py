# SPDX-License-Identifier: LGPL-2.1-or-later
"""-device and what belongs to it, for each kind of device."""

from __future__ import annotations

import json

import pytest

from drivers.qemu.command import OpenInterface
from tests.unit.qemu.command.conftest import CONTROLLERS, Build, device, values
from virtd.errors import Code, VirtError

PCI = "<address type='pci' domain='0x0000' bus='0x00' slot='0x03' function='0x0'/>"
PLACE = '"bus":"pci.0","addr":"0x3"'
USB = "<address type='usb' bus='0' port='1.2'/>"
FILE = "<driver name='qemu' type='qcow2'{}/><source file='/d.img' index='1'/>"

UNCACHED = FILE.format(" cache='none'")

#: device → id → the properties, letter by letter.
DEVICES = {
    "virtio disk": (
        (
            f"<disk type='file' device='disk'>{UNCACHED}<target dev='vda' bus='virtio'/>"
            f"<serial>S</serial><boot order='2'/><alias name='virtio-disk0'/>{PCI}</disk>"
        ),
        "virtio-disk0",
        (
            f'{{"driver":"virtio-blk-pci",{PLACE},"drive":"libvirt-1-format","id":"virtio-disk0","bootindex":2,'
            '"write-cache":"on","serial":"S"}'
        ),
    ),
    "tuned virtio disk": (
        "<disk type='file' device='disk' model='virtio-transitional'>"
        + FILE.format(" ioeventfd='on' queues='4' iothread='1' iommu='on'")
        + f"<target dev='vda' bus='virtio'/><shareable/><alias name='virtio-disk0'/>{PCI}</disk>",
        "virtio-disk0",
        (
            '{"driver":"virtio-blk-pci-transitional","iommu_platform":true,"iothread":"iothread1","ioeventfd":true,'
            f'"num-queues":4,{PLACE},"share-rw":true,"drive":"libvirt-1-format","id":"virtio-disk0"}}'
        ),
    ),
    "IDE disk": (
        (
            f"<disk type='file' device='disk'>{FILE.format('')}<target dev='hdc' bus='ide'/><alias name='ide0-1-0'/>"
            "<wwn>5000c50015ea71ad</wwn><geometry cyls='16383' heads='16' secs='63' trans='lba'/>"
            "<address type='drive' controller='0' bus='1' target='0' unit='0'/></disk>"
        ),
        "ide0-1-0",
        (
            '{"driver":"ide-hd","bus":"ide.1","unit":0,"drive":"libvirt-1-format","id":"ide0-1-0","wwn":5764824127192592813,'
            '"cyls":16383,"heads":16,"secs":63,"bios-chs-trans":"lba"}'
        ),
    ),
    "empty CD drive": (
        (
            "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/><alias name='sata0-0-3'/>"
            "<address type='drive' controller='0' bus='0' target='0' unit='3'/></disk>"
        ),
        "sata0-0-3",
        '{"driver":"ide-cd","bus":"sata0.3","id":"sata0-0-3"}',
    ),
    "SCSI disk": (
        (
            f"<disk type='file' device='disk'>{FILE.format('')}<target dev='sda' bus='scsi' rotation_rate='1'/>"
            "<vendor>V</vendor><product>P</product><alias name='scsi0-0-0-2'/>"
            "<address type='drive' controller='0' bus='0' target='1' unit='2'/></disk>"
        ),
        "scsi0-0-0-2",
        (
            '{"driver":"scsi-hd","bus":"scsi0.0","channel":0,"scsi-id":1,"lun":2,"device_id":"drive-scsi0-0-0-2",'
            '"drive":"libvirt-1-format","id":"scsi0-0-0-2","rotation_rate":1,"vendor":"V","product":"P"}'
        ),
    ),
    "USB disk": (
        (
            f"<disk type='file' device='disk'>{FILE.format('')}<target dev='sda' bus='usb' removable='on'/>"
            f"<alias name='usb-disk0'/>{USB}</disk>"
        ),
        "usb-disk0",
        '{"driver":"usb-storage","bus":"usb.0","port":"1.2","drive":"libvirt-1-format","id":"usb-disk0","removable":true}',
    ),
    "floppy": (
        (
            f"<disk type='file' device='floppy'>{FILE.format('')}<target dev='fdb' bus='fdc'/><alias name='fdc0-0-1'/>"
            "<address type='drive' controller='0' bus='0' target='0' unit='1'/></disk>"
        ),
        "fdc0-0-1",
        '{"driver":"floppy","unit":1,"drive":"libvirt-1-format","id":"fdc0-0-1"}',
    ),
    "virtio card": (
        (
            "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/>"
            "<driver queues='2' txmode='iothread' rx_queue_size='512'><host gso='off'/><guest ufo='off'/></driver>"
            f"<mtu size='1400'/><alias name='net0'/>{PCI}</interface>"
        ),
        "net0",
        (
            '{"driver":"virtio-net-pci","tx":"bh","gso":false,"guest_ufo":false,"mq":true,"vectors":6,"rx_queue_size":512,'
            f'"host_mtu":1400,"netdev":"hostnet0","id":"net0","mac":"52:54:00:00:00:01",{PLACE}}}'
        ),
    ),
    "other card": (
        (
            "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='e1000'/><rom bar='off' file='/r'/>"
            f"<alias name='net0'/>{PCI}</interface>"
        ),
        "net0",
        f'{{"driver":"e1000","netdev":"hostnet0","id":"net0","mac":"52:54:00:00:00:01",{PLACE},"rombar":0,"romfile":"/r"}}',
    ),
    "serial port": (
        "<serial type='pty'><target type='isa-serial' port='1'><model name='isa-serial'/></target><alias name='serial1'/></serial>",
        "serial1",
        '{"driver":"isa-serial","chardev":"charserial1","id":"serial1","index":1}',
    ),
    "channel": (
        (
            "<channel type='unix'><source mode='bind' path='/s'/><target type='virtio' name='org.x'/><alias name='channel0'/>"
            "<address type='virtio-serial' controller='0' bus='0' port='3'/></channel>"
        ),
        "channel0",
        '{"driver":"virtserialport","bus":"virtio-serial0.0","nr":3,"chardev":"charchannel0","id":"channel0","name":"org.x"}',
    ),
    "virtio console": (
        (
            "<console type='pty'><target type='virtio' port='0'/><alias name='console0'/>"
            "<address type='virtio-serial' controller='0' bus='0' port='1'/></console>"
        ),
        "console0",
        '{"driver":"virtconsole","bus":"virtio-serial0.0","nr":1,"chardev":"charconsole0","id":"console0"}',
    ),
    "tablet": (
        f"<input type='tablet' bus='usb'><alias name='input0'/>{USB}</input>",
        "input0",
        '{"driver":"usb-tablet","id":"input0","bus":"usb.0","port":"1.2"}',
    ),
    "event device": (
        f"<input type='passthrough' bus='virtio'><source evdev='/dev/e'/><alias name='input0'/>{PCI}</input>",
        "input0",
        f'{{"driver":"virtio-input-host-pci","id":"input0","evdev":"/dev/e",{PLACE}}}',
    ),
    "QXL": (
        (
            "<video><model type='qxl' ram='65536' vram='65536' vgamem='16384' heads='1' primary='yes'/>"
            f"<alias name='video0'/>{PCI}</video>"
        ),
        "video0",
        (
            '{"driver":"qxl-vga","id":"video0","max_outputs":1,"ram_size":67108864,"vram_size":67108864,"vram64_size_mb":0,'
            f'"vgamem_mb":16,{PLACE}}}'
        ),
    ),
    "second QXL": (
        f"<video><model type='qxl' ram='1024' vram='1024' vgamem='1024' heads='1'/><alias name='video1'/>{PCI}</video>",
        "video1",
        f'{{"driver":"qxl","id":"video1","max_outputs":1,"ram_size":1048576,"vram_size":1048576,"vram64_size_mb":0,"vgamem_mb":1,{PLACE}}}',
    ),
    "virtio adapter that accelerates": (
        (
            "<video><model type='virtio' heads='2' primary='yes'><acceleration accel3d='yes'/><resolution x='800' y='600'/></model>"
            f"<alias name='video0'/>{PCI}</video>"
        ),
        "video0",
        f'{{"driver":"virtio-vga-gl","id":"video0","max_outputs":2,"xres":800,"yres":600,{PLACE}}}',
    ),
    "VGA": (
        f"<video><model type='vga' vram='16384' heads='1' primary='yes'/><alias name='video0'/>{PCI}</video>",
        "video0",
        f'{{"driver":"VGA","id":"video0","vgamem_mb":16,{PLACE}}}',
    ),
    "random numbers": (
        (
            "<rng model='virtio'><rate bytes='99' period='10'/><backend model='random'>/dev/urandom</backend>"
            f"<alias name='rng0'/>{PCI}</rng>"
        ),
        "rng0",
        f'{{"driver":"virtio-rng-pci","rng":"objrng0","id":"rng0","max-bytes":99,"period":10,{PLACE}}}',
    ),
    "balloon": (
        f"<memballoon model='virtio' autodeflate='on' freePageReporting='off'><alias name='balloon0'/>{PCI}</memballoon>",
        "balloon0",
        f'{{"driver":"virtio-balloon-pci","id":"balloon0","deflate-on-oom":true,"free-page-reporting":false,{PLACE}}}',
    ),
    "watchdog": (
        f"<watchdog model='i6300esb' action='dump'><alias name='watchdog0'/>{PCI}</watchdog>",
        "watchdog0",
        f'{{"driver":"i6300esb","id":"watchdog0",{PLACE}}}',
    ),
    "vsock": (
        f"<vsock model='virtio'><cid auto='no' address='5'/><alias name='vsock0'/>{PCI}</vsock>",
        "vsock0",
        f'{{"driver":"vhost-vsock-pci","id":"vsock0","guest-cid":5,"vhostfd":"-1",{PLACE}}}',
    ),
    "sound card": (
        f"<sound model='ac97'><alias name='sound0'/>{PCI}</sound><audio id='3' type='none'/>",
        "sound0",
        f'{{"driver":"AC97","id":"sound0","audiodev":"audio3",{PLACE}}}',
    ),
    "sound codec": (
        f"<sound model='ich6'><codec type='micro'/><alias name='sound0'/>{PCI}</sound><audio id='1' type='none'/>",
        "sound0-codec0",
        '{"driver":"hda-micro","id":"sound0-codec0","bus":"sound0.0","cad":0,"audiodev":"audio1"}',
    ),
    "hub": (
        f"<hub type='usb'><alias name='hub0'/>{USB}</hub>",
        "hub0",
        '{"driver":"usb-hub","id":"hub0","bus":"usb.0","port":"1.2"}',
    ),
    "smartcard": (
        "<smartcard mode='host'><alias name='smartcard0'/><address type='ccid' controller='0' slot='0'/></smartcard>",
        "smartcard0",
        '{"driver":"ccid-card-emulated","backend":"nss-emulated","id":"smartcard0","bus":"ccid0.0"}',
    ),
    "redirected USB": (
        (
            f"<redirdev bus='usb' type='spicevmc'><alias name='redir0'/>{USB}</redirdev><redirfilter>"
            "<usbdev class='0x08' vendor='0x1234' version='2.00' allow='yes'/><usbdev allow='no'/></redirfilter>"
        ),
        "redir0",
        (
            '{"driver":"usb-redir","chardev":"charredir0","id":"redir0","filter":"0x08:0x1234:-1:0x0200:1|-1:-1:-1:-1:0",'
            '"bus":"usb.0","port":"1.2"}'
        ),
    ),
    "USB device of the host": (
        (
            "<hostdev mode='subsystem' type='usb' managed='no'><source guestReset='uninitialized'><address bus='14' device='6'/>"
            f"</source><alias name='hostdev0'/>{USB}</hostdev>"
        ),
        "hostdev0",
        (
            '{"driver":"usb-host","hostdevice":"/dev/bus/usb/014/006","id":"hostdev0","guest-reset":true,"guest-resets-all":false,'
            '"bus":"usb.0","port":"1.2"}'
        ),
    ),
    "PCI device of the host": (
        (
            "<hostdev mode='subsystem' type='pci' managed='yes'><driver name='vfio'/><source>"
            "<address domain='0x0000' bus='0x06' slot='0x12' function='0x5'/></source><alias name='hostdev0'/>"
            f"<rom enabled='no'/>{PCI}</hostdev>"
        ),
        "hostdev0",
        f'{{"driver":"vfio-pci","host":"0000:06:12.5","id":"hostdev0",{PLACE},"romfile":""}}',
    ),
    "9p folder": (
        (
            "<filesystem type='mount' accessmode='mapped'><source dir='/x'/><target dir='tag'/><alias name='fs0'/>"
            f"{PCI}</filesystem>"
        ),
        "fs0",
        f'{{"driver":"virtio-9p-pci","id":"fs0","fsdev":"fsdev-fs0","mount_tag":"tag",{PLACE}}}',
    ),
    "virtiofs folder": (
        (
            "<filesystem type='mount'><driver type='virtiofs' queue='1024'/><source dir='/x'/><target dir='tag'/>"
            f"<alias name='fs0'/>{PCI}</filesystem>"
        ),
        "fs0",
        f'{{"driver":"vhost-user-fs-pci","id":"fs0","chardev":"chr-vu-fs0","queue-size":1024,"tag":"tag",{PLACE}}}',
    ),
    "memory module": (
        (
            "<memory model='dimm'><target><size unit='KiB'>524287</size><node>0</node></target><alias name='dimm0'/>"
            "<address type='dimm' slot='0' base='0x100000000'/></memory>"
        ),
        "dimm0",
        '{"driver":"pc-dimm","node":0,"memdev":"memdimm0","id":"dimm0","slot":0,"addr":4294967296}',
    ),
    "shared memory": (
        f"<shmem name='s'><model type='ivshmem-plain'/><size unit='M'>8</size><alias name='shmem0'/>{PCI}</shmem>",
        "shmem0",
        f'{{"driver":"ivshmem-plain","id":"shmem0","memdev":"shmmem-shmem0",{PLACE}}}',
    ),
    "TPM": (
        (
            "<tpm model='tpm-crb'><backend type='external'><source type='unix' mode='connect' path='/t'/></backend>"
            "<alias name='tpm0'/></tpm>"
        ),
        "tpm0",
        '{"driver":"tpm-crb","tpmdev":"tpm-tpm0","id":"tpm0"}',
    ),
    "IOMMU": (
        (
            "<iommu model='intel'><driver intremap='on' caching_mode='off' eim='on' iotlb='on' aw_bits='48'/>"
            "<alias name='iommu0'/></iommu>"
        ),
        "iommu0",
        '{"driver":"intel-iommu","id":"iommu0","intremap":"on","caching-mode":false,"eim":"on","device-iotlb":true,"aw-bits":48}',
    ),
}


@pytest.mark.parametrize("case", DEVICES, ids=str)
def test_device(build: Build, case: str) -> None:
    xml, id_, expected = DEVICES[case]
    line = build(devices=xml, native=True)
    assert [v for v in values(line, "-device") if f'"id":"{id_}"' in v] == [expected]


CONTROLLER_CASES = {
    "<controller type='usb' index='1' model='nec-xhci' ports='4'><alias name='usb1'/>%s</controller>": (
        f'{{"driver":"nec-usb-xhci","p2":4,"p3":4,"id":"usb1",{PLACE}}}'
    ),
    "<controller type='usb' index='0' model='ich9-uhci2'><alias name='usb'/><master startport='2'/>%s</controller>": (
        f'{{"driver":"ich9-usb-uhci2","masterbus":"usb.0","firstport":2,{PLACE}}}'
    ),
    "<controller type='scsi' index='1' model='virtio-scsi'><driver queues='4' iothread='2'/><alias name='scsi1'/>%s</controller>": (
        f'{{"driver":"virtio-scsi-pci","iothread":"iothread2","id":"scsi1","num_queues":4,{PLACE}}}'
    ),
    "<controller type='scsi' index='1' model='lsisas1068'><alias name='scsi1'/>%s</controller>": (
        f'{{"driver":"mptsas1068","id":"scsi1",{PLACE}}}'
    ),
    "<controller type='virtio-serial' index='1' ports='16' vectors='4'><alias name='vs1'/>%s</controller>": (
        f'{{"driver":"virtio-serial-pci","id":"vs1","max_ports":16,"vectors":4,{PLACE}}}'
    ),
    "<controller type='pci' index='1' model='pci-bridge'><model name='pci-bridge'/><target chassisNr='1'/><alias name='pci.1'/>%s</controller>": (
        f'{{"driver":"pci-bridge","chassis_nr":1,"id":"pci.1",{PLACE}}}'
    ),
    "<controller type='pci' index='1' model='pcie-root-port'><target chassis='1' port='0x10' hotplug='off'/><alias name='pci.1'/>%s</controller>": (
        f'{{"driver":"pcie-root-port","port":16,"chassis":1,"id":"pci.1","hotplug":false,{PLACE}}}'
    ),
    "<controller type='pci' index='1' model='pci-expander-bus'><target busNr='254'><node>1</node></target><alias name='pci.1'/>%s</controller>": (
        f'{{"driver":"pxb","bus_nr":254,"id":"pci.1","numa_node":1,{PLACE}}}'
    ),
}


@pytest.mark.parametrize("xml", CONTROLLER_CASES)
def test_controller(build: Build, xml: str) -> None:
    assert CONTROLLER_CASES[xml] in values(build(devices=xml % PCI), "-device")


CHARDEVS = {
    "<serial type='pty'>{}</serial>": "pty,id=charserial0",
    "<serial type='null'><log file='/l' append='on'/>{}</serial>": "null,id=charserial0,logfile=/l,logappend=on",
    "<serial type='dev'><source path='/dev/ttyS2'/>{}</serial>": "serial,id=charserial0,path=/dev/ttyS2",
    "<serial type='file'><source path='/a,b' append='on'/>{}</serial>": "file,id=charserial0,path=/a,,b,append=on",
    "<serial type='pipe'><source path='/p'/>{}</serial>": "pipe,id=charserial0,path=/p",
    "<serial type='tcp'><source mode='bind' host='::1' service='1'/><protocol type='telnet'/>{}</serial>": (
        "socket,id=charserial0,host=::1,port=1,telnet=on,server=on,wait=off"
    ),
    "<serial type='udp'><source mode='connect' host='h' service='1'/>{}</serial>": (
        "udp,id=charserial0,host=h,port=1,localaddr=,localport=0"
    ),
    "<serial type='unix'><source mode='connect' path='/u'><reconnect enabled='yes' timeout='9'/></source>{}</serial>": (
        "socket,id=charserial0,path=/u,reconnect=9"
    ),
    "<serial type='spiceport'><source channel='org.c'/>{}</serial>": "spiceport,id=charserial0,name=org.c",
}


@pytest.mark.parametrize("xml", CHARDEVS)
def test_host_end_of_a_character_device(build: Build, xml: str) -> None:
    inside = "<target type='isa-serial' port='0'><model name='isa-serial'/></target><alias name='serial0'/>"
    assert CHARDEVS[xml] in values(build(devices=xml.format(inside)), "-chardev")


HOST_ENDS = {
    "<interface type='user'>{}<ip address='172.17.2.0' family='ipv4' prefix='24'/></interface>": {
        "type": "user",
        "net": "172.17.2.0/24",
        "id": "hostnet0",
    },
    "<interface type='client'>{}<source address='192.168.0.1' port='5558'/></interface>": {
        "type": "socket",
        "connect": "192.168.0.1:5558",
        "id": "hostnet0",
    },
    "<interface type='udp'>{}<source address='1.2.3.4' port='1'><local address='5.6.7.8' port='2'/></source></interface>": {
        "type": "socket",
        "udp": "1.2.3.4:1",
        "localaddr": "5.6.7.8:2",
        "id": "hostnet0",
    },
    "<interface type='vhostuser'>{}<source type='unix' path='/v' mode='server'/></interface>": {
        "type": "vhost-user",
        "chardev": "charnet0",
        "id": "hostnet0",
    },
}

CARD = f"<mac address='52:54:00:00:00:01'/><model type='virtio'/><alias name='net0'/>{PCI}"


@pytest.mark.parametrize("xml", HOST_ENDS)
def test_host_end_of_an_interface(build: Build, xml: str) -> None:
    assert [json.loads(v) for v in values(build(devices=xml.format(CARD)), "-netdev")] == [HOST_ENDS[xml]]


def test_open_host_devices_are_handed_over(build: Build) -> None:
    line = build(
        devices=f"<interface type='bridge'><source bridge='br0'/>{CARD}</interface>",
        interfaces={"net0": OpenInterface(tap=(20, 21), vhost=(22, 23))},
    )
    assert json.loads(values(line, "-netdev")[0]) == {
        "type": "tap",
        "fds": "20:21",
        "vhost": True,
        "vhostfds": "22:23",
        "id": "hostnet0",
    }
    assert line.fds == [20, 21, 22, 23]


def test_a_host_device_that_is_not_open_is_a_fault(build: Build) -> None:
    xml = f"<interface type='bridge'><source bridge='br0'/>{CARD}</interface>"
    with pytest.raises(VirtError, match="is not open"):
        build(devices=xml)
    assert build(devices=xml, native=True).fds == []


DISPLAYS = {
    "<graphics type='vnc' port='5903' autoport='no' sharePolicy='ignore' passwd='x'><listen type='address' address='::1'/></graphics>": (
        "-vnc",
        "[::1]:3,share=ignore,password=on",
    ),
    "<graphics type='vnc' socket='/v,w'/>": ("-vnc", "vnc=unix:/v,,w"),
    "<graphics type='vnc' port='5900' autoport='no' websocket='5701'/>": ("-vnc", "127.0.0.1:0,websocket=5701"),
    "<graphics type='spice' port='5905' autoport='no'><image compression='off'/><mouse mode='client'/>"
    "<clipboard copypaste='no'/></graphics>": (
        "-spice",
        (
            "port=5905,addr=127.0.0.1,agent-mouse=on,disable-ticketing=on,image-compression=off,disable-copy-paste=on,"
            "seamless-migration=on"
        ),
    ),
    "<graphics type='spice'><listen type='none'/></graphics>": (
        "-spice",
        "port=0,disable-ticketing=on,seamless-migration=on",
    ),
    "<graphics type='sdl' display=':0'/>": ("-display", "sdl"),
    "<graphics type='egl-headless'><gl rendernode='/dev/dri/r'/></graphics>": (
        "-display",
        "egl-headless,rendernode=/dev/dri/r",
    ),
    "<graphics type='dbus' p2p='yes'/>": ("-display", "dbus,p2p=on"),
}


@pytest.mark.parametrize("xml", DISPLAYS)
def test_display(build: Build, xml: str) -> None:
    option, value = DISPLAYS[xml]
    line = build(devices=xml)
    assert values(line, option) == [value]
    assert "none" not in values(line, "-display")


def test_the_first_device_of_each_kind_boots_in_the_systems_order(build: Build) -> None:
    disk = (
        "<disk type='file' device='{0}'><source file='/{1}' index='1'/><target dev='{1}' bus='virtio'/>"
        "<alias name='{1}'/><address type='pci' domain='0x0000' bus='0x00' slot='{2}' function='0x0'/></disk>"
    )
    line = build(
        "<os><type arch='x86_64' machine='pc-i440fx-9.0'>hvm</type><boot dev='network'/><boot dev='hd'/></os>",
        disk.format("disk", "vda", "0x05")
        + disk.format("disk", "vdb", "0x06")
        + f"<interface type='user'>{CARD}</interface>",
    )
    assert device(line, "net0")["bootindex"] == 1
    assert device(line, "vda")["bootindex"] == 2
    assert "bootindex" not in device(line, "vdb")


def test_zpci_comes_before_its_device(build: Build) -> None:
    address = "<address type='pci' domain='0x0000' bus='0x00' slot='0x03' function='0x0'><zpci uid='0x0019' fid='0x0000001f'/></address>"
    line = build(devices=f"<rng model='virtio'><backend model='builtin'/><alias name='rng0'/>{address}</rng>")
    found = values(line, "-device")
    place = found.index('{"driver":"zpci","uid":25,"fid":31,"target":"rng0","id":"zpci25"}')
    assert '"id":"rng0"' in found[place + 1]


def test_a_board_without_usb_of_its_own_gets_the_old_one(build: Build) -> None:
    root = "<controller type='pci' index='0' model='pci-root'><alias name='pci.0'/></controller>"
    assert "-usb" in build(controllers=root).argv
    assert "-usb" not in build(controllers=CONTROLLERS).argv


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        (
            "<controller type='scsi' index='1' model='buslogic'><alias name='s'/></controller>",
            "Unsupported controller model",
        ),
        ("<graphics type='vnc' port='5899' autoport='no'/>", "vnc port must be in range"),
        ("<interface type='internal'><source name='x'/>" + CARD + "</interface>", "is not supported by QEMU"),
    ],
)
def test_what_qemu_does_not_have(build: Build, xml: str, words: str) -> None:
    with pytest.raises(VirtError, match=words) as raised:
        build(devices=xml)
    assert raised.value.code == Code.CONFIG_UNSUPPORTED


def test_properties_the_user_changes(build: Build) -> None:
    line = build(
        "<qemu:override><qemu:device alias='rng0'><qemu:frontend><qemu:property name='rng' type='remove'/>"
        "<qemu:property name='period' type='unsigned' value='5'/><qemu:property name='new' type='bool' value='true'/>"
        "</qemu:frontend></qemu:device></qemu:override>",
        f"<rng model='virtio'><backend model='builtin'/><alias name='rng0'/>{PCI}</rng>",
    )
    assert device(line, "rng0") == {
        "driver": "virtio-rng-pci",
        "id": "rng0",
        "bus": "pci.0",
        "addr": "0x3",
        "period": 5,
        "new": True,
    }


def test_capabilities_the_user_forces(build: Build) -> None:
    off = "<qemu:capabilities><qemu:del capability='seccomp-sandbox'/></qemu:capabilities>"
    on = "<qemu:capabilities><qemu:add capability='seccomp-sandbox'/></qemu:capabilities>"
    assert "-sandbox" not in build(off).argv
    assert "-sandbox" in build(on, without=("seccomp-sandbox",)).argv


FLOPPY = (
    "<disk type='file' device='floppy'><source file='/f'/><target dev='fda' bus='fdc'/><boot order='1'/>"
    "<alias name='fdc0-0-0'/><address type='drive' controller='0' bus='0' target='0' unit='0'/></disk>"
)


def test_a_floppy_controller_is_made_where_the_board_has_none(build: Build) -> None:
    line = build(devices=FLOPPY)
    assert "isa-fdc.bootindexA=1" in values(line, "-global")
    assert '{"driver":"isa-fdc"' not in str(line.argv)
    pcie = "<controller type='pci' index='0' model='pcie-root'><alias name='pcie.0'/></controller>"
    line = build("<os><type arch='x86_64' machine='pc-q35-9.0'>hvm</type></os>", FLOPPY, controllers=pcie)
    devices = values(line, "-device")
    assert '{"driver":"isa-fdc","bootindexA":1}' in devices
    assert not any("isa-fdc" in value for value in values(line, "-global"))
