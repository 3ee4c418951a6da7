# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a domain to QEMU's command line, and to the properties of single devices for hotplug."""

from drivers.qemu.command.build import build
from drivers.qemu.command.context import Build, Context, OpenInterface
from drivers.qemu.command.line import CommandLine, Props

__all__ = ["Build", "CommandLine", "Context", "OpenInterface", "Props", "build"]
