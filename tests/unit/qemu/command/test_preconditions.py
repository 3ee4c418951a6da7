# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a start is refused for before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from conf.domain import Domain, parse_domain
from drivers.qemu.command import preconditions
from drivers.qemu.command.preconditions import (
    check_helpers,
    check_start,
    check_transient,
    check_vfio,
    scsi_generic_paths,
)
from tests.unit.qemu.command.conftest import domain_xml
from virtd.errors import Code, From, VirtError


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with one NUMA node, no graphics card, no VFIO and a time stamp counter of 1 GHz."""
    online = tmp_path / "online"
    online.write_text("0\n")
    monkeypatch.setattr(preconditions, "_NODES_ONLINE", online)
    monkeypatch.setattr(preconditions, "_RENDER_NODES", tmp_path / "dri")
    monkeypatch.setattr(preconditions, "_SCSI_DEVICES", tmp_path / "scsi")
    monkeypatch.setattr(preconditions, "_VHOST_SCSI", str(tmp_path / "none"))
    monkeypatch.setattr(preconditions, "_VFIO", str(tmp_path / "none"))
    monkeypatch.setattr(preconditions, "tsc_frequency", lambda: (1_000_000_000, False))
    return tmp_path


def domain(inside: str = "", devices: str = "") -> Domain:
    return parse_domain(domain_xml(inside, devices), inactive=False)


DISK = "<disk type='{}' device='disk'><driver name='qemu' type='raw'/>{}<target dev='vda' bus='virtio'/></disk>"
LUKS = "<source file='/d'><encryption format='luks'><secret type='passphrase' usage='u'/></encryption></source>"
HOSTDEV = "<hostdev mode='subsystem' type='{}'>{}</hostdev>"

REFUSED = {
    "a node that is not there": (
        "<numatune><memory mode='strict' nodeset='0,3'/></numatune>",
        "",
        Code.CONFIG_UNSUPPORTED,
        "NUMA node 3 is unavailable",
    ),
    "advice": (
        "<vcpu placement='auto'>1</vcpu><numatune><memory mode='strict' placement='auto'/></numatune>",
        "",
        Code.INTERNAL_ERROR,
        "Advice from numad is needed",
    ),
    "another clock": (
        "<clock offset='utc'><timer name='tsc' frequency='1000300000'/></clock>",
        "",
        Code.CONFIG_UNSUPPORTED,
        r"outside tolerance range \(\[999750000, 1000250000\] Hz\)",
    ),
    "a volume": (
        "",
        DISK.format("volume", "<source pool='p' volume='v'/>"),
        Code.NO_STORAGE_POOL,
        "no storage pool with matching name 'p'",
    ),
    "a secret": ("", DISK.format("file", LUKS), Code.NO_SECRET, "no secret with matching usage 'u'"),
    "a network": (
        "",
        "<graphics type='vnc'><listen type='network' network='n'/></graphics>",
        Code.NO_NETWORK,
        "no network with matching name 'n'",
    ),
    "a graphics card": ("", "<graphics type='egl-headless'/>", Code.SYSTEM_ERROR, "cannot open directory"),
    "somebody who draws": (
        "",
        "<video><driver name='vhostuser'/><model type='virtio'/></video>",
        Code.OPERATION_FAILED,
        "Unable to find a satisfying vhost-user-gpu",
    ),
    "a SCSI host": (
        "",
        HOSTDEV.format("scsi_host", "<source protocol='vhost' wwpn='naa.5123456789abcde0'/>"),
        Code.CONFIG_UNSUPPORTED,
        "vhost-scsi device file",
    ),
    "passing through": (
        "",
        HOSTDEV.format("pci", "<source><address domain='0' bus='1' slot='0' function='0'/></source>"),
        Code.INTERNAL_ERROR,
        "invalid PCI passthrough type 'default'",
    ),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_refused_for_want_of(case: str) -> None:
    inside, devices, code, words = REFUSED[case]
    with pytest.raises(VirtError, match=words) as raised:
        check_start(domain(inside, devices))
    assert raised.value.code == code


def test_an_ordinary_guest_may_start() -> None:
    check_start(
        domain("<numatune><memory mode='strict' nodeset='0'/></numatune>", DISK.format("file", "<source file='/d'/>"))
    )


def test_the_first_render_node_is_taken(host: Path) -> None:
    (host / "dri").mkdir()
    for name in ("card0", "renderD129", "renderD128"):
        (host / "dri" / name).touch()
    guest = domain("", "<graphics type='spice'><gl enable='yes'/></graphics>")
    check_start(guest)
    gl = guest.devices.graphics[0].gl
    assert gl is not None
    assert gl.rendernode == str(host / "dri/renderD128")


def test_what_guests_share_is_not_cached_unless_told() -> None:
    shared = DISK.format("file", "<source file='/d'/>").replace("</disk>", "<shareable/></disk>")
    guest = domain("", shared)
    check_start(guest)
    told = domain("", shared.replace("type='raw'/>", "type='raw' cache='writeback'/>"))
    check_start(told)
    caches = [d.driver.cache for g in (guest, told) for d in g.devices.disks if d.driver]
    assert caches == ["none", "writeback"]


def test_the_character_device_of_a_scsi_unit(host: Path) -> None:
    source = (
        "<source><adapter name='scsi_host2'/><address bus='0' target='3' unit='4'/></source><alias name='hostdev0'/>"
    )
    guest = domain("", HOSTDEV.format("scsi", source))
    with pytest.raises(VirtError, match="scsi/2:0:3:4/scsi_generic': No such file or directory") as raised:
        scsi_generic_paths(guest)
    assert (raised.value.code, raised.value.source) == (Code.SYSTEM_ERROR, From.NONE)
    (host / "scsi/2:0:3:4/scsi_generic/sg7").mkdir(parents=True)
    assert scsi_generic_paths(guest) == {"hostdev0": "/dev/sg7"}


@pytest.mark.parametrize(
    ("devices", "helper"),
    [
        ("<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>", "swtpm"),
        (
            "<filesystem type='mount'><driver type='virtiofs'/><source dir='/x'/><target dir='t'/></filesystem>",
            "virtiofsd",
        ),
        ("<graphics type='dbus'/>", "dbus-daemon"),
    ],
)
def test_programs_beside_qemu_that_nobody_runs(devices: str, helper: str) -> None:
    with pytest.raises(VirtError, match=f"{helper} cannot be started") as raised:
        check_helpers(domain("", devices))
    assert raised.value.code == Code.OPERATION_UNSUPPORTED


def test_programs_beside_qemu_that_others_run() -> None:
    check_helpers(domain("", "<graphics type='dbus' p2p='yes'/>"))
    check_helpers(
        domain(
            "",
            "<filesystem type='mount'><driver type='virtiofs'/><source socket='/s'/><target dir='t'/></filesystem>"
            "<tpm model='tpm-crb'><backend type='external'><source type='unix' path='/t'/></backend></tpm>",
        )
    )


@pytest.mark.parametrize(
    ("device", "words"),
    [
        (
            HOSTDEV.format(
                "pci", "<driver name='vfio'/><source><address domain='0' bus='1' slot='0' function='0'/></source>"
            ),
            "PCI passthrough",
        ),
        (
            (
                "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>"
                "<address uuid='53764d0e-85a0-42b4-af5c-2046b460b1dc'/></source></hostdev>"
            ),
            "Mediated",
        ),
    ],
)
def test_without_vfio(monkeypatch: pytest.MonkeyPatch, device: str, words: str) -> None:
    guest = domain("", device)
    check_start(guest)
    monkeypatch.setattr("drivers.qemu.command.preconditions._VFIO", "/nonexistent")
    with pytest.raises(VirtError, match=words) as raised:
        check_vfio(guest)
    assert raised.value.code == Code.CONFIG_UNSUPPORTED


def test_disks_whose_changes_are_thrown_away() -> None:
    disk = "<disk type='file' device='disk'><source file='/i'/><target dev='vda' bus='virtio'/>{0}</disk>"
    guest = domain("", disk.format("<transient/>"))
    check_start(guest)
    with pytest.raises(VirtError, match="transient disk 'vda' is not supported"):
        check_transient(guest)
    check_transient(domain("", disk.format("")))


def test_a_volume_that_may_be_missing() -> None:
    volume = "<source pool='p' volume='v' startupPolicy='optional'/>"
    guest = domain(
        "",
        f"<disk type='volume' device='disk'>{volume}<target dev='vda' bus='virtio'/></disk>"
        f"<disk type='volume' device='cdrom'>{volume}<target dev='sda' bus='scsi'/></disk>",
    )
    check_start(guest)
    assert [(disk.target.dev, disk.source) for disk in guest.devices.disks] == [("sda", None)]
