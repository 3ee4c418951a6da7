# SPDX-License-Identifier: LGPL-2.1-or-later
"""The test driver through stock clients: virsh says of our make-believe host what it says of libvirt's own."""

from __future__ import annotations

import difflib
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import Daemon

#: What both hosts are asked in turn, in one session each.  The answers have to be the same.
COMMANDS = (Path(__file__).parent / "make_believe_commands.txt").read_text()

GUEST = "<domain type='test'><name>{}</name><memory>1024</memory><os><type>hvm</type></os></domain>"

#: Lines that need not be: times, and what libvirt's own driver leaves open or gets wrong.
VARIES = ("CPU time:", "CPU:", "OS Type:", "<creationTime>", "Creation Time:")


def socket_uri(daemon: Daemon, path: str) -> str:
    return f"test+unix://{path}?socket={daemon.root}/run/libvirt/libvirt-sock"


def session(uri: str, commands: str, folder: Path) -> list[str]:
    """What virsh says, without lines that vary."""
    done = subprocess.run(
        ["virsh", "-c", uri], input=commands, capture_output=True, text=True, timeout=120, cwd=folder, check=False
    )
    return [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith(VARIES)]


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A folder with the documents that the commands name."""
    documents = {
        "off.xml": "<domain type='test'><name>off</name><uuid>11111111-2222-3333-4444-000000000001</uuid>"
        "<memory>1024000</memory><vcpu current='1'>3</vcpu><os><type>hvm</type></os><devices><disk type='file'>"
        "<source file='/q'/><target dev='vdb'/></disk></devices></domain>",
        "net.xml": "<network><name>n2</name><uuid>11111111-2222-3333-4444-000000000002</uuid>"
        "<bridge name='virbr5'/><ip address='10.1.1.1' netmask='255.255.255.0'/></network>",
        "pool.xml": "<pool type='dir'><name>p2</name><uuid>11111111-2222-3333-4444-000000000003</uuid>"
        "<target><path>/p2</path></target></pool>",
        "vol.xml": "<volume><name>v1</name><capacity>1048576</capacity></volume>",
        "if.xml": "<interface type='ethernet' name='eth7'><mac address='00:11:22:33:44:55'/></interface>",
        "snap.xml": "<domainsnapshot><name>s1</name><description>d</description></domainsnapshot>",
    }
    for name, content in documents.items():
        (tmp_path / name).write_text(content)
    return tmp_path


def test_virsh_sees_no_difference_to_libvirt_s_own_host(shared: Daemon, inputs: Path) -> None:
    theirs = session("test:///default", COMMANDS, inputs)
    ours = session(socket_uri(shared, "/default"), COMMANDS, inputs)
    assert len(theirs) > 500
    assert "\n".join(difflib.unified_diff(theirs, ours, "libvirt", "virtd", lineterm="")) == ""


@pytest.fixture
def standing(tmp_path: Path) -> Iterator[Path]:
    """A host whose clock is moved by hand."""
    path = tmp_path / "standing.xml"
    path.write_text(
        textwrap.dedent("""\
        <node xmlns:v='urn:virtd:test:1'>
          <v:clock speed='0'/>
          <v:fault function='virDomainReset' code='38' message='as asked' times='1'/>
          <domain type='test'>
            <name>g</name><memory>1024</memory><os><type>hvm</type></os>
            <devices>
              <disk type='file'><source file='/img'/><target dev='vda' bus='virtio'/></disk>
              <console type='pty'/>
            </devices>
          </domain>
        </node>""")
    )
    return path


def test_a_block_job_by_the_clock(shared: Daemon, standing: Path) -> None:
    uri = socket_uri(shared, str(standing))
    commands = textwrap.dedent("""\
        reset g
        reset g
        blockcopy g vda /copy --format raw
        blockjob g vda --pivot
        qemu-monitor-command g '{"execute": "advance", "arguments": {"seconds": 60}}'
        blockjob g vda --pivot
        domblklist g
        """)
    said = "\n".join(session(uri, commands, standing.parent))
    assert "error: as asked" in said
    assert "Domain 'g' was reset" in said
    assert "not ready for pivot yet" in said
    assert "/copy" in said.rpartition("domblklist")[2]


def test_a_guest_moves_between_two_hosts(shared: Daemon, tmp_path: Path) -> None:
    (tmp_path / "here.xml").write_text(f"<node>{GUEST.format('g')}</node>")
    (tmp_path / "there.xml").write_text("<node/>")
    here, there = (socket_uri(shared, str(tmp_path / name)) for name in ("here.xml", "there.xml"))
    subprocess.run(["virsh", "-c", here, "migrate", "g", there, "--live"], check=True, timeout=60)
    for uri, guests in ((here, []), (there, ["g"])):
        done = subprocess.run(["virsh", "-c", uri, "list", "--name"], capture_output=True, text=True, check=True)
        assert done.stdout.split() == guests


#: What the binding of the stock library is asked, in a process of its own.
CONSOLE = """\
import libvirt, sys
connection = libvirt.open(sys.argv[1])
guest = connection.lookupByName("g")
stream = connection.newStream()
guest.openConsole(None, stream)
stream.send(b"hello")
assert stream.recv(100) == b"hello"
stream.abort()
picture = connection.newStream()
assert guest.screenshot(picture, 0) == "image/png"
assert picture.recv(8) == b"\\x89PNG\\r\\n\\x1a\\n"
"""


def test_consoles_and_screens(shared: Daemon, standing: Path) -> None:
    uri = socket_uri(shared, str(standing))
    subprocess.run(["/usr/bin/python3", "-c", CONSOLE, uri], check=True, timeout=60)


LIST = """\
import libvirt, sys, time
connection = libvirt.open(sys.argv[1])
took = []
for _ in range(10):
    begin = time.monotonic()
    assert len(connection.listAllDomains(0)) == 10000
    took.append(time.monotonic() - begin)
print(min(took))
"""


def test_ten_thousand_guests_are_listed_at_once(shared: Daemon, tmp_path: Path) -> None:
    path = tmp_path / "many.xml"
    path.write_text(f"<node>{''.join(GUEST.format(f'g{number}') for number in range(10_000))}</node>")
    command = ["/usr/bin/python3", "-c", LIST, socket_uri(shared, str(path))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert float(done.stdout) < 0.3  # a tenth of a second where nothing else is going on
