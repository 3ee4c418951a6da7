# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<rule>`: what is done with packets, and the one protocol element that says with which."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from lxml import etree

from conf.binding import FormatOptions, Model, ParseOptions, Scalar, attr, format_document
from conf.binding.reading import read
from conf.binding.scalars import BadValueError, read_number
from conf.binding.writing import escape
from conf.errors import ConfigUnsupportedError, InternalError
from conf.nwfilter.protocols import PLAIN_IPSET, PORTS_BY_PROTOCOL, PROTOCOLS, WITH_PORTS
from conf.nwfilter.values import read_value

#: Priorities are between -LIMIT and LIMIT.
LIMIT = 1000
DEFAULT_PRIORITY = 500


def _read_priority(text: str) -> int:
    """A priority that makes no sense is as if it were not there."""
    try:
        value = read_number(text)
    except BadValueError:
        return DEFAULT_PRIORITY
    return value if -LIMIT <= value <= LIMIT else DEFAULT_PRIORITY


class RuleHead(Model):
    """The attributes of `<rule>`."""

    action: Literal["drop", "accept", "reject", "return", "continue"] = attr(
        required=(InternalError, "rule node requires action attribute"),
        error=(ConfigUnsupportedError, "unknown rule action attribute value"),
    )
    direction: Literal["in", "out", "inout"] = attr(
        required=(InternalError, "rule node requires direction attribute"),
        error=(ConfigUnsupportedError, "unknown rule direction attribute value"),
    )
    priority: Annotated[int, Scalar(_read_priority, str)] = attr(default=DEFAULT_PRIORITY)
    statematch: Annotated[bool, Scalar(lambda text: text.lower() not in ("0", "false"), lambda _value: "false")] = attr(
        default=True, omit=True
    )


@dataclass
class Match:
    """A protocol's element; attributes are kept as they are written."""

    protocol: str
    attributes: dict[str, str] = field(default_factory=dict)
    inverted: bool = False

    def take(self, element: etree._Element) -> None:
        """Read the attributes that the protocol has.

        Raises:
            InternalError: values that cannot be; the last of them is named.
        """
        wrong: InternalError | None = None
        self.inverted = element.get("match") == "no"
        for name, kind in PROTOCOLS[self.protocol].items():
            text = element.get(name)
            if text is None or (not text and name != "comment"):
                continue
            try:
                self.attributes[name] = read_value(kind, text)
            except BadValueError:
                wrong = InternalError(f"{name} has illegal value {text}")
        if wrong is not None:
            raise wrong

    def settle(self) -> None:
        """Complete and refuse as libvirt does.

        Raises:
            InternalError: ports of a protocol that has none.
        """
        called = PORTS_BY_PROTOCOL.get(self.protocol)
        has_ports = any("port" in name for name in self.attributes)
        if called and has_ports and self.attributes.get("protocol") not in WITH_PORTS:
            raise InternalError(
                f"{called} rule with port specification requires protocol specification with protocol to be"
                " either one of tcp(6), udp(17), dccp(33), or sctp(132)"
            )
        if self.protocol in PLAIN_IPSET or "ipset" not in self.attributes:
            return
        # libvirt keeps a set only if it completes the flags itself.
        if self.attributes.pop("ipsetflags", None) is None:
            self.attributes["ipsetflags"] = "src"
        else:
            del self.attributes["ipset"]

    def line(self) -> str:
        """The element."""
        names = [name for name in PROTOCOLS[self.protocol] if name in self.attributes]
        inverted = " match='no'" if self.inverted and names else ""
        shown = "".join(f" {name}='{escape(self.attributes[name])}'" for name in names)
        return f"<{self.protocol}{inverted}{shown}/>"


@dataclass
class Rule:
    """`<rule>`; without a match it is about every packet."""

    head: RuleHead
    match: Match | None = None


def read_rule(element: etree._Element, options: ParseOptions) -> Rule:
    """A rule; of several protocol elements the first one's protocol counts.

    Raises:
        ConfError: a wrong value.
    """
    rule = Rule(read(RuleHead, element, options))
    for sub in element:
        name = str(sub.tag)
        if name in PROTOCOLS and (rule.match is None or rule.match.protocol == name):
            rule.match = rule.match or Match(name)
            rule.match.take(sub)
    if rule.match is not None:
        rule.match.settle()
    return rule


def format_rule(rule: Rule, options: FormatOptions, *, indent: int) -> str:
    """A rule's lines."""
    head = format_document(rule.head, "rule", options, indent=indent)
    if rule.match is None:
        return head
    pad = " " * indent
    return head.replace("/>\n", f">\n{pad}  {rule.match.line()}\n{pad}</rule>\n")
