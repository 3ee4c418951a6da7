# SPDX-License-Identifier: LGPL-2.1-or-later
"""Definitions that cannot be, and what is said about them: code and text are those of libvirt 9.0.0."""

from __future__ import annotations

import pytest

from conf.domain import parse_domain
from conf.domain.validation import validate, validate_early
from conf.errors import ConfError

OS = "<os><type>hvm</type></os>"
MEMORY = "<memory>1000</memory>"


def check(xml: str) -> None:
    domain = parse_domain(xml)
    validate_early(domain)
    validate(domain)


def complaint(xml: str) -> tuple[int, str]:
    """Code and text of the complaint about a document."""
    with pytest.raises(ConfError) as caught:
        check(xml)
    return caught.value.code, str(caught.value)


def domain_with(inside: str, *, os: str = OS, memory: str = MEMORY) -> str:
    return f"<domain type='qemu'><name>a</name>{memory}{os}{inside}</domain>"


def invalid(name: str, element: str, value: str, hint: str = "") -> tuple[int, str]:
    return 27, f"Invalid value for attribute '{name}' in element '{element}': '{value}'.{hint}"


@pytest.mark.parametrize(
    ("xml", "code", "text"),
    [
        ("<domain/>", 21, ""),
        ("<domain><name>a</name></domain>", 1, "missing domain type attribute"),
        ("<domain type='zz'><name>a</name></domain>", 67, "invalid domain type zz"),
        ("<domain type='zz'/>", 21, ""),
        ("<domain type='qemu'><name>a</name></domain>", 27, "an os <type> must be specified"),
        (domain_with("", os="<os><type>zz</type></os>"), 67, "unknown OS type 'zz'"),
        (domain_with("", memory=""), 27, "Memory size must be specified via <memory> or in the <numa> configuration"),
        (domain_with("", memory="<memory>z</memory>"), 27, "Invalid value 'z' for element or attribute './memory[1]'"),
        (domain_with("", memory="<memory unit='z'>1</memory>"), 8, "unknown suffix 'z'"),
        (domain_with("", memory="<memory unit='EiB'>1000</memory>"), 82, "value too large: 1000EiB"),
        (domain_with("", memory="<memory unit='EiB'>8</memory>"), 82, "value too large: 8EiB"),
        (domain_with("", memory="<memory unit='B'>9223372036854775807</memory>"), 82, "size value too large"),
        (domain_with("").replace("<name>a", "<name>a/b"), 27, "name a/b cannot contain '/'"),
        (domain_with("").replace("<name>a", "<name>a&#10;b"), 35, "invalid char in name: \n"),
    ],
)
def test_whole_documents(xml: str, code: int, text: str) -> None:
    assert complaint(xml) == (code, text)


