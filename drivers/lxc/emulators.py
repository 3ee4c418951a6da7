# SPDX-License-Identifier: LGPL-2.1-or-later
"""What containers there can be on this host: those of its processor's architecture, and of its 32-bit half."""

from __future__ import annotations

import platform
from typing import Final

from conf.domain import Domain
from virtd.errors import Code, From, VirtError

#: The program by which stock's driver runs containers.  Definitions carry its name; it is not needed.
EMULATOR = "/usr/lib/libvirt/libvirt_lxc"

#: The kind of guest there is.
OS_TYPE: Final = "exe"

#: 64-bit architecture → that of the programs which its kernel also runs.
_SMALLER = {"x86_64": "i686", "ppc64": "ppc", "s390x": "s390", "mips64": "mips", "sparc64": "sparc"}


def architectures() -> list[str]:
    """Those of which there can be containers, the host's own first."""
    own = platform.machine()
    return [own, _SMALLER[own]] if own in _SMALLER else [own]


def choose_architecture(domain: Domain) -> None:
    """Fill in the host's architecture where none is named.

    Raises:
        VirtError: INVALID_ARG: there are no such containers.
    """
    assert domain.os.type is not None
    known = architectures()
    arch = domain.os.type.arch = domain.os.type.arch or known[0]
    if domain.type != "lxc" or domain.os.type.type != OS_TYPE or arch not in known:
        # libvirt leaves the usual kind of guests out of the complaint
        kind = f"ostype={domain.os.type.type} " if domain.os.type.type != "hvm" else ""
        text = f"could not find capabilities for {kind}arch={arch} domaintype={domain.type} "
        raise VirtError(Code.INVALID_ARG, text, source=From.CAPABILITIES)
