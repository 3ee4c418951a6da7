# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that are refused, with libvirt's code and words."""

from __future__ import annotations

import pytest

from conf.domain.devices.single import parse_device
from conf.errors import ConfError

MAC = "<mac address='52:54:00:00:00:01'/>"


def net(kind: str, inside: str = "") -> str:
    return f"<interface type='{kind}'>{MAC}{inside}</interface>"


def lab(inside: str) -> str:
    return net("network", "<source network='lab'/>" + inside)


def pci(attributes: str) -> str:
    return f"<hostdev type='pci'><source><address {attributes}/></source></hostdev>"


INTERFACES = [
    ("<interface type='foo'/>", 27, "Invalid value for attribute 'type' in element 'interface': 'foo'."),
    (net("bridge"), 27, "interface type='bridge' requires a 'source' element"),
    (net("bridge", "<source/>"), 27, "Missing required attribute 'bridge' in element 'source'"),
    (net("network", "<source/>"), 27, "Missing required attribute 'network' in element 'source'"),
    (net("mcast", "<source port='3'/>"), 27, "Missing required attribute 'address' in element 'source'"),
    (net("server", "<source/>"), 27, "Missing required attribute 'port' in element 'source'"),
    (net("udp", "<source address='1.1.1.1' port='3'/>"), 27, "'<local>' element missing for 'udp' socket interface"),
    (net("direct", "<source dev='e' mode='x'/>"), 27, "Invalid value for attribute 'mode' in element 'source': 'x'."),
    (net("direct", "<source mode='vepa'/>"), 27, "Missing required attribute 'dev' in element 'source'"),
    (net("vhostuser", "<source type='unix' path='/a'/>"), 27, "Missing required attribute 'mode' in element 'source'"),
    (
        net("vhostuser", "<source type='x' path='/a' mode='client'/>"),
        67,
        "Type='x' unsupported for <interface type='vhostuser'>",
    ),
    (net("hostdev"), 27, "missing source address type"),
    (net("hostdev", "<source><address/></source>"), 27, "missing source address type"),
    (net("hostdev", "<source><address type='x'/></source>"), 67, "unknown host device source address type 'x'"),
    ("<interface><mac address='zz'/></interface>", 27, "unable to parse mac address 'zz'"),
    (
        "<interface><mac address='01:00:00:00:00:00'/></interface>",
        27,
        "expected unicast mac address, found multicast '01:00:00:00:00:00'",
    ),
    (net("user", "<model type='a b'/>"), 8, "Model name contains invalid characters"),
    (net("user", "<link state='x'/>"), 67, "unknown interface link state 'x'"),
    (net("user", "<mtu size='x'/>"), 27, "malformed mtu size"),
    (net("user", "<tune><sndbuf>x</sndbuf></tune>"), 27, "sndbuf must be a positive integer"),
    (
        net("user", "<coalesce><rx><frames max='x'/></rx></coalesce>"),
        35,
        "cannot parse value 'x' for coalesce parameter",
    ),
    (net("user", "<portForward proto='tcp' address='x'/>"), 27, "Invalid address 'x' in <portForward>"),
    (net("user", "<virtualport/>"), 67, "<virtualport> element unsupported for <interface type='user'>"),
    (net("user", "<teaming type='x'/>"), 67, "unknown teaming type 'x'"),
    (
        net("user", "<teaming type='transient'/>"),
        67,
        "teaming persistent attribute must be set if teaming type is 'transient'",
    ),
    (
        net("user", "<teaming type='persistent' persistent='q'/>"),
        67,
        "teaming persistent attribute not allowed if teaming type is 'persistent'",
    ),
    (net("user", "<ip/>"), 27, "Missing required address in <ip>"),
    (net("user", "<ip address='::1' family='ipv4'/>"), 27, "Invalid address '::1' in <ip>"),
    (net("user", "<ip address='::1' prefix='129'/>"), 27, "Invalid prefix value '129' in <ip>"),
    (net("user", "<ip address='1.2.3.4' peer='x'/>"), 8, "Invalid peer 'x' in <ip>"),
]

