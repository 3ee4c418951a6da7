# SPDX-License-Identifier: LGPL-2.1-or-later
"""What there is to be told of the host and of the containers that it can run."""

from __future__ import annotations

from conf.capabilities import GuestArch, GuestDomain, GuestKind, Host, SecurityModel
from conf.domain.arches import WORDSIZES
from drivers.common.hostcapabilities import plain_host
from drivers.lxc.emulators import EMULATOR, OS_TYPE, architectures


def describe_host() -> Host:
    """All about the host.  Blocks."""
    return plain_host(architectures()[0], [SecurityModel(model="none", doi="0")])


def describe_guests() -> list[GuestKind]:
    """The kinds of containers."""
    return [
        GuestKind(
            os_type=OS_TYPE,
            arch=GuestArch(name=arch, wordsize=WORDSIZES[arch], emulator=EMULATOR, domains=[GuestDomain(type="lxc")]),
        )
        for arch in architectures()
    ]