GENERAL = [
    ("<uuid>zz</uuid>", 1, "malformed uuid element"),
    ("<genid>zz</genid>", 1, "malformed genid element"),
    ("<title>a&#10;b</title>", 27, "Domain title can't contain newlines"),
    ("<vcpu>z</vcpu>", 27, "maximum vcpus count must be an integer"),
    ("<vcpu/>", 27, "maximum vcpus count must be an integer"),
    ("<vcpu>0</vcpu>", 1, "CPU IDs in <numa> exceed the <vcpu> count"),
    ("<vcpu current='3'>2</vcpu>", 67, "maximum vCPU count must not be less than current vCPU count"),
    ("<vcpu cpuset='zz'>2</vcpu>", 8, "Failed to parse bitmap 'zz'"),
    ("<vcpu cpuset='^1'>2</vcpu>", 67, "Invalid value of 'cpuset': ^1"),
    ("<vcpu cpuset='0-100000'>2</vcpu>", 8, "Failed to parse bitmap '0-100000'"),
    ("<vcpus><vcpu id='7' enabled='no'/></vcpus>", 27, "vcpu id '7' is out of range of maximum vcpu count"),
    ("<maxMemory>5000</maxMemory>", 27, "both maximum memory size and memory slot count must be specified"),
    (
        "<maxMemory slots='1'>5</maxMemory>",
        27,
        "maximum memory size must be equal or greater than the actual memory size",
    ),
    ("<defaultiothread thread_pool_min='5'/>", 67, "thread_pool_min must be smaller or equal to thread_pool_max"),
    ("<blkiotune><device><weight>5</weight></device></blkiotune>", 67, "missing per-device path"),
    ("<cputune><shares>1</shares></cputune>", 67, "Value of cputune 'shares' must be in range [2, 262144]"),
    ("<iothreads>z</iothreads>", 27, "invalid iothreads count 'z'"),
    ("<iothreadids><iothread id='1'/><iothread id='1'/></iothreadids>", 27, "duplicate iothread id '1' found"),
    ("<on_crash>zz</on_crash>", 67, "unknown on_crash action: zz"),
    (
        "<on_poweroff>coredump-destroy</on_poweroff>",
        67,
        "Lifecycle event 'poweroff' doesn't support 'coredump-destroy' action",
    ),
    ("<clock offset='zz'/>", 67, "unknown clock offset 'zz'"),
    ("<clock adjustment='zz'/>", 27, "unknown clock adjustment 'zz'"),
    ("<clock offset='timezone'/>", 1, "missing 'timezone' attribute for clock with offset='timezone'"),
    ("<clock offset='absolute' start='-1'/>", 1, "missing 'start' attribute for clock with offset='absolute'"),
    ("<clock><timer name='tsc' track='boot'/></clock>", 67, "timer tsc doesn't support setting of timer track"),
    (
        "<clock><timer name='pit' tickpolicy='delay'><catchup limit='1'/></timer></clock>",
        27,
        "setting of timer catchup policies is only supported with tickpolicy='catchup'",
    ),
    ("<perf><event name='cmt' enabled='yes'/><event name='cmt' enabled='no'/></perf>", 27, "perf event 'cmt' was already specified"),
    ("<idmap><uid start='0' target='1' count='5'/></idmap>", 67, "uid and gid should be mapped both"),
    ("<idmap><uid start='0'/></idmap>", 27, "invalid idmap start/target/count settings"),
    ("<sysinfo type='smbios'><system><entry name='uuid'>z</entry></system></sysinfo><uuid>3f5f8a5e-6b07-4f1b-9d4f-0a4dd2f2d3c1</uuid>", 35, "malformed <sysinfo> uuid element"),
    ("<sysinfo type='smbios'><bios><entry name='date'>z</entry></bios></sysinfo>", 35, "Invalid BIOS 'date' format"),
    ("<sysinfo type='fwcfg'><entry name='opt/a'/></sysinfo>", 27, "Firmware entry must have either value or 'file' attribute"),
    ("<launchSecurity type='sev'/>", 27, "failed to get launch security policy"),
    ("<memoryBacking><source type='zz'/></memoryBacking>", 67, "unknown memoryBacking/source/type 'zz'"),
    ("<memoryBacking><hugepages><page size='2048' nodeset='4'/></hugepages></memoryBacking>", 35, "hugepages: node 4 not found"),
    (
        "<memoryBacking><hugepages><page size='4'/><page size='8'/></hugepages></memoryBacking>",
        35,
        "two master hugepages detected: 8 and 4",
    ),
]  # fmt: skip

LABELS = [
    ("<seclabel type='static' model='dac'/>", 27, "security label is missing"),
    ("<seclabel type='dynamic' model='dac' relabel='no'/>", 67, "dynamic label type must use resource relabeling"),
    ("<seclabel type='none' relabel='yes'/>", 67, "resource relabeling is not compatible with 'none' label type"),
    ("<seclabel type='static'><label>x</label></seclabel>", 27, "missing security model in domain seclabel"),
    (
        "<seclabel type='none' model='a'/><seclabel type='none'/>",
        27,
        "missing security model when using multiple labels",
    ),
    (
        "<seclabel type='none' model='a'/><seclabel type='none' model='a'/>",
        35,
        "seclabel for model a is already provided",
    ),
]

