# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<dns>`: what a network's name server knows."""

from __future__ import annotations

from typing import Annotated

from conf.binding import Model, ParseOptions, Scalar, YesNo, attr, children, texts
from conf.binding.scalars import BadValueError, read_number
from conf.errors import XMLDetailError, XMLError
from conf.naming import NAME
from conf.netdev.ip import canonical_address


class DnsForwarder(Model):
    """`<forwarder>`: a server that is asked, for one domain or all."""

    domain: str | None = attr(empty_is_unset=True)
    addr: str | None = attr(empty_is_unset=True)

    def check(self, options: ParseOptions) -> None:
        if self.addr is None and self.domain is None:
            raise XMLError("Invalid forwarder element, must contain at least one of addr or domain")
        if self.addr is not None:
            address = canonical_address(self.addr)
            if address is None:
                raise XMLError(f"Invalid forwarder IP address '{self.addr}' in network '{NAME}'")
            self.addr = address


class DnsText(Model):
    """`<txt>`: a TXT record."""

    name: str = attr(required=(XMLDetailError, f"missing required name attribute in DNS TXT record of network {NAME}"))
    value: str = attr()

    def check(self, options: ParseOptions) -> None:
        if " " in self.name or "," in self.name:
            raise XMLDetailError(f"prohibited character in DNS TXT record name '{self.name}' of network {NAME}")
        if not options.partial and self.value is None:
            raise XMLDetailError(
                f"missing required value attribute in DNS TXT record named '{self.name}' of network {NAME}"
            )


def _number(low: int) -> Scalar:
    """A 16 bit number; what is wrong with it is said by `DnsService.check`, which knows the service."""

    def parse(text: str) -> int:
        try:
            value = read_number(text)
        except BadValueError:
            return WRONG
        return value if low <= value <= 65535 else WRONG

    return Scalar(parse, str)


WRONG = -1


class DnsService(Model):
    """`<srv>`: a SRV record."""

    service: str = attr()
    protocol: str | None = attr()
    domain: str | None = attr()
    target: str | None = attr()
    port: Annotated[int, _number(1)] | None = attr()
    priority: Annotated[int, _number(0)] | None = attr(omit=0)
    weight: Annotated[int, _number(0)] | None = attr(omit=0)

    def check(self, options: ParseOptions) -> None:
        if not options.partial and self.service is None:
            raise XMLDetailError(f"missing required service attribute in DNS SRV record of network '{NAME}'")
        if not options.partial and self.protocol is None:
            raise XMLDetailError(
                f"missing required protocol attribute in DNS SRV record '{self.service}' of network '{NAME}'"
            )
        where = f"for service '{self.service}' in network '{NAME}'"
        for name, invalid in (("port", "invalid"), ("priority", "Invalid"), ("weight", "invalid")):
            value = getattr(self, name)
            if value is not None and self.target is None:
                raise XMLDetailError(f"DNS SRV {name} attribute not permitted without target {where}")
            if value == WRONG:
                raise XMLDetailError(f"{invalid} DNS SRV {name} attribute {where}")


class DnsHost(Model):
    """`<host>`: names of an address."""

    ip: str = attr(empty_is_unset=True)
    hostnames: list[str] = texts("hostname")

    def check(self, options: ParseOptions) -> None:
        self.hostnames = [name for name in self.hostnames if name]
        if options.partial and not (self.ip or self.hostnames):
            raise XMLDetailError(f"Missing ip and hostname in network '{NAME}' DNS HOST record")
        if not options.partial and self.ip is None:
            raise XMLDetailError(f"Missing IP address in network '{NAME}' DNS HOST record")
        if self.ip is not None:
            address = canonical_address(self.ip)
            if address is None:
                raise XMLDetailError(f"Invalid IP address in network '{NAME}' DNS HOST record")
            self.ip = address
        if not self.hostnames and not options.partial:
            raise XMLDetailError(f"Missing hostname in network '{NAME}' DNS HOST record")


class Dns(Model):
    """`<dns>`."""

    enable: YesNo | None = attr()
    forward_plain_names: YesNo | None = attr("forwardPlainNames")
    forwarders: list[DnsForwarder] = children("forwarder")
    txts: list[DnsText] = children("txt")
    srvs: list[DnsService] = children("srv")
    hosts: list[DnsHost] = children("host")

    def check(self, options: ParseOptions) -> None:
        if self.enable is False and (self.forwarders or self.txts or self.srvs or self.hosts):
            raise XMLError(f"Extra data in disabled network '{NAME}'")
