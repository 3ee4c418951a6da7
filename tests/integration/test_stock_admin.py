# SPDX-License-Identifier: LGPL-2.1-or-later
"""The stock virt-admin at the admin socket, and virsh at what the daemon itself answers."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.integration.conftest import Daemon, guest_xml


@pytest.fixture
def admin(daemon: Daemon) -> str:
    if shutil.which("virt-admin") is None:
        pytest.skip("needs virt-admin")
    return f"libvirtd:///system?socket={daemon.root}/run/libvirt/libvirt-admin-sock"


def run(uri: str, *command: str) -> str:
    done = subprocess.run(["virt-admin", "-c", uri, *command], capture_output=True, text=True, timeout=30)
    return done.stdout + done.stderr


def fields(output: str) -> dict[str, str]:
    pairs = (line.split(":", 1) for line in output.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def test_servers_and_their_limits(admin: str) -> None:
    assert [line.split()[1] for line in run(admin, "srv-list").splitlines()[2:] if line] == ["admin", "libvirtd"]
    assert fields(run(admin, "srv-clients-info", "libvirtd"))["nclients_max"] == "5000"
    run(admin, "srv-clients-set", "libvirtd", "--max-unauth-clients", "10", "--max-clients", "100")
    info = fields(run(admin, "srv-clients-info", "libvirtd"))
    assert (info["nclients_max"], info["nclients_unauth_max"]) == ("100", "10")
    assert fields(run(admin, "srv-threadpool-info", "libvirtd"))["nWorkers"] == "0"


def test_a_client_is_seen_and_sent_home(admin: str, daemon: Daemon) -> None:
    shell = subprocess.Popen(
        ["virsh", "-c", daemon.uri], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    clients: list[str] = []
    while not clients:
        lines = run(admin, "client-list", "libvirtd").splitlines()[2:]
        clients = [line.split()[0] for line in lines if line]
    info = fields(run(admin, "client-info", "libvirtd", clients[0]))
    assert (info["transport"], info["readonly"], info["unix_process_id"]) == ("unix", "no", str(shell.pid))
    assert "disconnected" in run(admin, "client-disconnect", "libvirtd", clients[0])
    assert not [line for line in run(admin, "client-list", "libvirtd").splitlines()[2:] if line]
    shell.communicate()


def test_the_log_is_changed_while_it_runs(admin: str, daemon: Daemon) -> None:
    assert run(admin, "daemon-log-outputs").strip() == "Logging outputs: 3:stderr"
    run(admin, "daemon-log-outputs", f"1:file:{daemon.root}/other.log")
    run(admin, "daemon-log-filters", "1:virtd.server")
    assert "1:*virtd.server*" in run(admin, "daemon-log-filters")
    daemon.virsh("uri")
    assert "is gone: closed by the client" in (daemon.root / "other.log").read_text()
    assert "Malformed format for filter 'x'" in run(admin, "daemon-log-filters", "x")


def test_versions(admin: str, daemon: Daemon) -> None:
    assert "Running against daemon: 9.0.0" in run(admin, "version")
    assert "Using library: libvirt 9.0.0" in daemon.virsh("version")


def test_the_host(daemon: Daemon) -> None:
    for command in ("nodeinfo", "nodecpumap", "nodecpustats", "nodememstats", "freecell", "node-memory-tune"):
        assert daemon.virsh(command)


def test_a_uri_that_nobody_serves(daemon: Daemon) -> None:
    uri = daemon.uri.replace("qemu+unix:///system", "foo+unix:///bar")
    done = subprocess.run(["virsh", "-c", uri, "uri"], capture_output=True, text=True, timeout=30)
    assert "no connection driver available for foo:///bar" in done.stderr


def test_a_read_only_connection(daemon: Daemon) -> None:
    (daemon.root / "guest.xml").write_text(guest_xml("guest"))

    def readonly(*command: str) -> subprocess.CompletedProcess[str]:
        virsh = ["virsh", "-r", "-c", f"{daemon.uri}-ro", *command]
        return subprocess.run(virsh, capture_output=True, text=True, timeout=30)

    refused = readonly("define", f"{daemon.root}/guest.xml")
    assert "operation forbidden: read only access prevents virDomainDefineXML" in refused.stderr
    assert readonly("list", "--all").returncode == 0
