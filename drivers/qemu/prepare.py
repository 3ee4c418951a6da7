# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a client's XML to a definition that can be stored or run."""

from __future__ import annotations

from conf.domain import Domain, parse_domain
from drivers.qemu.context import QemuContext
from drivers.qemu.defaults import prepare_definition


async def definition(context: QemuContext, xml: str, *, validate: bool = False) -> Domain:
    """Parse, complete with the defaults of the emulator it names, and check.

    Raises:
        ConfError, VirtError: what is wrong with it.
    """
    domain = parse_domain(xml)
    capabilities = await context.capabilities.for_domain(domain)
    prepare_definition(domain, capabilities)
    return domain
