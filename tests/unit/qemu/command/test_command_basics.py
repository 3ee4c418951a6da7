# SPDX-License-Identifier: LGPL-2.1-or-later
"""Everything of the command line that is no device."""

from __future__ import annotations

import json

import pytest

from tests.unit.qemu.command.conftest import Build, values
from virtd.errors import Code, VirtError

ONE = {
    "name and stop": ("", "-name", "guest=g,debug-threads=on"),
    "machine": ("", "-machine", "pc-i440fx-9.0,usb=off,dump-guest-core=off,memory-backend=pc.ram"),
    "core dumps": (
        "<memory dumpCore='on'>1048576</memory>",
        "-machine",
        "pc-i440fx-9.0,usb=off,dump-guest-core=on,memory-backend=pc.ram",
    ),
    "vmport and smm": (
        "<features><vmport state='off'/><smm state='on'/></features>",
        "-machine",
        "pc-i440fx-9.0,usb=off,vmport=off,smm=on,dump-guest-core=off,memory-backend=pc.ram",
    ),
    "no merging": (
        "<memoryBacking><nosharepages/></memoryBacking>",
        "-machine",
        "pc-i440fx-9.0,usb=off,dump-guest-core=off,mem-merge=off,memory-backend=pc.ram",
    ),
    "accelerator": ("", "-accel", "kvm"),
    "dirty ring": (
        "<features><kvm><dirty-ring state='on' size='4096'/></kvm></features>",
        "-accel",
        "kvm,dirty-ring-size=4096",
    ),
    "memory in MiB": ("<memory unit='KiB'>1048000</memory>", "-m", "1024"),
    "memory that can grow": (
        "<maxMemory slots='16' unit='KiB'>4194304</maxMemory>",
        "-m",
        "size=1048576k,slots=16,maxmem=4194304k",
    ),
    "locked memory": ("<memoryBacking><locked/></memoryBacking>", "-overcommit", "mem-lock=on"),
    "one CPU": ("", "-smp", "1,sockets=1,cores=1,threads=1"),
    "CPUs to come": ("<vcpu current='2'>4</vcpu>", "-smp", "2,maxcpus=4,sockets=4,cores=1,threads=1"),
    "topology": (
        "<vcpu>8</vcpu><cpu mode='host-passthrough'><topology sockets='2' cores='2' threads='2'/></cpu>",
        "-smp",
        "8,sockets=2,dies=1,cores=2,threads=2",
    ),
    "hotpluggable CPUs come later": (
        (
            "<vcpu current='2'>3</vcpu><vcpus><vcpu id='0' enabled='yes' hotpluggable='no'/>"
            "<vcpu id='1' enabled='yes' hotpluggable='yes'/><vcpu id='2' enabled='no' hotpluggable='yes'/></vcpus>"
        ),
        "-smp",
        "1,maxcpus=3,sockets=3,cores=1,threads=1",
    ),
    "uuid": ("", "-uuid", "c7a5fdbd-edaf-9455-926a-d65c16db1809"),
    "clock": ("", "-rtc", "base=utc"),
    "local time": ("<clock offset='localtime'/>", "-rtc", "base=localtime"),
    "shifted clock": ("<clock offset='variable' adjustment='60'/>", "-rtc", "base=2001-09-09T01:47:40"),
    "absolute clock": ("<clock offset='absolute' start='0'/>", "-rtc", "base=1970-01-01T00:00:00"),
    "timer of the clock": (
        "<clock offset='utc'><timer name='rtc' tickpolicy='catchup' track='guest'/></clock>",
        "-rtc",
        "base=utc,clock=vm,driftfix=slew",
    ),
    "interval timer": (
        "<clock offset='utc'><timer name='pit' tickpolicy='delay'/></clock>",
        "-global",
        "kvm-pit.lost_tick_policy=delay",
    ),
    "interval timer that is only named": (
        "<clock offset='utc'><timer name='pit'/></clock>",
        "-global",
        "kvm-pit.lost_tick_policy=delay",
    ),
    "firmware configuration with a comma": (
        "<sysinfo type='fwcfg'><entry name='opt/org.test/a'>b,c</entry></sysinfo>",
        "-fw_cfg",
        "name=opt/org.test/a,string=b,c",
    ),
    "speed of nodes": (
        (
            "<cpu mode='host-passthrough'><numa><cell id='0' cpus='0' memory='1048576'><cache level='1' "
            "associativity='full' policy='none'><size value='1'/><line value='2'/></cache></cell></numa></cpu>"
        ),
        "-machine",
        "pc-i440fx-9.0,usb=off,dump-guest-core=off,hmat=on",
    ),
    "sleeping": ("<pm><suspend-to-mem enabled='no'/></pm>", "-global", "PIIX4_PM.disable_s3=1"),
    "booting": ("", "-boot", "strict=on"),
    "boot menu": (
        (
            "<os><type arch='x86_64' machine='pc-i440fx-9.0'>hvm</type><bootmenu enable='yes' timeout='3000'/>"
            "<bios rebootTimeout='-1'/></os>"
        ),
        "-boot",
        "menu=on,splash-time=3000,reboot-timeout=-1,strict=on",
    ),
    "kernel": (
        "<os><type arch='x86_64' machine='pc-i440fx-9.0'>hvm</type><kernel>/k</kernel><cmdline>a,b c</cmdline></os>",
        "-append",
        "a,b c",
    ),
    "BIOS": (
        "<os><type arch='x86_64' machine='pc-i440fx-9.0'>hvm</type><loader type='rom'>/bios.bin</loader></os>",
        "-bios",
        "/bios.bin",
    ),
    "SMBIOS": (
        (
            "<os><type arch='x86_64' machine='pc-i440fx-9.0'>hvm</type><smbios mode='sysinfo'/></os>"
            "<sysinfo type='smbios'><system><entry name='serial'>1,2</entry><entry name='manufacturer'>M</entry></system></sysinfo>"
        ),
        "-smbios",
        "type=1,manufacturer=M,serial=1,,2",
    ),
    "firmware configuration": (
        "<sysinfo type='fwcfg'><entry name='opt/org.test/a'>b</entry></sysinfo>",
        "-fw_cfg",
        "name=opt/org.test/a,string=b",
    ),
    "sandbox": ("", "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"),
    "monitor": ("", "-chardev", "socket,id=charmonitor,path=/lib/domain-1-g/monitor.sock,server=on,wait=off"),
    "no display": ("", "-display", "none"),
    "time stamps": ("", "-msg", "timestamp=on"),
}


