# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the host and its emulators can do."""

from drivers.qemu.capabilities.cache import CapabilitiesCache
from drivers.qemu.capabilities.model import Capabilities, Summary

__all__ = ["Capabilities", "CapabilitiesCache", "Summary"]
