# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest would notice if it went on as another definition, and in which words that is said."""

from __future__ import annotations

import pytest

from conf.domain import Domain, parse_domain
from conf.domain.abi import check_abi
from conf.domain.abi.compare import refuse
from conf.errors import ConfigUnsupportedError

DOMAIN = """<domain type='kvm'>
<name>g</name><uuid>7f3c1b62-6df0-4bd1-9ad5-02b1d5a0f001</uuid><genid>7f3c1b62-6df0-4bd1-9ad5-02b1d5a0f002</genid>
<maxMemory slots='4' unit='KiB'>4194304</maxMemory><memory unit='KiB'>1048576</memory>
<currentMemory unit='KiB'>524288</currentMemory><vcpu current='1'>2</vcpu>
<vcpus><vcpu id='0' enabled='yes' order='1'/><vcpu id='1' enabled='no'/></vcpus>
<os><type arch='x86_64' machine='pc'>hvm</type><smbios mode='sysinfo'/></os>
<sysinfo type='smbios'><bios><entry name='vendor'>V</entry></bios><system><entry name='manufacturer'>M</entry></system>
<baseBoard><entry name='asset'>B</entry></baseBoard><chassis><entry name='sku'>C</entry></chassis></sysinfo>
<features><acpi/><apic eoi='on'/><hap state='on'/><hyperv mode='custom'><relaxed state='on'/>
<spinlocks state='on' retries='5000'/><stimer state='on'><direct state='on'/></stimer><vendor_id state='on' value='v'/>
</hyperv><kvm><hidden state='on'/><dirty-ring state='on' size='1024'/></kvm><xen><passthrough state='on' mode='sync_pt'/></xen>
<smm state='on'><tseg unit='MiB'>16</tseg></smm><ioapic driver='qemu'/><gic version='2'/>
<hpt resizing='enabled'><maxpagesize unit='KiB'>64</maxpagesize></hpt><cfpc value='fixed'/></features>
<cpu mode='custom' match='exact' check='full'><model fallback='forbid' vendor_id='GenuineIntel'>m</model><vendor>Intel</vendor>
<topology sockets='1' dies='1' cores='2' threads='1'/><cache level='3' mode='emulate'/>
<maxphysaddr mode='emulate' bits='40'/><feature policy='require' name='vmx'/>
<numa><cell id='0' cpus='0' memory='262144' unit='KiB'><distances><sibling id='1' value='30'/></distances></cell>
<cell id='1' cpus='1' memory='262144' unit='KiB'/></numa></cpu>
<clock offset='utc'><timer name='tsc' frequency='1000' mode='native'/><timer name='hpet' present='no'/></clock>
<devices>
<disk type='file' device='disk'><driver name='qemu' queues='2' queue_size='8' iommu='on'/><source file='/a'/>
<target dev='vda' bus='virtio' rotation_rate='7200'/><serial>S</serial><wwn>5000c50015ea71ad</wwn>
<address type='pci' domain='0x0000' bus='0x00' slot='0x03' function='0x0'/></disk>
<disk type='file' device='cdrom'><target dev='sdb' bus='sata'/><address type='drive' controller='0' bus='0' unit='1'/></disk>
<controller type='scsi' index='0' model='virtio-scsi'/><controller type='virtio-serial' index='0' ports='8'/>
<controller type='usb' index='0' model='qemu-xhci' ports='8'/>
<filesystem type='mount'><source dir='/x'/><target dir='t'/></filesystem>
<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/><mtu size='1400'/><acpi index='2'/></interface>
<interface type='user'><mac address='52:54:00:00:00:02'/><model type='odd'/></interface>
<serial type='pty'><target type='isa-serial' port='0'><model name='isa-serial'/></target>
<address type='isa' iobase='0x3f8' irq='0x4'/></serial>
<parallel type='pty'><target port='0'/></parallel><console type='pty'><target type='virtio' port='0'/></console>
<channel type='pty'><target type='virtio' name='n'/><address type='virtio-serial' controller='0' bus='0' port='1'/></channel>
<channel type='pty'><target type='guestfwd' address='10.0.2.1' port='9'/></channel>
<input type='tablet' bus='usb'/><tpm model='tpm-tis'><backend type='emulator' version='2.0'>
<active_pcr_banks><sha256/></active_pcr_banks></backend></tpm><sound model='ich9'/>
<video><model type='qxl' ram='4' vram='4' vram64='4' vgamem='4' heads='1'><acceleration accel2d='no' accel3d='yes'/></model></video>
<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/><product id='0x2'/></source></hostdev>
<smartcard mode='host'><address type='ccid' controller='0' slot='0'/></smartcard>
<redirdev bus='usb' type='spicevmc'/><redirfilter><usbdev class='0x08' vendor='0x1' product='0x2' version='2.00' allow='yes'/>
</redirfilter><hub type='usb'/><watchdog model='i6300esb' action='reset'/>
<memballoon model='virtio' autodeflate='on' freePageReporting='on'/>
<rng model='virtio'><backend model='random'>/dev/random</backend></rng><panic model='isa'/>
<shmem name='s' role='peer'><model type='ivshmem-plain'/><size unit='M'>4</size><msi vectors='2'/></shmem>
<memory model='dimm'><target><size unit='KiB'>262144</size><node>0</node></target>
<address type='dimm' slot='0' base='0x100000000'/></memory>
<memory model='nvdimm'><uuid>7f3c1b62-6df0-4bd1-9ad5-02b1d5a0f003</uuid><source><path>/n</path>
<alignsize unit='KiB'>2048</alignsize><pmem/></source><target><size unit='KiB'>262144</size><node>1</node>
<label><size unit='KiB'>128</size></label><readonly/></target></memory>
<iommu model='intel'><driver intremap='on' caching_mode='on' eim='on' iotlb='on' aw_bits='48'/></iommu>
<vsock model='virtio'><cid auto='yes'/></vsock>
</devices></domain>"""

