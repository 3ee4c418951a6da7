# SPDX-License-Identifier: LGPL-2.1-or-later
"""The format of the host's devices: canonical text, what is passed over, complaints."""

from __future__ import annotations

import pytest

from conf.errors import ConfError, NoNameError
from conf.nodedev import NodeDevice, format_node_device, parse_node_device
from conf.nodedev.others import VDPACapability
from conf.nodedev.scsi import SCSIGenericCapability

ADDRESS = "<address domain='0x0000' bus='0x3b' slot='0x00' function='0x1'/>"
MDEV_TYPES = (
    "<capability type='mdev_types'><type id='drv-4'><name>A quarter</name><deviceAPI>vfio-pci</deviceAPI>"
    "<availableInstances>3</availableInstances></type><type id='drv-8'><deviceAPI>vfio-pci</deviceAPI>"
    "<availableInstances>0</availableInstances></type></capability>"
)
CHANNEL = "<cssid>0xfe</cssid><ssid>0x1</ssid><devno>0x0c0d</devno>"


def capability(type_: str, body: str) -> str:
    return f"<capability type='{type_}'>{body}</capability>"


def device(*capabilities: str, head: str = "<parent>computer</parent>") -> str:
    return f"<device><name>d</name>{head}{''.join(capabilities)}</device>"


def pci(body: str = "", head: str = "") -> str:
    return capability(
        "pci",
        f"{head}<domain>0</domain><bus>59</bus><slot>0</slot><function>0</function>"
        f"<product id='0x00ff'>Card</product><vendor id='0xabcd'/>{body}",
    )


def shown(xml: str) -> str:
    return "".join(line.strip() for line in format_node_device(parse_node_device(xml)).splitlines())


CANONICAL = [
    capability(
        "system",
        "<product>P</product><hardware><vendor>V</vendor><version>1</version><serial>S</serial>"
        "<uuid>00112233-4455-6677-8899-aabbccddeeff</uuid></hardware>"
        "<firmware><vendor>F</vendor><version>2</version><release_date>01/02/2003</release_date></firmware>",
    ),
    pci(),
    pci(
        f"<capability type='phys_function'>{ADDRESS}</capability>"
        f"<capability type='virt_functions' maxCount='7'>{ADDRESS}{ADDRESS}</capability>"
        "<capability type='cardbus-bridge'/>"
        + MDEV_TYPES
        + "<capability type='vpd'><name>N</name><fields access='readonly'><change_level>1</change_level>"
        "<manufacture_id>m</manufacture_id><part_number>p</part_number><serial_number>s</serial_number>"
        "<vendor_field index='Z'>z</vendor_field><vendor_field index='1'>one</vendor_field></fields>"
        "<fields access='readwrite'><asset_tag>a</asset_tag><vendor_field index='3'>v</vendor_field>"
        "<system_field index='B'>b</system_field></fields></capability>"
        f"<iommuGroup number='0'>{ADDRESS}</iommuGroup><numa node='1'/>"
        "<pci-express><link validity='cap' port='3' speed='16' width='16'/>"
        "<link validity='sta' speed='2.5' width='1'/></pci-express>",
        "<class>0x030000</class>",
    ),
    capability(
        "usb_device",
        "<bus>1</bus><device>4</device><product id='0x0001'>K</product><vendor id='0x1234'>M</vendor>",
    ),
    capability(
        "usb",
        "<number>0</number><class>3</class><subclass>1</subclass><protocol>2</protocol><description>x</description>",
    ),
    capability(
        "net",
        "<interface>en0</interface><address>52:54:00:00:00:07</address><link speed='100' state='up'/>"
        "<feature name='rx'/><feature name='ntuple'/><capability type='80211'/>",
    ),
    capability(
        "scsi_host",
        "<host>2</host><unique_id>0</unique_id><capability type='fc_host'><wwnn>20000000c9831b4b</wwnn>"
        "<wwpn>10000000c9831b4b</wwpn><fabric_wwn>2001000dec9877c1</fabric_wwn></capability>"
        "<capability type='vport_ops'><max_vports>164</max_vports><vports>5</vports></capability>",
    ),
    capability(
        "scsi_target",
        "<target>target2:0:0</target><capability type='fc_remote_port'><rport>rport-2:0-0</rport>"
        "<wwpn>0x10000000c9831b4b</wwpn></capability>",
    ),
    capability("scsi", "<host>2</host><bus>0</bus><target>1</target><lun>0</lun><type>cdrom</type>"),
    capability(
        "storage",
        "<block>/dev/sdx</block><bus>ata</bus><drive_type>disk</drive_type><model>M</model><vendor>V</vendor>"
        "<serial>S</serial><size>1024</size><logical_block_size>512</logical_block_size><num_blocks>2</num_blocks>"
        "<capability type='hotpluggable'/>",
    ),
    capability(
        "storage",
        "<block>/dev/sr7</block><capability type='removable'><media_available>1</media_available>"
        "<media_size>2048</media_size><media_label>L</media_label><logical_block_size>2048</logical_block_size>"
        "<num_blocks>1</num_blocks></capability>",
    ),
    capability("drm", "<type>control</type>"),
    capability(
        "mdev",
        "<type id='drv-4'/><uuid>00112233-4455-6677-8899-aabbccddeeff</uuid><parent_addr>0000:00:02.0</parent_addr>"
        "<iommuGroup number='12'/><attr name='a' value='1'/>",
    ),
    capability("ccw", CHANNEL),
    capability("css", f"{CHANNEL}<channel_dev_addr>{CHANNEL}</channel_dev_addr>{MDEV_TYPES}"),
    capability("ap_card", "<ap-adapter>0x0a</ap-adapter>"),
    capability("ap_queue", "<ap-adapter>0x0a</ap-adapter><ap-domain>0x00ff</ap-domain>"),
    capability("ap_matrix", MDEV_TYPES),
]


