# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a client's XML to a definition that can be stored or run."""

from __future__ import annotations

from conf.domain import Domain, parse_domain
from drivers.common import schema
from drivers.lxc.defaults import complete
from drivers.lxc.validate import validate_definition


async def definition(xml: str, *, validate: bool = False) -> Domain:
    """Parse, complete and check.

    Raises:
        ConfError, VirtError: what is wrong with it.
    """
    if validate:
        await schema.validate(xml, "domain.rng")
    domain = parse_domain(xml)
    settle(domain)
    return domain


def settle(domain: Domain) -> None:
    """Decide what a definition leaves open, and check it.

    Raises:
        ConfError, VirtError: what is wrong with it.
    """
    complete(domain)
    validate_definition(domain)
