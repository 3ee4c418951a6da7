# SPDX-License-Identifier: LGPL-2.1-or-later
"""The formats of storage pools and volumes: canonical text, defaults, complaints."""

from __future__ import annotations

import pytest

from conf.errors import ConfError
from conf.storage import format_pool, format_volume, parse_pool, parse_volume
from conf.storage.paths import sanitize_path
from conf.storage.volume import Timestamps

UUID = "2ec115d7-3a88-3ceb-bc12-0ac909a6fd87"
SECRET = f"<secret uuid='{UUID}'/>"
TARGET = "<target><path>/t</path></target>"
SIZES = "".join(f"<{name} unit='bytes'>0</{name}>" for name in ("capacity", "allocation", "available"))


def flat(text: str) -> str:
    return "".join(line.strip() for line in text.splitlines())


def pool(type_: str, body: str, *, namespace: str = "") -> str:
    return f"<pool type='{type_}'{namespace}><name>p</name><uuid>{UUID}</uuid>{body}</pool>"


def shown(type_: str, body: str, *, namespace: str = "", given: str | None = None) -> str:
    """What becomes of a pool's body."""
    text = flat(format_pool(parse_pool(pool(type_, given if given is not None else body, namespace=namespace))))
    head = f"<pool type='{type_}'{namespace}><name>p</name><uuid>{UUID}</uuid>"
    assert text.startswith(head)
    return text.removeprefix(head).removesuffix("</pool>").replace(SIZES, "")


CANONICAL = [
    ("dir", f"<source></source>{TARGET}"),
    ("dir", f"<features><cow state='yes'/></features><source></source>{TARGET}"),
    ("fs", f"<source><device path='/dev/d'/><format type='ext4'/></source>{TARGET}"),
    (
        "netfs",
        f"<source><host name='h' port='77'/><dir path='/d'/><format type='nfs'/><protocol ver='4.1'/></source>{TARGET}",
    ),
    ("disk", f"<source><device path='/d' part_separator='no'/><format type='gpt'/></source>{TARGET}"),
    (
        "iscsi",
        (
            "<source><host name='h'/><device path='iqn.x'/><initiator><iqn name='iqn.i'/></initiator>"
            f"<auth type='chap' username='u'>{SECRET}</auth><vendor name='v'/><product name='w'/></source>{TARGET}"
        ),
    ),
    ("scsi", f"<source><adapter type='scsi_host' name='host0'/></source>{TARGET}"),
    (
        "scsi",
        (
            "<source><adapter type='fc_host' parent='scsi_host5' managed='yes' wwnn='20000000c9831b4b' "
            f"wwpn='10000000c9831b4b'/></source>{TARGET}"
        ),
    ),
    (
        "scsi",
        (
            "<source><adapter type='scsi_host'><parentaddr unique_id='5'><address domain='0x0000' bus='0x00' slot='0x1f' "
            f"function='0x2'/></parentaddr></adapter></source>{TARGET}"
        ),
    ),
    ("mpath", f"<source></source>{TARGET}"),
    ("gluster", "<source><host name='h'/><dir path='/s'/><name>v</name></source>"),
    (
        "rbd",
        (
            f"<source><host name='h'/><host name='i'/><name>r</name><auth type='ceph' username='a'>{SECRET}</auth></source>"
            "<refresh><volume allocation='capacity'/></refresh>"
        ),
    ),
    ("zfs", "<source><device path='/d'/><name>z</name></source><target><path>/dev/zvol/z</path></target>"),
    (
        "dir",
        (
            "<source></source><target><path>/t</path><permissions><mode>0711</mode><owner>1</owner><group>2</group>"
            "<label>l</label></permissions></target>"
        ),
    ),
]


@pytest.mark.parametrize(("type_", "body"), CANONICAL)
def test_canonical_text_is_kept(type_: str, body: str):
    assert shown(type_, body) == body


