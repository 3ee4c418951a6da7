# SPDX-License-Identifier: LGPL-2.1-or-later
"""The format of backups and how their disks are completed."""

from __future__ import annotations

import pytest

from conf.backup import Backup, align_backup, format_backup, parse_backup
from conf.domain import parse_domain
from conf.errors import ConfError

DOMAIN = parse_domain(
    "<domain type='kvm'><name>g</name><memory unit='KiB'>1024</memory>"
    "<os><type arch='x86_64'>hvm</type></os><devices>"
    "<disk type='file' device='disk'><source file='/a.img'/><target dev='vda' bus='virtio'/></disk>"
    "<disk type='file' device='cdrom'><target dev='sdb' bus='sata'/></disk>"
    "<disk type='file' device='disk'><source file='/c'/><target dev='vdc' bus='virtio'/><readonly/></disk>"
    "<disk type='file' device='disk'><source file='/d'/><target dev='vdd' bus='virtio'/></disk>"
    "</devices></domain>"
)
TARGET = "<target file='/t'/>"


def squeezed(text: str) -> str:
    return "".join(line.strip() for line in text.splitlines())


def aligned(inside: str, mode: str = "push") -> Backup:
    backup = parse_backup(f"<domainbackup mode='{mode}'>{inside}</domainbackup>")
    align_backup(backup, DOMAIN, "S")
    return backup


def disks(backup: Backup) -> str:
    return squeezed(format_backup(backup)).partition("<disks>")[2].partition("</disks>")[0]


def test_the_daemons_record_comes_back_and_clients_see_less() -> None:
    private = (
        "<privateData><nodenames><nodename type='storage' name='n-s'/><nodename type='format' name='n-f'/></nodenames>"
        "</privateData>"
    )
    objects = "<privateData><objects><secret type='tlskey' alias='a'/><TLSx509 alias='b'/></objects></privateData>"
    text = (
        "<domainbackup mode='pull'><incremental>c</incremental>"
        "<server transport='tcp' tls='yes' name='h' port='7'/><disks>"
        "<disk name='vda' backup='yes' state='running' type='file' backupmode='full' exportname='e'"
        " exportbitmap='b' index='4'><driver type='qcow2'/>"
        f"<scratch file='/s'>{private}</scratch></disk><disk name='vdb' backup='no'/></disks>{objects}</domainbackup>"
    )
    backup = parse_backup(text, internal=True)
    assert squeezed(format_backup(backup, internal=True)) == text
    public = text.replace(f">{private}</scratch>", "/>").replace(objects, "").replace(" state='running'", "")
    assert squeezed(format_backup(backup)) == public
    assert squeezed(format_backup(parse_backup(text))) == public.replace(" index='4'", "")


def test_without_a_list_all_that_can_change_are_copied() -> None:
    idle = "<disk name='{}' backup='no'/>"
    assert disks(aligned("")) == (
        "<disk name='vda' backup='yes' type='file' backupmode='full'><target file='/a.img.S'/></disk>"
        f"{idle.format('vdc')}<disk name='vdd' backup='yes' type='file' backupmode='full'><target file='/d.S'/></disk>"
        f"{idle.format('sdb')}"
    )
    assert "<scratch file='/a.img.S'/>" in disks(aligned("", "pull"))


def test_with_a_list_the_others_are_not_copied() -> None:
    inside = f"<incremental>c</incremental><disks><disk name='vdd' type='file'>{TARGET}</disk></disks>"
    entry = "<disk name='vdd' backup='yes' type='file' backupmode='incremental' incremental='c'>"
    assert disks(aligned(inside)) == (
        f"{entry}{TARGET}</disk><disk name='vda' backup='no'/>"
        "<disk name='vdc' backup='no'/><disk name='sdb' backup='no'/>"
    )


@pytest.mark.parametrize(
    ("attributes", "mode", "since"),
    [
        ("", "incremental", "all"),
        ("backupmode='full'", "full", None),
        ("backupmode='incremental'", "incremental", "all"),
        ("incremental='own'", "incremental", "own"),
    ],
)
def test_what_is_copied_of_a_disk(attributes: str, mode: str, since: str | None) -> None:
    entry = f"<disk name='vda' {attributes}>{TARGET}</disk>"
    backup = aligned(f"<incremental>all</incremental><disks>{entry}</disks>")
    assert (backup.disks[0].backup_mode, backup.disks[0].incremental) == (mode, since)


def test_of_a_disk_that_is_not_copied_nothing_else_counts() -> None:
    entry = "<disk name='vda' backup='no' type='dir' backupmode='x'><driver type='x'/></disk>"
    assert disks(parse_backup(f"<domainbackup><disks>{entry}</disks></domainbackup>")) == (
        "<disk name='vda' backup='no'/>"
    )


@pytest.mark.parametrize(
    ("inside", "complaint"),
    [
        ("<disks><disk/></disks>", "1: missing name from disk backup element"),
        ("<disks><disk name='vdx'/></disks>", "67: no disk named 'vdx'"),
        ("<disks><disk name='/a.img'/></disks>", "67: no disk named '/a.img'"),
        ("<disks><disk name='vda'/><disk name='vda'/></disks>", "67: disk 'vda' specified twice"),
        ("<disks><disk name='sdb'/></disks>", "67: disk 'sdb' has no media"),
        ("<disks><disk name='vda' type='dir'/></disks>", "27: unsupported disk backup type 'dir'"),
        (
            "<disks><disk name='vda' backupmode='incremental'/></disks>",
            "67: 'incremental' backup mode of disk 'vda' requires setting 'incremental' field for disk or backup",
        ),
        ("<server transport='unix' socket='x'/>", "27: backup socket path 'x' must be absolute"),
        ("<server transport='unix'/>", "27: missing socket for unix transport"),
        ("<server transport='rdma' name='h'/>", "67: transport rdma is not supported for <server>"),
        ("<server/>", "27: missing name for host"),
        ("<server name='h' socket='/s'/>", "27: transport 'tcp' does not support socket attribute"),
        ("<server name='h' port='70000'/>", "8: port '70000' out of range"),
    ],
)
def test_complaints(inside: str, complaint: str) -> None:
    with pytest.raises(ConfError) as caught:
        aligned(inside, "pull")
    assert f"{caught.value.code}: {caught.value}" == complaint


def test_complaints_about_the_whole() -> None:
    with pytest.raises(ConfError, match="unknown backup mode 'x'"):
        aligned("", "x")
    with pytest.raises(ConfError, match="use of <server> requires pull mode backup"):
        aligned("<server name='h' port='1'/>")
    bare = DOMAIN.model_copy(update={"devices": DOMAIN.devices.model_copy(update={"disks": []})})
    with pytest.raises(ConfError, match="domain must have at least one disk to perform backup"):
        align_backup(parse_backup("<domainbackup/>"), bare, "S")
