# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<filterbinding>`: a guest's network device whose traffic passes a filter."""

from __future__ import annotations

from conf.binding import (
    FormatOptions,
    Model,
    ParseOptions,
    Uuid,
    attr,
    child,
    child_text,
    format_document,
    parse_document,
)
from conf.binding.reading import read
from conf.domain.devices.nwfilter import FilterReference
from conf.errors import InternalError
from conf.netdev.mac import MAC

_NO_FILTER = (InternalError, "filter binding has no filter reference")


class BindingOwner(Model):
    """`<owner>`: the guest."""

    name: str = child_text(required=(InternalError, "filter binding has no owner name"))
    uuid: Uuid = child_text(
        required=(InternalError, "filter binding has no owner UUID"), error=(InternalError, "Unable to parse UUID '%s'")
    )


class FilterBinding(Model):
    """`<filterbinding>`: `portdev` is the guest's device on the host, `linkdev` the one it stands on."""

    owner: BindingOwner = child(required=(InternalError, "filter binding has no owner name"))
    portdev: str = attr("name", at="portdev", required=(InternalError, "filter binding has no port dev name"))
    linkdev: str | None = attr("name", at="linkdev", empty_is_unset=True)
    mac: MAC = attr(
        "address",
        at="mac",
        required=(InternalError, "filter binding has no MAC address"),
        error=(InternalError, "Unable to parse MAC '%s'"),
    )
    filterref: FilterReference = child(required=_NO_FILTER)

    def check(self, options: ParseOptions) -> None:
        if self.filterref.filter is None:
            raise _NO_FILTER[0](_NO_FILTER[1])


def parse_binding(xml: str | bytes) -> FilterBinding:
    """A binding from untrusted XML.

    Raises:
        ConfError: with libvirt's code and text.
    """
    return read(FilterBinding, parse_document(xml, "filterbinding", what="nwfilterbinding_definition"), ParseOptions())


def format_binding(binding: FilterBinding) -> str:
    """A binding's XML as libvirt 9.0.0 writes it."""
    return format_document(binding, "filterbinding", FormatOptions())