@pytest.mark.parametrize(
    ("prefix", "type_", "source", "options"),
    [
        (
            "fs",
            "fs",
            "<device path='/d'/><format type='auto'/>",
            "<fs:mount_opts><fs:option name='sync'/></fs:mount_opts>",
        ),
        (
            "rbd",
            "rbd",
            "<host name='h'/><name>r</name>",
            "<rbd:config_opts><rbd:option name='a' value='1'/></rbd:config_opts>",
        ),
    ],
)
def test_options_in_namespaces_of_their_own(prefix: str, type_: str, source: str, options: str):
    namespace = f" xmlns:{prefix}='http://libvirt.org/schemas/storagepool/{prefix}/1.0'"
    body = f"<source>{source}</source>{TARGET if type_ == 'fs' else ''}{options}"
    assert shown(type_, body, namespace=namespace) == body


def test_what_is_measured_is_never_taken_from_a_document():
    assert shown("dir", "", given=f"<capacity unit='G'>5</capacity><allocation>x</allocation>{TARGET}") == (
        f"<source></source>{TARGET}"
    )


def test_what_does_not_belong_to_a_type_is_dropped():
    given = "<source><host name='x'/><dir path='/s'/><name>n</name><device path='/d'/><format type='raw'/></source>"
    assert shown("dir", "", given=given + TARGET) == f"<source></source>{TARGET}"


def test_defaults_depend_on_the_type():
    assert shown("logical", "", given="") == (
        "<source><name>p</name><format type='lvm2'/></source><target><path>/dev/p</path></target>"
    )
    assert "<dir path='/'/>" in shown("gluster", "", given="<source><host name='h'/></source>")
    assert "<format type='auto'/>" in shown("fs", "", given=f"<source><device path='/d'/></source>{TARGET}")


def test_a_pool_may_be_named_after_its_source():
    found = parse_pool("<pool type='logical'><source><name>vg</name></source></pool>")
    assert (found.name, found.target.path) == ("vg", "/dev/vg")


@pytest.mark.parametrize(
    ("type_", "body", "code", "text"),
    [
        ("bogus", TARGET, 27, "Invalid value for attribute 'type' in element 'pool': 'bogus'."),
        ("dir", "", 27, "missing storage pool target path"),
        ("fs", TARGET, 27, "missing storage pool source device name"),
        ("fs", f"<source><device path='/d'/><format type='x'/></source>{TARGET}", 67, "unknown pool format type x"),
        ("netfs", TARGET, 27, "missing storage pool source host name"),
        ("scsi", TARGET, 27, "missing storage pool source adapter"),
        ("rbd", "<source><host name='h'/></source>", 27, "element 'name' is mandatory for RBD pool"),
        ("logical", "<features><cow state='yes'/></features>", 3, "cow feature may only be used for"),
        (
            "dir",
            "<target><path>/t</path><permissions><mode>9</mode></permissions></target>",
            27,
            "malformed octal mode",
        ),
        (
            "iscsi-direct",
            "<source><host name='h'/><device path='/d'/></source>",
            67,
            "missing initiator IQN",
        ),
        (
            "iscsi",
            f"<source><host name='h'/><device path='/d'/><auth username='u'>{SECRET}</auth></source>{TARGET}",
            67,
            "storage pool missing auth type",
        ),
    ],
)
def test_pools_that_cannot_be(type_: str, body: str, code: int, text: str):
    with pytest.raises(ConfError, match=text) as caught:
        parse_pool(pool(type_, body))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("given", "clean"), [("/a//b///c/", "/a/b/c"), ("//a//b", "//a/b"), ("///a", "/a"), ("/", "/"), ("a/b/", "a/b")]
)
def test_paths_are_tidied(given: str, clean: str):
    assert sanitize_path(given) == clean


def volume(body: str, type_: str = "dir", *, sized: bool = True) -> str:
    return flat(format_volume(parse_volume(f"<volume><name>v</name>{body}</volume>", type_, sized=sized)))