FEATURES = [
    ("<zz/>", 67, "unexpected feature 'zz'"),
    ("<hyperv><zz state='on'/></hyperv>", 67, "unsupported HyperV Enlightenment feature: zz"),
    ("<hyperv><relaxed/></hyperv>", 27, "Missing required attribute 'state' in element 'relaxed'"),
    ("<hyperv><spinlocks state='on' retries='5'/></hyperv>", 27, "HyperV spinlock retry count must be at least 4095"),
    ("<hyperv><vendor_id state='on' value='1234567890123'/></hyperv>", 27, "HyperV vendor_id value must not be more than 12 characters."),
    ("<hyperv><vendor_id state='on' value='a,b'/></hyperv>", 27, "HyperV vendor_id value is invalid"),
    ("<kvm><dirty-ring state='on' size='5'/></kvm>", 27, "dirty ring must be power of 2 and ranges [1024, 65536]"),
    ("<capabilities><zz/></capabilities>", 67, "unexpected capability feature 'zz'"),
]  # fmt: skip

TUNES = [
    ("<period>5</period>", 67, "Value of cputune 'period' must be in range [1000, 1000000]"),
    ("<quota>x</quota>", 27, "can't parse cputune quota value"),
    ("<vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='0' cpuset='0'/>", 1, "duplicate vcpupin for vcpu '0'"),
    ("<emulatorpin cpuset='1'/><emulatorpin cpuset='2'/>", 27, "only one emulatorpin is supported"),
    ("<iothreadpin iothread='9' cpuset='1'/>", 67, "Cannot find 'iothread' : 9"),
    ("<vcpusched vcpus='0' scheduler='fifo'/>", 27, "Missing required attribute 'priority' in element 'vcpusched'"),
    ("<vcpusched vcpus='9' scheduler='idle'/>", 67, "vCPU '9' is not present in domain definition"),
    (
        "<vcpusched vcpus='0' scheduler='idle'/><vcpusched vcpus='0' scheduler='batch'/>",
        35,
        "'vcpusched' attributes 'vcpus' must not overlap",
    ),
    ("<cachetune vcpus='0'><monitor level='3' vcpus='1'/></cachetune>", 8, "Monitor vcpus conflicts with allocation"),
    (
        "<cachetune vcpus='0'><cache id='0' level='3' type='both' size='3'/><cache id='0' level='3' type='code' size='3'/></cachetune>",
        27,
        "Colliding cache allocations for cache level '3' id '0', type 'code'",
    ),
    (
        "<memorytune vcpus='0'><node id='0' bandwidth='160'/></memorytune>",
        27,
        "Memory Bandwidth value exceeding 100 is invalid.",
    ),
]

NUMA = [
    ("", 27, "NUMA topology defined without NUMA cells"),
    ("<cell cpus='0'/>", 27, "missing element or attribute './@memory'"),
    ("<cell id='0' memory='1'/><cell id='0' memory='1'/>", 27, "Duplicate NUMA cell info for cell id '0'"),
    ("<cell cpus='0' memory='1'/><cell cpus='0' memory='1'/>", 67, "NUMA cells 1 and 0 have overlapping vCPU ids"),
    ("<cell cpus='0-5' memory='1'/>", 1, "Number of CPUs in <numa> exceeds the <vcpu> count"),
    (
        "<cell memory='1'><distances><sibling id='0' value='21'/></distances></cell>",
        27,
        "'value 21' is invalid for 'sibling id 0' under NUMA 'cell id 0'",
    ),
    (
        "<cell memory='1'/><interconnects><latency initiator='5' target='0' type='read' value='1'/></interconnects>",
        27,
        "'initiator' refers to a non-existent NUMA node",
    ),
]