NETWORK_PARTS = [
    (lab("<vlan/>"), 27, "missing tag id - each <vlan> must have at least one <tag id='n'/> subelement"),
    (lab("<vlan><tag id='5000'/></vlan>"), 27, "vlan tag id 5000 too large (maximum 4095)"),
    (lab("<vlan trunk='x'><tag id='5'/></vlan>"), 27, "invalid \"trunk='x'\" in <vlan> - must be yes or no"),
    (
        lab("<vlan trunk='no'><tag id='5'/><tag id='6'/></vlan>"),
        27,
        "invalid \"trunk='no'\" in <vlan> - trunk='yes' is required for more than one vlan tag",
    ),
    (
        lab("<vlan trunk='no'><tag id='3' nativeMode='tagged'/></vlan>"),
        27,
        "invalid configuration in <vlan> - \"trunk='no'\" is not allowed with a native vlan id",
    ),
    (
        lab("<vlan><tag id='3' nativeMode='tagged'/><tag id='4' nativeMode='tagged'/></vlan>"),
        27,
        "duplicate native vlan setting",
    ),
    (lab("<bandwidth><inbound/></bandwidth>"), 35, "Missing mandatory average or floor attributes"),
    (lab("<bandwidth><inbound average='x'/></bandwidth>"), 67, "could not convert bandwidth average value 'x'"),
    (
        lab("<bandwidth><outbound average='1' floor='3'/></bandwidth>"),
        67,
        "'floor' attribute allowed only in <inbound> element",
    ),
    (
        lab("<bandwidth><inbound floor='3' burst='2'/></bandwidth>"),
        67,
        "'peak' and 'burst' require 'average' attribute",
    ),
    (
        lab("<bandwidth><inbound average='3'/><inbound average='3'/></bandwidth>"),
        35,
        "Only one child <inbound> element allowed",
    ),
    (lab("<virtualport type='x'/>"), 67, "unknown virtualport type x"),
    (
        lab("<virtualport type='802.1Qbg'><parameters managerid='1000'/></virtualport>"),
        27,
        "value of managerid out of range",
    ),
    (
        lab("<virtualport type='802.1Qbg'><parameters typeid='16777216'/></virtualport>"),
        27,
        "value for typeid out of range",
    ),
    (
        lab("<virtualport type='802.1Qbg'><parameters typeidversion='300'/></virtualport>"),
        27,
        "value of typeidversion out of range",
    ),
    (
        lab("<virtualport type='openvswitch'><parameters interfaceid='x'/></virtualport>"),
        27,
        "cannot parse interfaceid parameter as a uuid",
    ),
    (
        lab(f"<virtualport type='802.1Qbh'><parameters profileid='{'p' * 40}'/></virtualport>"),
        27,
        "profileid parameter too long",
    ),
    (
        lab("<virtualport type='802.1Qbh'><parameters managerid='1'/></virtualport>"),
        27,
        "extra managerid unsupported in <virtualport type='802.1Qbh'>",
    ),
]


def route(attributes: str) -> str:
    return net("ethernet", f"<route {attributes}/>")


ROUTES = [
    (route("prefix='3' gateway='1.1.1.1'"), "Missing required address attribute in route definition"),
    (route("address='10.0.0.0' prefix='8'"), "Missing required gateway attribute in route definition"),
    (route("address='x' prefix='3' gateway='1.1.1.1'"), "Bad network address 'x' in route definition"),
    (
        route("address='10.0.0.1' prefix='8' gateway='1.1.1.1'"),
        "Address '10.0.0.1' in route definition is not a network address",
    ),
    (
        route("address='10.0.0.0' gateway='1.1.1.1'"),
        "Address '10.0.0.0' in route definition is not a network address",
    ),
    (
        route("address='2001::' prefix='64' gateway='2001::1'"),
        "No family specified for non-IPv4 address '2001::' in route definition",
    ),
]


def serial(kind: str, inside: str = "") -> str:
    return f"<serial type='{kind}'>{inside}</serial>"


def channel(target: str) -> str:
    return f"<channel type='pty'>{target}</channel>"