def test_a_volume_is_completed():
    assert volume("<capacity unit='KiB'>1</capacity>") == (
        "<volume type='file'><name>v</name><capacity unit='bytes'>1024</capacity>"
        "<allocation unit='bytes'>1024</allocation><target><format type='raw'/></target></volume>"
    )


def test_everything_of_a_target_is_shown():
    target = (
        "<target><path>/p/v</path><format type='qcow2'/><permissions><mode>0640</mode></permissions>"
        f"<encryption format='luks'><secret type='passphrase' uuid='{UUID}'/></encryption><compat>1.1</compat>"
        "<clusterSize unit='B'>131072</clusterSize><features><lazy_refcounts/><extended_l2/></features></target>"
    )
    backing = "<backingStore><path>/b</path><format type='raw'/></backingStore>"
    assert volume(target + backing).endswith(f"{target}{backing}</volume>")


def test_what_the_host_says_of_a_volume_is_written_and_not_read():
    model = parse_volume("<volume><name>v</name><physical>7</physical><capacity>1</capacity></volume>", "dir")
    assert "physical" not in format_volume(model)
    model.physical = 5
    model.target.timestamps = Timestamps(1_500_000_000, 2_000_000_000, 0)
    text = flat(format_volume(model))
    assert "<physical unit='bytes'>5</physical>" in text
    assert "<timestamps><atime>1.500000000</atime><mtime>2</mtime><ctime>0</ctime><btime>0</btime></timestamps>" in text


def test_volumes_of_groups_have_no_format_and_those_of_disks_have_their_own():
    assert "<format" not in volume("<capacity>1</capacity>", "logical")
    assert "<format type='none'/>" in volume("<capacity>1</capacity>", "disk")
    with pytest.raises(ConfError, match="unknown volume format type qcow2"):
        volume("<capacity>1</capacity><target><format type='qcow2'/></target>", "disk")


def test_a_volume_may_take_its_size_from_elsewhere():
    assert "<capacity unit='bytes'>0</capacity>" in volume("", sized=False)
    assert "<capacity unit='bytes'>0</capacity>" in volume("<backingStore><path>/b</path></backingStore>")


def luks(body: str, format_: str = "luks") -> str:
    secret = f"<secret type='passphrase' uuid='{UUID}'/>"
    return f"<capacity>1</capacity><target><encryption format='{format_}'>{secret}{body}</encryption></target>"


def test_only_luks_has_a_cipher_of_choice():
    assert "cipher" not in volume(luks("<cipher/><ivgen/>", "qcow"))


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ("", 27, "missing capacity element"),
        ("<capacity>x</capacity>", 27, "malformed capacity element"),
        ("<capacity unit='foo'>1</capacity>", 8, "unknown suffix 'foo'"),
        ("<capacity unit='E'>100</capacity>", 82, "value too large: 100E"),
        ("<capacity>9223372036854775808</capacity>", 82, "value too large: 9223372036854775808"),
        ("<capacity>1</capacity><allocation unit='E'>8</allocation>", 82, "value too large: 8E"),
        ("<capacity>1</capacity><target><compat>1.1.1</compat></target>", 27, "forbidden characters in 'compat'"),
        ("<capacity>1</capacity><target><features><x/></features></target>", 67, "unsupported feature x"),
        (luks("<cipher name='aes'/>"), 27, "Missing required attribute 'size' in element 'cipher'"),
        (luks("<ivgen/>"), 27, "ivgen element found, but cipher is missing"),
        (luks("<cipher name='aes' size='256'/><ivgen/>"), 27, "missing ivgen info name string"),
    ],
)
def test_volumes_that_cannot_be(body: str, code: int, text: str):
    with pytest.raises(ConfError, match=text) as caught:
        volume(body)
    assert caught.value.code == code