@pytest.mark.parametrize("case", ONE, ids=str)
def test_option(build: Build, case: str) -> None:
    inside, option, value = ONE[case]
    assert value in values(build(inside), option)


CPUS = {
    "<cpu mode='host-passthrough' migratable='on'/>": "host,migratable=on",
    "<cpu mode='maximum'/>": "max",
    "<cpu mode='custom' match='exact'><model>EPYC</model><feature policy='require' name='pclmuldq'/>"
    "<feature policy='disable' name='sse4_1'/></cpu>": "EPYC,pclmulqdq=on,sse4-1=off",
    "<cpu mode='custom' match='exact'><model vendor_id='KVMKVMKVMKVM'>486</model></cpu>": "486,vendor=KVMKVMKVMKVM",
    "<cpu mode='host-passthrough'><cache mode='passthrough'/></cpu>": "host,host-cache-info=on,l3-cache=off",
    "<cpu mode='host-passthrough'><maxphysaddr mode='emulate' bits='42'/></cpu>": "host,phys-bits=42",
    "": "qemu64",
    "<features><apic eoi='off'/><pvspinlock state='on'/></features>": "qemu64,kvm-pv-eoi=off,kvm-pv-unhalt=on",
    "<features><kvm><hidden state='on'/></kvm></features><cpu mode='maximum'/>": "max,kvm=off",
    "<features><hyperv><relaxed state='on'/><spinlocks state='on' retries='8191'/><vendor_id state='on' value='KVM Hv'/>"
    "<stimer state='on'><direct state='on'/></stimer><vapic state='off'/></hyperv></features>": "qemu64,hv-relaxed=on,"
    "hv-spinlocks=0x1fff,hv-stimer=on,hv-stimer-direct=on,hv-vendor-id=KVM Hv",
    "<clock offset='utc'><timer name='hypervclock' present='yes'/><timer name='kvmclock' present='no'/></clock>": "qemu64,"
    "hv-time=on,kvmclock=off",
    "<clock offset='utc'><timer name='tsc' frequency='1000000000'/></clock>": "qemu64,tsc-frequency=1000000000",
}