CHARACTER = [
    (serial("x"), 67, "unknown type presented to host for character device: x"),
    (serial("spicevmc"), 67, "spicevmc device type only supports virtio"),
    (serial("file"), 1, "Missing source path attribute for char device"),
    (serial("unix"), 1, "Missing source path attribute for char device"),
    (serial("tcp"), 1, "Missing source host attribute for char device"),
    (serial("tcp", "<source host='a'/>"), 1, "Missing source service attribute for char device"),
    (serial("udp"), 1, "Missing source service attribute for char device"),
    (serial("spiceport"), 67, "Missing source channel attribute for char device"),
    (
        serial("nmdm", "<source master='/a'/>"),
        1,
        "Should define both master and slave path attributes for nmdm device",
    ),
    (serial("pty", "<source/><source/>"), 27, "only one source element is allowed for character device"),
    (serial("tcp", "<source host='a' service='1'/><protocol type='x'/>"), 67, "Unknown protocol 'x'"),
    (
        serial("tcp", "<source mode='bind' host='a' service='1'><reconnect enabled='no'/></source>"),
        1,
        "chardev reconnect is possible only for connect mode",
    ),
    (serial("pty", "<target type='x'/>"), 67, "unknown target type 'x' specified for character device"),
    (serial("pty", "<target port='x'/>"), 27, "Invalid port number: x"),
    (
        serial("pty", "<target><model name='x'/></target>"),
        67,
        "unknown target model 'x' specified for character device",
    ),
    (
        serial("file", "<source path='/f'><seclabel relabel='no'><label>a</label></seclabel></source>"),
        27,
        "Cannot specify a label if relabelling is turned off. model=none",
    ),
    (
        serial("file", "<source path='/f'><seclabel model='dac'/><seclabel model='dac'/></source>"),
        35,
        "seclabel for model dac is already provided",
    ),
    (channel(""), 27, "target type must be specified for channel device"),
    (channel("<target/>"), 67, "unknown target type '(null)' specified for character device"),
    (channel("<target type='guestfwd' port='1'/>"), 27, "guestfwd channel does not define a target address"),
    (
        channel("<target type='guestfwd' address='::1' port='1'/>"),
        67,
        "guestfwd channel only supports IPv4 addresses",
    ),
    (
        channel("<target type='guestfwd' address='x' port='1'/>"),
        38,
        "Cannot parse socket address 'x': Name or service not known",
    ),
    ("<smartcard mode='passthrough'/>", 27, "passthrough mode requires a character device type attribute"),
    ("<smartcard mode='host-certificates'/>", 27, "host-certificates mode needs exactly three certificates"),
    ("<redirdev/>", 1, "missing type in redirdev"),
    ("<redirdev type='x'/>", 67, "unknown redirdev character device type 'x'"),
    ("<rng model='virtio'/>", 27, "only one RNG backend is supported"),
    ("<rng model='virtio'><backend model='egd'/></rng>", 27, "missing EGD backend type"),
    ("<rng model='virtio'><backend model='x'/></rng>", 67, "unknown RNG backend model 'x'"),
    ("<rng><backend model='random'/></rng>", 27, "missing RNG device model"),
]

DISPLAY = [
    ("<graphics/>", 27, "Missing required attribute 'type' in element 'graphics'"),
    ("<graphics type='vnc' port='x'/>", 1, "cannot parse vnc port x"),
    (
        "<graphics type='vnc' listen='1.1.1.1'><listen type='address' address='1.2.3.4'/></graphics>",
        67,
        "graphics 'listen' attribute '1.1.1.1' must match 'address' attribute of first listen element (found '1.2.3.4')",
    ),
    (
        "<graphics type='vnc' socket='/a'><listen type='socket' socket='/b'/></graphics>",
        67,
        "graphics 'socket' attribute '/a' must match 'socket' attribute of first listen element (found '/b')",
    ),
    ("<graphics type='vnc' passwd='a' connected='fail'/>", 67, "VNC supports connected='keep' only"),
    ("<graphics type='spice' passwd='a' connected='x'/>", 67, "unknown connected value x"),
    (
        "<graphics type='vnc' passwd='a' passwdValidTo='x'/>",
        1,
        "cannot parse password validity time 'x', expect YYYY-MM-DDTHH:MM:SS",
    ),
    ("<graphics type='sdl'><gl/></graphics>", 27, "Missing required attribute 'enable' in element 'gl'"),
    ("<video><model type='x'/></video>", 67, "unknown video model 'x'"),
    ("<video><model type='vga' ram='3'/></video>", 67, "ram attribute only supported for video type qxl"),
    ("<video><model type='vga' heads='x'/></video>", 1, "cannot parse video heads 'x'"),
    ("<video><model type='vga'><acceleration/></model></video>", 67, "missing values for acceleration"),
    ("<sound model='ich6'><codec type='x'/></sound>", 67, "unknown codec type 'x'"),
    ("<audio id='0' type='none'/>", 27, "Invalid value for attribute 'id' in element 'audio': Zero is not permitted"),
    ("<audio id='1' type='oss' dspPolicy='-1'/>", 27, "cannot parse 'dspPolicy' value '-1'"),
    (
        "<audio id='1' type='none'><input fixedSettings='yes'/></audio>",
        67,
        "fixed audio settings requires mixing engine",
    ),
    (
        "<audio id='1' type='none'><input><settings/></input></audio>",
        67,
        "audio settings specified without fixed settings flag",
    ),
    ("<input/>", 1, "missing input device type"),
    ("<input type='mouse' bus='x'/>", 67, "unknown input bus type 'x'"),
    ("<input type='evdev'><source/></input>", 27, "Missing evdev path for input device"),
]