QUOTED = "Target {} '{}' does not match source '{}'"
PLAIN = "Target {} {} does not match source {}"

#: What is put in the place of what, and the complaint.
CHANGES = [
    ("type='kvm'>", "type='qemu'>", PLAIN.format("domain virt type", "qemu", "kvm")),
    ("<name>g<", "<name>h<", QUOTED.format("domain name", "h", "g")),
    ("<genid>7f3c1b62-6df0-4bd1-9ad5-02b1d5a0f002</genid>", "", "Target domain requested genid does not match source"),
    ("slots='4'", "slots='5'", "Target domain memory slots count '5' doesn't match source '4'"),
    (">4194304<", ">4194305<", "Target maximum memory size '4194305' doesn't match source '4194304'"),
    (">524288<", ">524287<", PLAIN.format("domain current memory", 524287, 524288)),
    (">2</vcpu>", ">3</vcpu>", PLAIN.format("domain vCPU max", 3, 2)),
    ("<vcpu id='1' enabled='no'", "<vcpu id='1' enabled='yes'", "State of vCPU '1' differs between source and dest"),
    (" order='1'", " order='2'", "vcpu enable order of vCPU '0' differs between source and destination definitions"),
    ("arch='x86_64'", "arch='i686'", PLAIN.format("domain architecture", "i686", "x86_64")),
    (" machine='pc'", "", PLAIN.format("domain machine type", "<null>", "pc")),
    ("<smbios mode='sysinfo'/>", "", PLAIN.format("domain SMBIOS mode", "none", "sysinfo")),
    (">V<", ">W<", PLAIN.format("sysinfo BIOS vendor", "W", "V")),
    (">M<", ">N<", PLAIN.format("sysinfo system vendor", "N", "M")),
    ("'asset'>B<", "'serial'>B<", PLAIN.format("sysinfo base board serial", "B", "<null>")),
    ("<chassis><entry name='sku'>C</entry></chassis>", "", "Target chassis does not match source"),
    ("<acpi/><apic", "<apic", "State of feature 'acpi' differs: source: 'on', destination: 'default'"),
    (" eoi='on'", "", "State of feature 'apic' differs: source: 'on,eoi=on', destination: 'on,eoi=default'"),
    ("<hap state='on'/>", "<hap state='off'/>", "State of feature 'hap' differs: source: 'on', destination: 'off'"),
    (
        "mode='custom'><r",
        "mode='passthrough'><r",
        "State of feature 'hyperv' differs: source: 'on', destination: 'off'",
    ),
    (
        "<relaxed state='on'",
        "<relaxed state='off'",
        "State of HyperV enlightenment feature 'relaxed' differs: source: 'o",
    ),
    ("'5000'", "'5001'", "HyperV spinlock retry count differs: source: '5000', destination: '5001'"),
    ("'on' value='v'", "'off'", "HyperV vendor_id differs: source: 'v', destination: '(null)'"),
    ("<direct state='on'/>", "", "State of HyperV stimer direct feature differs: source: 'on', destination: 'default'"),
    ("<hidden state='on'/>", "", "State of KVM feature 'hidden' differs: source: 'on', destination: 'default'"),
    ("'1024'", "'2048'", "dirty ring size of KVM feature '(null)' differs: source: '1024', destination: '2048'"),
    ("sync_pt", "share_pt", "'mode' of Xen passthrough feature differs: source: 'sync_pt', destination: 'share_pt'"),
    ("'MiB'>16<", "'MiB'>17<", "Size of SMM TSEG size differs: source: '16 MiB', destination: '17 MiB'"),
    ("<tseg unit='MiB'>16</tseg>", "", "SMM TSEG differs: source: specified, destination: 'not specified'"),
    (
        "driver='qemu'",
        "driver='kvm'",
        "State of feature 'ioapic' differs: source: 'driver=qemu', destination: 'driver=kvm'",
    ),
    (
        "version='2'/>",
        "version='3'/>",
        "State of feature 'gic' differs: source: 'on,version=2', destination: 'on,version=3'",
    ),
    (">64<", ">65<", "source: 'on,resizing=enabled,maxpagesize=64', destination: 'on,resizing=enabled,maxpagesize=65'"),
    ("'fixed'", "'broken'", "State of feature 'cfpc' differs: source: 'value=fixed', destination: 'value=broken'"),
    ("check='full'", "check='none'", PLAIN.format("CPU check", "none", "full")),
    (">m</model>", ">k</model>", PLAIN.format("CPU model", "k", "m")),
    ("GenuineIntel", "AuthenticAMD", PLAIN.format("CPU vendor id", "AuthenticAMD", "GenuineIntel")),
    ("cores='2'", "cores='1'", PLAIN.format("CPU cores", 1, 2)),
    ("bits='40'", "bits='41'", "Target CPU maxphysaddr does not match source"),
    ("policy='require'", "policy='disable'", PLAIN.format("CPU feature policy", "disable", "require")),
    ("<feature policy='require' name='vmx'/>", "", PLAIN.format("CPU feature count", 0, 1)),
    (" cpus='0'", "", "Processor mask of target NUMA node 0 doesn't match source"),
    ("value='30'", "value='31'", "Target NUMA distance from 0 to 1 doesn't match source"),
    ("'1000'", "'1001'", PLAIN.format("TSC frequency", 1001, 1000)),
    ("mode='native'", "mode='auto'", PLAIN.format("TSC mode", "auto", "native")),
    ("present='no'", "", QUOTED.format("timer presence", "default", "no")),
    ("'hpet'", "'rtc'", PLAIN.format("timer", "rtc", "hpet")),
    ("queues='2'", "queues='3'", PLAIN.format("disk queue count", 3, 2)),
    ("queue_size='8'", "queue_size='16'", PLAIN.format("disk queue size", 2, 2)),
    (" iommu='on'", "", QUOTED.format("device iommu option", "default", "on")),
    ("<driver name='qemu' queues='2' queue_size='8' iommu='on'/>", "", PLAIN.format("disk queue count", 0, 2)),
    ("'vda'", "'vdb'", PLAIN.format("disk", "vdb", "vda")),
    ("'7200'", "'1'", "Target disk rotation rate 1 RPM does not match source 7200 RPM"),
    ("<serial>S</serial>", "", PLAIN.format("disk serial", "<null>", "S")),
    ("71ad", "71ae", QUOTED.format("disk wwn", "5000c50015ea71ae", "5000c50015ea71ad")),
    ("device='cdrom'", "device='floppy'", PLAIN.format("disk device", "floppy", "cdrom")),
    ("slot='0x03'", "slot='0x04'", "Target device PCI address 0000:00:04.0does not match source 0000:00:03.0"),
    ("bus='0' unit='1'", "bus='0' unit='2'", PLAIN.format("device drive address", "0:0:2", "0:0:1")),
    ("model='virtio-scsi'", "model='lsilogic'", PLAIN.format("controller model", 2, 6)),
    ("index='0' ports='8'", "index='0'", PLAIN.format("controller ports", -1, 8)),
    ("qemu-xhci' ports='8'", "qemu-xhci' ports='9'", PLAIN.format("controller ports", 9, 8)),
    ("dir='t'/>", "dir='u'/>", PLAIN.format("filesystem guest target", "u", "t")),
    ("dir='t'/>", "dir='t'/><readonly/>", "Target filesystem access mode does not match source"),
    ("00:01'", "00:09'", PLAIN.format("network card mac", "52:54:00:00:00:09", "52:54:00:00:00:01")),
    ("type='virtio'/><mtu", "type='e1000'/><mtu", PLAIN.format("network card model", "e1000", "virtio")),
    ("type='odd'", "type='virtio'", PLAIN.format("network card model", "<null>", "odd")),
    ("'1400'", "'1401'", PLAIN.format("network card MTU", 1401, 1400)),
    ("<acpi index='2'/>", "", QUOTED.format("ACPI index", 0, 2)),
    ("port='0'><model", "port='1'><model", PLAIN.format("serial port", 1, 0)),
    ("name='isa-serial'", "name='16550a'", PLAIN.format("serial model", "16550a", "isa-serial")),
    ("irq='0x4'", "irq='0x5'", PLAIN.format("device isa address", "1016:5", "1016:4")),
    ("<target port='0'/>", "<target port='1'/>", PLAIN.format("parallel port", 1, 0)),
    ("type='virtio' port='0'", "type='lxc' port='0'", PLAIN.format("console type", "lxc", "virtio")),
    ("type='virtio' name='n'", "type='xen' name='n'", PLAIN.format("channel type", "xen", "virtio")),
    ("name='n'", "name='o'", PLAIN.format("channel name", "o", "n")),
    ("port='9'", "port='10'", PLAIN.format("channel addr", "10.0.2.1:10", "10.0.2.1:9")),
    ("bus='0' port='1'", "bus='0' port='2'", PLAIN.format("device virtio serial address", "0:0:2", "0:0:1")),
    ("'tablet'", "'mouse'", PLAIN.format("input device type", "mouse", "tablet")),
    ("'tpm-tis'", "'tpm-crb'", "Target TPM device model doesn't match source"),
    ("version='2.0'", "version='1.2'", "Target TPM version doesn't match source"),
    ("<sha256/>", "<sha1/>", "Target active PCR banks doesn't match source"),
    ("'ich9'", "'ac97'", PLAIN.format("sound card model", "ac97", "ich9")),
    ("vgamem='4'", "vgamem='8'", PLAIN.format("video card vgamem", 8, 4)),
    ("accel2d='no' ", "", PLAIN.format("video card 2d accel", 0, 2)),
    ("<acceleration accel2d='no' accel3d='yes'/>", "", "Target video card acceleration does not match source"),
    ("slot='0'/></smartcard", "slot='1'/></smartcard", PLAIN.format("device ccid address", "0:1", "0:0")),
    (
        "'usb' type='spicevmc'",
        "'usb' type='pty'",
        "Target redirected device source type pty does not match source device",
    ),
    ("class='0x08'", "class='0x09'", "Target USB Class code does not match source"),
    ("allow='yes'", "allow='no'", QUOTED.format("USB allow", "no", "yes")),
    ("<hub type='usb'/>", "", PLAIN.format("domain hub device count", 0, 1)),
    ("'i6300esb'", "'ib700'", PLAIN.format("watchdog model", "ib700", "i6300esb")),
    (" autodeflate='on'", "", QUOTED.format("balloon autodeflate attribute value", "default", "on")),
    (
        "rng model='virtio'",
        "rng model='virtio-transitional'",
        QUOTED.format("RNG model", "virtio-transitional", "virtio"),
    ),
    ("<panic model='isa'/>", "<panic/>", QUOTED.format("panic model", "default", "isa")),
    ("role='peer'", "", "Target shared memory role 'default' does not match source role 'peer'"),
    ("'M'>4<", "'M'>8<", "Target shared memory size '8388608' does not match source size '4194304'"),
    ("<msi vectors='2'/>", "", "Target shared memory MSI configuration doesn't match source"),
    ("model='dimm'", "model='virtio-mem'", "Target memory device model 'virtio-mem' doesn't match source model 'dimm'"),
    ("<node>0<", "<node>1<", "Target memory device targetNode '1' doesn't match source targetNode '0'"),
    ("slot='0' base", "slot='1' base", PLAIN.format("device dimm slot", 1, 0)),
    ("0x100000000", "0x200000000", QUOTED.format("device dimm base address", "200000000", "100000000")),
    (">128<", ">256<", "Target NVDIMM label size '128' doesn't match source NVDIMM label size '256'"),
    ("<pmem/>", "", "Target NVDIMM pmem flag doesn't match source NVDIMM pmem flag"),
    ("f003<", "f004<", "Target NVDIMM UUID doesn't match source NVDIMM"),
    ("eim='on'", "eim='off'", QUOTED.format("domain IOMMU device eim value", "off", "on")),
    ("vsock model='virtio'", "vsock", QUOTED.format("domain vsock device model", "default", "virtio")),
    ("<vsock model='virtio'><cid auto='yes'/></vsock>", "", "Target domain vsock device count does not match source"),
]