CPUS = [
    ("<cpu mode='zz'/>", 67, "Invalid mode attribute 'zz'"),
    ("<cpu><feature name='vmx'/></cpu>", 27, "Non-empty feature list specified without CPU model"),
    ("<cpu><vendor>Intel</vendor></cpu>", 27, "CPU vendor specified without CPU model"),
    ("<cpu><model vendor_id='short'>qemu64</model></cpu>", 27, "vendor_id must be exactly 12 characters long"),
    ("<cpu><model>qemu64</model><feature name='a'/><feature name='a'/></cpu>", 27, "CPU feature 'a' specified more than once"),
    (
        "<cpu migratable='on'><model>qemu64</model></cpu>",
        67,
        "Attribute migratable is only allowed for 'host-passthrough' / 'maximum' CPU mode",
    ),
    ("<numatune><memory mode='strict'/></numatune>", 67, "nodeset for NUMA memory tuning must be set if 'placement' is 'static'"),
    ("<numatune><memnode cellid='0' nodeset='0'/></numatune>", 27, "Element 'memnode' is invalid without any guest NUMA cells"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("xml", "code", "text"),
    [
        *GENERAL,
        *LABELS,
        *CPUS,
        *((f"<features>{inside}</features>", code, text) for inside, code, text in FEATURES),
        *((f"<vcpu>2</vcpu><cputune>{inside}</cputune>", code, text) for inside, code, text in TUNES),
        *((f"<cpu><numa>{inside}</numa></cpu>", code, text) for inside, code, text in NUMA),
    ],
)
def test_parts(xml: str, code: int, text: str) -> None:
    assert complaint(domain_with(xml)) == (code, text)


def disk(inside: str, *, kind: str = "file", target: str = "<target dev='vda' bus='virtio'/>", more: str = "") -> str:
    return f"<disk type='{kind}' {more}>{inside}{target}</disk>"


FILE = "<source file='/x'/>"
SCSI = "<target dev='sda' bus='scsi'/>"


def network(inside: str, attributes: str) -> str:
    return disk(f"<source {attributes}>{inside}</source>", kind="network")


@pytest.mark.parametrize(
    ("xml", "code", "text"),
    [
        (disk(FILE, target=""), 20, "/x"),
        (disk("<source dev='/x'/>"), 19, "vda"),
        (disk(FILE, kind="zz"), *invalid("type", "disk", "zz")),
        (disk(FILE + "<driver queues='-1'/>"), *invalid("queues", "driver", "-1", " Expected non-negative integer value")),
        (disk(FILE + "<driver type='zz'/>"), 67, "unknown driver format value 'zz'"),
        (disk(FILE + "<boot order='0'/>"), 27, "Invalid value for attribute 'order' in element 'boot': Zero is not permitted"),
        (disk(FILE + "<boot order='1' loadparm='a$'/>"), 1, "invalid loadparm value 'A$', expecting chars in set of [a-zA-Z0-9.] and blank spaces"),
        (disk(FILE + "<wwn>1</wwn>"), 1, "Malformed wwn: 1"),
        (disk(FILE + "<vendor>123456789</vendor>"), 67, "disk vendor is more than 8 characters"),
        (disk(FILE + "<iotune><total_bytes_sec>x</total_bytes_sec></iotune>"), 27, "disk iotune field 'total_bytes_sec' must be an integer"),
        (disk(FILE + "<address type='none'/>"), 67, "unknown address type 'none'"),
        (disk(FILE + "<address type='pci' slot='0x40'/>"), 27, "Invalid PCI address slot='0x40', must be <= 0x1F"),
        (disk(FILE + "<address type='usb' port='1.x'/>"), 1, "Cannot parse <address> 'port' attribute"),
        (disk(FILE + "<address type='ccw' ssid='0'/>"), 1, "Invalid partial specification for virtio ccw address"),
        (disk(FILE + "<encryption format='zz'/>"), 67, "unknown volume encryption format type zz"),
        (disk(FILE + "<auth username='a'><secret type='ceph'/></auth>"), 27, "missing secret uuid or usage attribute"),
        (disk(FILE + "<backingStore type='file'/>"), 27, "missing disk backing store format"),
        (disk("<source type='pci'/>", kind="nvme"), 27, "missing 'namespace' attribute to disk source"),
        (disk("<source type='unix'/>", kind="vhostuser"), 27, "missing 'path' attribute for vhostuser disk source"),
        (disk("<source pool='p'/>", kind="volume"), 27, "'pool' and 'volume' must be specified together for 'pool' type source"),
        (network("", "protocol='rbd'"), 27, "missing name for disk source"),
        (network("", "protocol='gluster' name='x'"), 27, "can't split path 'x' into pool name and image name"),
        (network("<host transport='unix'/>", "protocol='nbd'"), 27, "missing socket for unix transport"),
        (network("<host name='a' port='x'/>", "protocol='nbd'"), 8, "failed to parse port number 'x'"),
        (network("<cookies><cookie name='a='>b</cookie></cookies>", "protocol='https' name='x'"), 27, "cookie name 'a=' contains invalid characters"),
        (network("<auth username='a'><secret type='ceph' usage='u'/></auth>", "protocol='iscsi' name='x'"), 67, "invalid secret type 'ceph'"),
        (network("<auth username='a'><secret type='ceph' usage='u'/></auth>", "protocol='nbd'"), 67, "authentication is not supported for protocol 'nbd'"),
    ],
)  # fmt: skip
def test_disks_as_they_are_read(xml: str, code: int, text: str) -> None:
    assert complaint(domain_with(f"<devices>{xml}</devices>")) == (code, text)


@pytest.mark.parametrize(
    ("xml", "code", "text"),
    [
        (disk(FILE + "<driver queues='2'/>", target=SCSI), 67, "queues attribute in disk driver element is only supported by virtio-blk"),
        (disk(FILE + "<driver iommu='on'/>", target=SCSI), 67, "iommu driver option is only supported for virtio devices"),
        (disk(FILE + "<driver ioeventfd='on'/>", target=SCSI), 67, "disk ioeventfd mode supported only for virtio bus"),
        (disk(FILE, target="<target dev='vda' bus='virtio' removable='on'/>"), 27, "removable is only valid for usb disks"),
        (disk(FILE, target="<target dev='vda' bus='virtio' tray='open'/>"), 67, "tray is only valid for cdrom and floppy"),
        (disk(FILE, target=SCSI, more="rawio='no'"), 67, "rawio can be used only with device='lun'"),
        (disk(FILE, target=SCSI, more="sgio='unfiltered'"), 67, "unfiltered sgio is no longer supported"),
        (disk(FILE, target=SCSI, more="device='lun'"), 67, "disk device='lun' is only valid for block type disk source"),
        (disk(FILE, more="device='floppy'"), 1, "Invalid bus type 'virtio' for floppy disk"),
        (disk(FILE, target="<target dev='fda' bus='virtio'/>"), 1, "Invalid harddisk device name: fda"),
        (disk(FILE, target=SCSI, more="model='virtio'"), 67, "disk model 'virtio' not supported for bus 'scsi'"),
        (disk(FILE + "<address type='pci'/>", target=SCSI), 67, "Invalid address type 'pci' for the disk 'sda' with the bus type 'scsi'"),
        (disk("<source file='/x' startupPolicy='requisite'/>"), 27, "disk startupPolicy 'requisite' is allowed only for cdrom or floppy"),
        (disk("<source file='/x'><reservations managed='yes'/></source>"), 67, "<reservations/> allowed only for lun devices"),
        (disk(FILE + "<iotune><total_bytes_sec>1</total_bytes_sec><read_bytes_sec>1</read_bytes_sec></iotune>"), 27, "total and read/write bytes_sec cannot be set at the same time"),
        (disk("<source type='unix' path='/p'/><serial>a</serial>", kind="vhostuser"), 67, "serial is not supported with vhostuser disk"),
        (disk(FILE) + disk(FILE), 27, "target 'vda' duplicated for disk sources '/x' and '/x'"),
        ("<controller type='scsi' index='0'/><controller type='scsi' index='0'/>", 27, "Multiple 'scsi' controllers with index '0'"),
        ("<controller type='scsi' index='x'/>", *invalid("index", "controller", "x", " Expected integer value")),
        ("<controller type='scsi' index='-1'/>", *invalid("index", "controller", "-1", " Expected non-negative value")),
        ("<controller type='scsi' model='zz'/>", 67, "Unknown model type 'zz'"),
        ("<controller type='pci' index='0' model='pci-root'><address type='pci' slot='5'/></controller>", 67, "pci-root and pcie-root controllers should not have an address"),
        ("<controller type='pci' index='1' model='pci-bridge'><target chassisNr='256'/></controller>", 67, "PCI controller chassisNr '256' out of range - must be 1-255"),
        ("<controller type='pci' index='1' model='pci-root'><target index='31'/></controller>", 67, "PCI controller target index '31' out of range - must be 0-30"),
        ("<controller type='ide' model='piix3'><driver iothread='1'/></controller>", 27, "'iothread' attribute only supported for virtio scsi controllers"),
    ],
)  # fmt: skip
def test_disks_and_controllers_once_complete(xml: str, code: int, text: str) -> None:
    assert complaint(domain_with(f"<devices>{xml}</devices>")) == (code, text)


CHOSEN = "<os firmware='efi'><type>hvm</type>{}</os>"
NAMED = "<os><type>hvm</type>{}</os>"


@pytest.mark.parametrize(
    ("os", "text"),
    [
        (NAMED.format("<loader readonly='yes'/>"), "no loader path specified and firmware auto selection disabled"),
        (NAMED.format("<nvram>/x</nvram>"), "no loader path specified and firmware auto selection disabled"),
        (NAMED.format("<loader type='rom' stateless='no'>/x</loader>"), "Only pflash loader type permits NVRAM"),
        (NAMED.format("<loader stateless='yes'>/x</loader><nvram template='/t'/>"), "NVRAM template is not permitted when loader is stateless"),
        (NAMED.format("<firmware><feature enabled='yes' name='secure-boot'/></firmware>"), "cannot use feature-based firmware autoselection when firmware autoselection is disabled"),
        (CHOSEN.format("<loader>/x</loader>"), "loader attribute 'type' cannot be specified when firmware autoselection is enabled"),
        (CHOSEN.format("<loader secure='no'/>"), "loader attribute 'secure' cannot be specified when firmware autoselection is enabled"),
        (CHOSEN.format("<nvram template='/x'/>"), "nvram attribute 'template' cannot be specified when firmware autoselection is enabled"),
        (CHOSEN.replace("efi", "bios").format("<nvram>/x</nvram>"), "firmware type 'bios' does not support nvram"),
        (CHOSEN.replace("efi", "bios").format("<loader stateless='no'/>"), "Only EFI firmware permits NVRAM"),
    ],
)  # fmt: skip
def test_firmware(os: str, text: str) -> None:
    assert complaint(domain_with("", os=os)) == (35, text)


@pytest.mark.parametrize(
    ("os", "code", "text"),
    [
        (
            "<bootmenu enable='yes' timeout='70000'/>",
            67,
            "invalid value for boot menu timeout, must be in range [0,65535]",
        ),
        ("<bios rebootTimeout='-2'/>", 67, "invalid value for rebootTimeout, must be in range [-1,65535]"),
        ("<smbios mode='zz'/>", 67, "unknown smbios mode 'zz'"),
        ("<acpi><table/></acpi>", 27, "Missing acpi table type"),
        ("<boot dev='zz'/>", *invalid("dev", "boot", "zz")),
    ],
)
def test_booting(os: str, code: int, text: str) -> None:
    assert complaint(domain_with("", os=NAMED.format(os))) == (code, text)