@pytest.mark.parametrize("inside", CPUS)
def test_cpu(build: Build, inside: str) -> None:
    assert values(build(inside), "-cpu") == [CPUS[inside]]


MEMORY = {
    "": {"qom-type": "memory-backend-ram", "id": "pc.ram", "size": 1 << 30},
    "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>": {
        "qom-type": "memory-backend-memfd",
        "id": "pc.ram",
        "share": True,
        "x-use-canonical-path-for-ramblock-id": False,
        "size": 1 << 30,
    },
    "<memoryBacking><hugepages/></memoryBacking>": {
        "qom-type": "memory-backend-file",
        "id": "pc.ram",
        "mem-path": "/dev/hugepages/libvirt/qemu/1-g",
        "x-use-canonical-path-for-ramblock-id": False,
        "prealloc": True,
        "size": 1 << 30,
    },
    "<memoryBacking><source type='file'/><allocation mode='immediate' threads='4'/></memoryBacking>": {
        "qom-type": "memory-backend-file",
        "id": "pc.ram",
        "mem-path": "/lib/ram/1-g/pc.ram",
        "x-use-canonical-path-for-ramblock-id": False,
        "prealloc": True,
        "prealloc-threads": 4,
        "size": 1 << 30,
    },
    "<numatune><memory mode='interleave' nodeset='0,2'/></numatune>": {
        "qom-type": "memory-backend-ram",
        "id": "pc.ram",
        "size": 1 << 30,
        "host-nodes": [0, 2],
        "policy": "interleave",
    },
}


@pytest.mark.parametrize("inside", MEMORY)
def test_memory_of_the_machine(build: Build, inside: str) -> None:
    [found] = [o for v in values(build(inside), "-object") if (o := json.loads(v))["id"] == "pc.ram"]
    assert found == MEMORY[inside]
    assert list(found) == list(MEMORY[inside])


NUMA = (
    "<vcpu>4</vcpu><cpu mode='host-passthrough'><numa><cell id='0' cpus='0-1,3' memory='524288' unit='KiB'>"
    "<distances><sibling id='0' value='10'/><sibling id='1' value='21'/></distances></cell>"
    "<cell id='1' cpus='2' memory='524288' unit='KiB'{access}/></numa></cpu>"
)


def test_numa_without_back_ends(build: Build) -> None:
    assert values(build(NUMA.format(access="")), "-numa") == [
        "node,nodeid=0,cpus=0-1,cpus=3,mem=512",
        "node,nodeid=1,cpus=2,mem=512",
        "dist,src=0,dst=0,val=10",
        "dist,src=0,dst=1,val=21",
        "dist,src=1,dst=0,val=21",
        "dist,src=1,dst=1,val=10",
    ]


def test_numa_with_back_ends(build: Build) -> None:
    line = build(NUMA.format(access=" memAccess='shared'"))
    assert values(line, "-numa")[:2] == [
        "node,nodeid=0,cpus=0-1,cpus=3,memdev=ram-node0",
        "node,nodeid=1,cpus=2,memdev=ram-node1",
    ]
    assert "memory-backend=" not in values(line, "-machine")[0]


def test_flash_comes_before_the_machine(build: Build) -> None:
    line = build(
        "<os><type arch='x86_64' machine='pc-q35-9.0'>hvm</type><loader readonly='yes' secure='yes' type='pflash'>/c.fd</loader>"
        "<nvram>/v.fd</nvram></os><features><acpi/></features>",
        controllers="<controller type='pci' index='0' model='pcie-root'><alias name='pcie.0'/></controller>",
    )
    nodes = [json.loads(v) for v in values(line, "-blockdev")]
    assert [n["node-name"] for n in nodes] == [
        f"libvirt-pflash{i}-{kind}" for i in (0, 1) for kind in ("storage", "format")
    ]
    assert [n["read-only"] for n in nodes if "read-only" in n] == [True, False]
    assert line.argv.index("-blockdev") < line.argv.index("-machine")
    assert values(line, "-machine")[0].endswith("pflash0=libvirt-pflash0-format,pflash1=libvirt-pflash1-format")
    assert "driver=cfi.pflash01,property=secure,value=on" in values(line, "-global")