HOST = [
    ("<hostdev type='pci'/>", 27, "Missing <source> element in hostdev device"),
    ("<hostdev><source/></hostdev>", 27, "missing source address type"),
    ("<hostdev mode='x' type='pci'><source/></hostdev>", 67, "unknown hostdev mode 'x'"),
    ("<hostdev type='net'><source/></hostdev>", 67, "unknown host device source address type 'net'"),
    ("<hostdev type='usb'><source><product id='1'/></source></hostdev>", 1, "missing vendor"),
    ("<hostdev type='usb'><source><vendor id='1'/></source></hostdev>", 1, "missing product"),
    (
        "<hostdev type='usb' rawio='yes'><source/></hostdev>",
        27,
        "rawio is only supported for scsi host device",
    ),
    (pci("bus='0x100'"), 27, "Invalid PCI address bus='0x100', must be <= 0xFF"),
    (pci("slot='0x20'"), 27, "Invalid PCI address slot='0x20', must be <= 0x1F"),
    (pci("function='8'"), 27, "Invalid PCI address function=0x8, must be <= 7"),
    ("<hostdev type='mdev'><source/></hostdev>", 27, "Missing required attribute 'model' in element 'hostdev'"),
    ("<hostdev type='mdev' model='vfio-pci'><source/></hostdev>", 67, "Missing <address> element"),
    (
        "<hostdev type='mdev' model='vfio-pci'><source><address/></source></hostdev>",
        67,
        "Missing 'uuid' attribute for element <address>",
    ),
    ("<hostdev type='scsi'><source/></hostdev>", 27, "'address' must be specified for scsi hostdev source"),
    ("<hostdev type='scsi'><source protocol='x'/></hostdev>", 67, "Unknown SCSI subsystem protocol 'x'"),
    (
        "<hostdev type='scsi'><source protocol='iscsi' name='a'/></hostdev>",
        27,
        "missing the host address for the iSCSI hostdev",
    ),
    (
        "<hostdev type='scsi_host'><source protocol='vhost' wwpn='x'/></hostdev>",
        27,
        "malformed 'wwpn' value",
    ),
    (
        "<hostdev mode='capabilities' type='storage'><source/></hostdev>",
        27,
        "Missing <block> element in hostdev storage device",
    ),
]

OTHERS = [
    ("<filesystem><target dir='b'/></filesystem>", 19, "b"),
    ("<filesystem><source dir='b'/></filesystem>", 20, "b"),
    (
        "<filesystem fmode='1000'><source dir='b'/><target dir='a'/></filesystem>",
        27,
        "invalid fmode: '01000'",
    ),
    (
        "<filesystem type='ram'><source/><target dir='a'/></filesystem>",
        27,
        "missing 'usage' attribute for RAM filesystem",
    ),
    (
        "<filesystem type='volume'><source pool='p'/><target dir='a'/></filesystem>",
        27,
        "'pool' and 'volume' must be specified together for 'pool' type source",
    ),
    ("<tpm/>", 27, "missing TPM device backend"),
    ("<tpm><backend type='external'/></tpm>", 27, "missing external TPM backend type"),
    (
        "<tpm><backend type='emulator'><active_pcr_banks><md5/></active_pcr_banks></backend></tpm>",
        67,
        "Unsupported PCR banks 'md5'",
    ),
    (
        "<tpm><backend type='emulator'><encryption secret='x'/></backend></tpm>",
        1,
        "Unable to parse secret uuid 'x'",
    ),
    ("<memory model='dimm'/>", 27, "missing <target> element for <memory> device"),
    ("<memory model='dimm'><target/></memory>", 27, "missing element or attribute './size'"),
    (
        "<memory model='dimm'><target><size>1</size><node>x</node></target></memory>",
        27,
        "invalid value of memory device node",
    ),
    ("<shmem/>", 27, "shmem element must contain 'name' attribute"),
    ("<watchdog/>", 1, "watchdog must contain model name"),
    ("<watchdog model='x'/>", 67, "unknown watchdog model 'x'"),
    ("<hub/>", 1, "missing hub device type"),
    ("<panic model='x'/>", 67, "unknown panic model 'x'"),
    ("<lease><lockspace>a</lockspace></lease>", 27, "Missing 'key' element for lease"),
    ("<lease><lockspace>a</lockspace><key>b</key></lease>", 27, "Missing 'target' element for lease"),
    ("<emulator>/bin/true</emulator>", 67, "unknown device type 'emulator'"),
]


@pytest.mark.parametrize(("xml", "code", "text"), [*INTERFACES, *NETWORK_PARTS, *CHARACTER, *DISPLAY, *HOST, *OTHERS])
def test_refused(xml: str, code: int, text: str) -> None:
    with pytest.raises(ConfError) as caught:
        parse_device(xml)
    assert (caught.value.code, str(caught.value)) == (code, text)


@pytest.mark.parametrize(("xml", "text"), ROUTES)
def test_route_refused(xml: str, text: str) -> None:
    with pytest.raises(ConfError) as caught:
        parse_device(xml)
    assert (caught.value.code, str(caught.value)) == (27, f"guest interface: {text}")
