# SPDX-License-Identifier: LGPL-2.1-or-later
"""The XML format of backups.

libvirt holds these documents against the schema (domainbackup.rng) always, and not only when a client
asks for it: that is for the driver to do, before it has them parsed.
"""

from __future__ import annotations

from conf.backup.align import align_backup
from conf.backup.backup import Backup, BackupServer
from conf.backup.disk import BackupDisk
from conf.binding import FormatOptions, ParseOptions, format_document, parse_document
from conf.binding.reading import read

__all__ = ["Backup", "BackupDisk", "BackupServer", "align_backup", "format_backup", "parse_backup"]


def parse_backup(xml: str | bytes, *, internal: bool = False) -> Backup:
    """A backup from untrusted XML; its disks are as written, see `align_backup`.

    Args:
        internal: it is the daemon's own record of a job that runs.

    Raises:
        ConfError: with libvirt's code and text.
    """
    root = parse_document(xml, "domainbackup", what="domain_backup")
    return read(Backup, root, ParseOptions(inactive=False, status=internal))


def format_backup(backup: Backup, *, internal: bool = False) -> str:
    """A backup's XML as libvirt 9.0.0 writes it; `internal`: the daemon's own record."""
    return format_document(backup, "domainbackup", FormatOptions(inactive=False, status=internal))
