# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<filter>`: rules and references to other filters, in an order that counts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated
from uuid import uuid4

from lxml import etree

from conf.binding import FormatOptions, Model, ParseOptions, Scalar, Uuid, attr, child_text, format_document
from conf.binding.reading import read
from conf.binding.scalars import BadValueError, read_number
from conf.domain.devices.nwfilter import FilterReference
from conf.errors import InternalError, InvalidArgError, XMLError
from conf.nwfilter.rule import LIMIT, Rule, format_rule, read_rule

#: What a chain's name begins with → the priority it has if none is said.
CHAINS = {"mac": -800, "vlan": -750, "stp": 0, "arp": -500, "rarp": -400, "ipv4": -700, "ipv6": -600}
LONGEST_CHAIN = 12


def _read_priority(text: str) -> int:
    try:
        return read_number(text)
    except BadValueError:
        raise InvalidArgError(f"Could not parse chain priority '{text}'") from None


class FilterHead(Model):
    """A filter's name and place."""

    name: str = attr(required=(InternalError, "filter has no name"), empty_is_unset=True)
    chain: str = attr(default="root", empty_is_unset=True)
    priority: Annotated[int, Scalar(_read_priority, str)] | None = attr(omit=0)
    uuid: Uuid = child_text(error=(XMLError, "malformed uuid element"))

    def check(self, options: ParseOptions) -> None:
        self.uuid = self.uuid or str(uuid4())
        self._check_chain()
        if self.priority is None:
            self.priority = next((CHAINS[name] for name in CHAINS if self.chain.startswith(name)), 0)
        elif not -LIMIT <= self.priority <= LIMIT:
            raise InvalidArgError(f"Priority '{self.priority}' is outside valid range of [-{LIMIT},{LIMIT}]")

    def _check_chain(self) -> None:
        if len(self.chain) > LONGEST_CHAIN:
            raise InvalidArgError(f"Name of chain is longer than {LONGEST_CHAIN} characters")
        if not re.fullmatch(r"[A-Za-z0-9_.:-]+", self.chain):
            raise InvalidArgError("Chain name contains invalid characters")
        if self.chain != "root" and not self.chain.startswith(tuple(CHAINS)):
            raise InvalidArgError(
                f"Invalid chain name '{self.chain}'. Please use a chain name called 'root' or any of the following"
                f" prefixes: {', '.join(CHAINS)}"
            )


@dataclass
class Filter:
    """`<filter>`."""

    head: FilterHead
    entries: list[Rule | FilterReference] = field(default_factory=list)


def read_filter(element: etree._Element, options: ParseOptions) -> Filter:
    """A filter.

    Raises:
        ConfError: a wrong value.
    """
    found = Filter(read(FilterHead, element, options))
    for sub in element:
        if sub.tag == "rule":
            found.entries.append(read_rule(sub, options))
        elif sub.tag == "filterref":
            reference = read(FilterReference, sub, options)
            if reference.filter is None:
                raise InternalError("rule node requires action attribute")
            found.entries.append(reference)
    return found


def format_filter(filter_: Filter, options: FormatOptions) -> str:
    """A filter's lines."""
    end = "</filter>\n"
    text = format_document(filter_.head, "filter", options).removesuffix(end)
    for entry in filter_.entries:
        if isinstance(entry, Rule):
            text += format_rule(entry, options, indent=2)
        else:
            text += format_document(entry, "filterref", options, indent=2)
    return text + end
