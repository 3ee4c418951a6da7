# SPDX-License-Identifier: LGPL-2.1-or-later
"""MAC addresses for interfaces that name none."""

from __future__ import annotations

import os

#: The first half: QEMU's and KVM's, which libvirt gives to guests of other hypervisors too.
MAC_PREFIX = "52:54:00"


def generate_mac() -> str:
    """A random address in that range."""
    return f"{MAC_PREFIX}:{os.urandom(3).hex(':')}"