def test_switches(build: Build) -> None:
    line = build("<clock offset='utc'><timer name='hpet' present='no'/></clock>")
    for word in ("-S", "-no-user-config", "-nodefaults", "-no-shutdown", "-no-acpi", "-no-hpet"):
        assert word in line.argv
    assert "-no-acpi" not in build("<features><acpi/></features>").argv
    assert "-no-hpet" not in build(without=("no-hpet",)).argv


def test_newer_emulators_are_told_by_the_machine(build: Build) -> None:
    line = build("<clock offset='utc'><timer name='hpet' present='no'/></clock>", without=("no-acpi", "no-hpet"))
    assert values(line, "-machine") == [
        "pc-i440fx-9.0,usb=off,acpi=off,hpet=off,dump-guest-core=off,memory-backend=pc.ram"
    ]
    assert not {"-no-acpi", "-no-hpet"} & set(line.argv)


def test_threads(build: Build) -> None:
    line = build("<iothreads>2</iothreads><iothreadids><iothread id='7' thread_pool_max='4'/></iothreadids>")
    objects = [json.loads(v) for v in values(line, "-object")]
    assert {"qom-type": "iothread", "id": "iothread7", "thread-pool-max": 4} in objects
    assert {"qom-type": "iothread", "id": "iothread1"} in objects


def test_the_monitors_descriptor_is_inherited(build: Build) -> None:
    line = build(monitor_fd=9)
    assert "socket,id=charmonitor,fd=9,server=on,wait=off" in values(line, "-chardev")
    assert line.fds == [9]


def test_arguments_of_the_users_own(build: Build) -> None:
    line = build(
        "<qemu:commandline><qemu:arg value='-x'/><qemu:arg value='y z'/><qemu:env name='A' value='b'/>"
        "<qemu:env name='C'/></qemu:commandline>"
    )
    assert line.argv[line.argv.index("-x") + 1] == "y z"
    assert (line.env["A"], line.env["C"]) == ("b", "")


def test_the_environment_is_the_guests_own(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_DAEMON", "x")
    env = build().env
    assert "SECRET_OF_THE_DAEMON" not in env
    assert (env["LC_ALL"], env["HOME"], env["XDG_CACHE_HOME"]) == ("C", "/lib/domain-1-g", "/lib/domain-1-g/.cache")


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        (
            "<os><type arch='x86_64' machine='pc-i440fx-9.0'>hvm</type><smbios mode='sysinfo'/></os><sysinfo type='smbios'>"
            + "<baseBoard><entry name='serial'>1</entry></baseBoard>" * 2
            + "</sysinfo>",
            "more than one entry to Type 2",
        ),
        (
            "<cpu mode='maximum'><numa><cell id='0' cpus='0' memory='9007199254740991' unit='KiB'/></numa></cpu>",
            "overflowed",
        ),
    ],
)
def test_what_qemu_cannot_do(build: Build, inside: str, words: str) -> None:
    with pytest.raises(VirtError, match=words) as raised:
        build(inside)
    assert raised.value.code == Code.CONFIG_UNSUPPORTED


def test_memory_of_certain_nodes_is_allocated_by_threads_there(build: Build) -> None:
    nodes = "<numatune><memory mode='strict' nodeset='0'/></numatune>"
    at_once = "<memoryBacking><allocation mode='immediate' threads='3'/></memoryBacking>"
    objects = [json.loads(v) for v in values(build(nodes + at_once), "-object") if "pc.ram" in v]
    assert objects[0] == {"qom-type": "thread-context", "id": "tc-pc.ram", "node-affinity": [0]}
    assert (objects[1]["prealloc-context"], objects[1]["prealloc-threads"]) == ("tc-pc.ram", 3)
    later = "<memoryBacking><allocation threads='3'/></memoryBacking>"
    [plain] = [json.loads(v) for v in values(build(nodes + later), "-object") if "pc.ram" in v]
    assert ("prealloc" in plain, plain["prealloc-threads"]) == (False, 3)


def test_old_machines_share_huge_pages(build: Build) -> None:
    numa = "<cpu mode='host-passthrough'><numa><cell id='0' cpus='0' memory='1048576'/></numa></cpu>"
    huge = "<memoryBacking><hugepages/></memoryBacking>"
    assert values(build(numa + huge), "-mem-path") == ["/dev/hugepages/libvirt/qemu/1-g"]
    assert values(build(numa + huge), "-numa") == ["node,nodeid=0,cpus=0,mem=1024"]
