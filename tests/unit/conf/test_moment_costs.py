# SPDX-License-Identifier: LGPL-2.1-or-later
"""Long lists of disks: what they cost grows with their length, not with its square."""

from __future__ import annotations

import time

from conf.backup import align_backup, parse_backup
from conf.checkpoint import align_checkpoint, parse_checkpoint
from conf.domain import Domain, parse_domain
from conf.domain.abi import check_abi
from conf.snapshot import align_disks, parse_snapshot

MANY = 3000
#: Seconds; a cost that grows with the square of `MANY` is far above.
LIMIT = 2.5


def repeated(form: str) -> str:
    return "".join(form.format(number) for number in range(MANY))


def long_domain() -> Domain:
    disks = repeated("<disk type='file' device='disk'><source file='/i/{0}'/><target dev='vd{0}' bus='virtio'/></disk>")
    cells = repeated("<cell id='{0}' memory='1'/>")
    return parse_domain(
        "<domain type='kvm'><name>g</name><uuid>0d6f5a5e-9a55-4c35-8d3e-6a1c8f6f9a30</uuid><memory>1024</memory>"
        f"<os><type>hvm</type></os><cpu><numa>{cells}</numa></cpu><devices>{disks}</devices></domain>"
    )


def test_costs() -> None:
    domain, again = long_domain(), long_domain()
    paths, names = repeated("<disk name='/i/{}'/>"), repeated("<disk name='vd{}'/>")
    snapshot = parse_snapshot(f"<domainsnapshot><disks>{paths}</disks></domainsnapshot>")
    checkpoint = parse_checkpoint(f"<domaincheckpoint><disks>{names}</disks></domaincheckpoint>")
    backup = parse_backup(f"<domainbackup><disks>{names}</disks></domainbackup>")
    start = time.process_time()
    align_disks(snapshot, domain, "external", is_file=bool)
    align_checkpoint(checkpoint, domain)
    align_backup(backup, domain, "s")
    check_abi(domain, again)
    assert time.process_time() - start < LIMIT
    assert len(snapshot.disks) == len(checkpoint.disks) == len(backup.disks) == MANY
