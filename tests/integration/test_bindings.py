# SPDX-License-Identifier: LGPL-2.1-or-later
"""Other stock clients than virsh: the bindings for Perl and Python, each in its own interpreter."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.integration.conftest import Daemon, guest_xml

PERL = """
use Sys::Virt;
my ($uri, $xml, $pool) = @ARGV;
my $conn = Sys::Virt->new(uri => $uri);
my $dom = $conn->define_domain($xml);
$dom->create;
my $info = $dom->get_info;
print join(" ", "info", $info->{state}, $info->{memory}, $info->{nrVirtCpu}), "\n";
print join(" ", "active", map { $_->get_name } $conn->list_all_domains(Sys::Virt::Domain::LIST_ACTIVE)), "\n";
$dom->destroy;
$dom->undefine;
my $storage = $conn->define_storage_pool($pool);
$storage->build;
$storage->create;
$storage->create_volume("<volume><name>v</name><capacity>4096</capacity></volume>");
print join(" ", "volumes", map { $_->get_name . "=" . $_->get_info->{capacity} } $storage->list_all_volumes), "\n";
$storage->destroy;
$storage->undefine;
my @domains = $conn->list_all_domains;
my @pools = $conn->list_all_storage_pools;
print join(" ", "left", scalar(@domains), scalar(@pools)), "\n";
"""

PYTHON = """
import sys
import libvirt
uri, xml, pool = sys.argv[1:]
conn = libvirt.open(uri)
dom = conn.defineXML(xml)
dom.create()
state, _, memory, cpus, _ = dom.info()
print("info", state, memory, cpus)
print("active", *(d.name() for d in conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)))
dom.destroy()
dom.undefine()
storage = conn.storagePoolCreateXML(pool, libvirt.VIR_STORAGE_POOL_CREATE_WITH_BUILD)
storage.createXML("<volume><name>v</name><capacity>4096</capacity></volume>", 0)
print("volumes", *(f"{v.name()}={v.info()[1]}" for v in storage.listAllVolumes()))
storage.destroy()
print("left", len(conn.listAllDomains()), len(conn.listAllStoragePools()))
"""


def has(*command: str) -> bool:
    """Whether a command is there and succeeds."""
    return shutil.which(command[0]) is not None and subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("interpreter", "probe", "script"),
    [
        pytest.param(["perl"], ["-MSys::Virt", "-e", "1"], ["-e", PERL], id="perl"),
        pytest.param(["/usr/bin/python3"], ["-c", "import libvirt"], ["-c", PYTHON], id="python"),
    ],
)
def test_a_guest_and_a_pool(daemon: Daemon, interpreter: list[str], probe: list[str], script: list[str]):
    if not has(*interpreter, *probe):
        pytest.skip(f"needs {interpreter[0]} with its binding")
    pool = f"<pool type='dir'><name>p</name><target><path>{daemon.root}/p</path></target></pool>"
    command = [*interpreter, *script, daemon.uri, guest_xml("bound"), pool]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["info 1 32768 1", "active bound", "volumes v=4096", "left 0 0"], done.stderr