@pytest.mark.parametrize("body", CANONICAL)
def test_canonical_text_stays(body: str) -> None:
    assert shown(device(body)) == device(body)


def test_what_stands_around_the_capabilities() -> None:
    head = (
        "<path>/sys/devices/x</path><devnode type='dev'>/dev/x</devnode><devnode type='link'>/dev/a</devnode>"
        "<devnode type='link'>/dev/b</devnode><parent>p</parent><driver><name>drv</name></driver>"
    )
    xml = device(capability("drm", "<type>render</type>"), pci(), head=head)
    assert shown(xml) == xml


def test_devices_of_which_documents_are_only_written() -> None:
    made = NodeDevice(name="d", capabilities=[VDPACapability(chardev="/dev/v"), SCSIGenericCapability(char="/dev/sg0")])
    text = "".join(line.strip() for line in format_node_device(made).splitlines())
    assert text == device(
        capability("vdpa", "<chardev>/dev/v</chardev>"), capability("scsi_generic", "<char>/dev/sg0</char>"), head=""
    )
    with pytest.raises(ConfError, match="unknown capability type '17' for 'd'"):
        parse_node_device(text)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (pci("<iommuGroup number='4'/><numa node='-1'/>", "<class>-1</class>"), pci()),
        (pci("<capability type='virt_functions'/>"), pci("<capability type='virt_functions'/>")),
        (pci("<capability type='endpoint'/><capability type='odd'/>"), pci()),
        (pci("<pci-express><link/><link validity='x'/></pci-express>"), pci("<pci-express/>")),
        (
            pci(
                "<capability type='vpd'><name>N</name><fields access='readonly'><vendor_field index='10'>x</vendor_field>"
                "<vendor_field index='1'>a</vendor_field><vendor_field>y</vendor_field>"
                "<vendor_field index='1'>b</vendor_field></fields></capability>"
            ),
            pci(
                "<capability type='vpd'><name>N</name><fields access='readonly'><vendor_field index='1'>b</vendor_field>"
                "</fields></capability>"
            ),
        ),
        (
            capability("net", "<interface>e</interface><feature name='tx'/><feature name='rx'/><feature name='tx'/>"),
            capability("net", "<interface>e</interface><feature name='rx'/><feature name='tx'/>"),
        ),
        (
            capability("net", "<interface>e</interface><link state=''/><capability/><capability type='80203'/>"),
            capability("net", "<interface>e</interface><capability type='80203'/>"),
        ),
        (
            capability("storage", "<block>b</block><size>9</size><num_blocks>many</num_blocks>"),
            capability("storage", "<block>b</block><size>9</size>"),
        ),
        (
            capability("mdev", "<type id='t'/><attr name='a'/><attr value='b'/>"),
            capability("mdev", "<type id='t'/>"),
        ),
    ],
)
def test_what_is_passed_over(given: str, expected: str) -> None:
    assert shown(device(given)) == device(expected)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ("", 1, "no device capabilities for 'd'"),
        ("<capability/>", 27, "Missing required attribute 'type' in element 'capability'"),
        (capability("odd", ""), 27, "Invalid value for attribute 'type' in element 'capability': 'odd'."),
        (capability("system", ""), 1, "no system UUID supplied for 'd'"),
        (capability("pci", ""), 1, "no PCI domain ID supplied for 'd'"),
        (capability("pci", "<domain>1.5</domain>"), 1, "invalid PCI domain ID supplied for 'd'"),
        (pci(head="<class>0x1000000</class>"), 1, "invalid PCI class supplied for 'd'"),
        (pci("<capability/>"), 27, "Missing capability type"),
        (pci("<capability type='phys_function'/>"), 27, "Missing address in 'phys_function' capability"),
        (pci("<capability type='virt_functions' maxCount='x'/>"), 27, "Malformed 'maxCount' parameter"),
        (pci("<capability type='vpd'/>"), 27, "Could not read a device name from the <name> element"),
        (
            pci("<pci-express><link validity='cap'/></pci-express>"),
            27,
            "Missing required attribute 'width' in element 'link'",
        ),
        (
            pci(capability("mdev_types", "<type id='a'><deviceAPI>x</deviceAPI></type>")),
            27,
            "missing number of available instances for mediated device type 'a'",
        ),
        (capability("usb_device", "<bus>1</bus><device>2</device>"), 1, "no USB vendor ID supplied for 'd'"),
        (capability("usb", "<number>x</number>"), 1, "invalid USB interface number supplied for 'd'"),
        (
            capability("net", "<interface>e</interface><feature name='warp'/>"),
            27,
            "unknown network device feature 'warp'",
        ),
        (
            capability("net", "<interface>e</interface><capability type='1394'/>"),
            67,
            "invalid network type supplied for 'd'",
        ),
        (capability("scsi_host", ""), 1, "no SCSI host ID supplied for 'd'"),
        (
            capability("scsi_host", "<host>1</host><capability type='odd'/>"),
            1,
            "unknown SCSI host capability type 'odd' for 'd'",
        ),
        (
            capability("scsi_target", "<target>t</target><capability/>"),
            1,
            "missing type for SCSI target capability for 'd'",
        ),
        (capability("storage", "<block>b</block>"), 1, "no size supplied for 'd'"),
        (capability("drm", "<type>odd</type>"), 67, "unknown drm type 'odd' for 'd'"),
        (capability("mdev", ""), 67, "missing type id attribute for 'd'"),
        (capability("mdev", "<type id='t'/><uuid>x</uuid>"), 1, "Invalid uuid 'x' for new mdev device"),
        (capability("ccw", "<cssid>x</cssid>"), 67, "invalid cssid value 'x' for 'd'"),
        (
            capability("ap_queue", "<ap-adapter>1</ap-adapter><ap-domain>256</ap-domain>"),
            67,
            "ap-domain value '256' is out of range for 'd'",
        ),
        ("<parent wwnn='1'/>" + pci(), 27, "when providing parent wwnn='1', the wwpn must also be provided"),
    ],
)
def test_complaints(body: str, code: int, message: str) -> None:
    with pytest.raises(ConfError) as caught:
        parse_node_device(device(body, head=""))
    assert (caught.value.code, str(caught.value)) == (code, message)


def test_a_device_needs_a_name() -> None:
    with pytest.raises(NoNameError):
        parse_node_device(f"<device>{pci()}</device>")


def test_a_device_to_be_made_has_no_name_and_an_adapter_no_number() -> None:
    parent = "<parent wwnn='2001001b32a9da4e' wwpn='2101001b32a9da4e' fabric_wwn='2001000dec9877c1'/>"
    body = capability("scsi_host", "<host>7</host><unique_id>x</unique_id><capability type='fc_host'/>")
    made = parse_node_device(device(body, head=parent), creating=True)
    assert made.name == "new device"
    assert (made.parent, made.parent_wwnn, made.parent_wwpn) == (None, "2001001b32a9da4e", "2101001b32a9da4e")
    assert made.parent_fabric_wwn == "2001000dec9877c1"
    (adapter,) = made.capabilities
    assert adapter.type == "scsi_host"
    assert adapter.host is None
    assert adapter.fc_host is not None
    assert "wwnn" not in format_node_device(made)