#: What no guest sees.
INVISIBLE = [
    ("<source file='/a'/>", "<source file='/b'/>"),
    ("fallback='forbid'", "fallback='allow'"),
    ("action='reset'", "action='none'"),
    ("<source dir='/x'/>", "<source dir='/y'/>"),
    (
        "<rng model='virtio'><backend model='random'>/dev/random<",
        "<rng model='virtio'><backend model='random'>/dev/hwrng<",
    ),
    ("<sysinfo type='smbios'>", "<sysinfo type='smbios'><oemStrings><entry>e</entry></oemStrings>"),
    ("rotation_rate='7200'/>", "rotation_rate='7200'/><shareable/>"),
]


def changed(old: str, new: str) -> Domain:
    assert DOMAIN.count(old) == 1, f"{DOMAIN.count(old)} of {old}"
    return parse_domain(DOMAIN.replace(old, new))


def test_a_definition_is_like_itself() -> None:
    check_abi(parse_domain(DOMAIN), parse_domain(DOMAIN))


@pytest.mark.parametrize(("old", "new", "complaint"), CHANGES, ids=[f"{o}->{n}"[:50] for o, n, _ in CHANGES])
def test_what_a_guest_would_notice(old: str, new: str, complaint: str) -> None:
    with pytest.raises(ConfigUnsupportedError) as caught:
        check_abi(parse_domain(DOMAIN), changed(old, new))
    assert complaint in str(caught.value)


@pytest.mark.parametrize(("old", "new"), INVISIBLE)
def test_what_no_guest_sees(old: str, new: str) -> None:
    check_abi(parse_domain(DOMAIN), changed(old, new))


def test_what_the_guest_changes_itself_may_differ() -> None:
    check_abi(parse_domain(DOMAIN), changed(">524288<", ">524287<"), volatile=False)


def test_the_driver_has_the_last_word() -> None:
    def also(_old: Domain, _new: Domain) -> None:
        refuse("driver: %s", "no")

    with pytest.raises(ConfigUnsupportedError, match="driver: no"):
        check_abi(parse_domain(DOMAIN), parse_domain(DOMAIN), also=also)
    with pytest.raises(ConfigUnsupportedError, match="Target domain name"):
        check_abi(parse_domain(DOMAIN), changed("<name>g<", "<name>h<"), also=also)
