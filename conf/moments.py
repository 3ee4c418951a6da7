# SPDX-License-Identifier: LGPL-2.1-or-later
"""What snapshots and checkpoints have in common: both describe a moment of a guest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from lxml.etree import _Element

from conf.binding import Model, child_text, number
from conf.domain import Domain
from conf.errors import InternalError, InvalidArgError, NoNameError, XMLError, of_domain

CreationTime = Annotated[int, number(-(2**63), 2**63 - 1)]
_DOMAINS = ("domain", "inactiveDomain")
#: Members of a moment as libvirt reads them.
_ORDER = ("name", "description", "creationTime", "parent", "state", *_DOMAINS, "memory", "disks")


class MomentParent(Model):
    """`<parent>`: the moment that this one follows."""

    name: str | None = child_text()


def creation_time(what: str) -> Any:
    """The field for the seconds since 1970 at which a moment was taken."""
    return child_text("creationTime", omit=0, error=(InternalError, _no_time(what)))


def _no_time(what: str) -> str:
    return f"missing creationTime from existing {what}"


def require_name_and_time(moment: Any, what: str) -> None:
    """What only a moment that exists already has to say of itself.

    Raises:
        XMLError, InternalError: its name or its time is missing.
    """
    if not moment.name:
        raise XMLError(f"a redefined {what} must have a name")
    if moment.creation_time is None:
        raise InternalError(_no_time(what))


def prepare_moment(root: _Element, *, redefine: bool) -> None:
    """Drop what does not count: a new moment's history, and a domain that says no more than its UUID.

    Raises:
        NoNameError: a domain without a name.
    """
    for disk in root.iterfind("disks/*"):
        if isinstance(disk.tag, str):
            disk.tag = "disk"  # whatever stands in <disks> is one
    domain = root.find("domain")
    if not redefine:
        drop(root, "creationTime", "parent", *_DOMAINS)
    elif domain is not None and not domain.get("type"):
        drop(root, "domain")
    # The members' order is free; libvirt's decides which of two complaints a client hears.
    root[:] = sorted(root, key=lambda child: _ORDER.index(child.tag) if child.tag in _ORDER else len(_ORDER))
    for tag in _DOMAINS:
        found = root.find(tag)
        if found is not None and not found.findtext("name"):
            raise of_domain(NoNameError(""))


def drop(root: _Element, *tags: str) -> None:
    """Remove children by their names."""
    for tag in tags:
        for child in root.findall(tag):
            root.remove(child)


def check_lineage(name: str, parent: str | None, parents: Mapping[str, str | None]) -> None:
    """Whether a moment may be put under this parent.

    Args:
        parents: the moments that exist by name, and the parent of each.

    Raises:
        InvalidArgError: there is no such parent, or it descends from this very moment.
    """
    if parent is None:
        return
    if parent == name:
        raise of_domain(InvalidArgError(f"cannot set moment {name} as its own parent"))
    if parent not in parents:
        raise of_domain(InvalidArgError(f"parent {parent} for moment {name} not found"))
    above: str | None = parent
    for _ in parents:
        above = parents.get(above) if above is not None else None
        if above == name:
            raise of_domain(InvalidArgError(f"parent {parent} would create cycle to {name}"))


def check_owner(domain: Domain | None, uuid: str, what: str, name: str) -> None:
    """Whether a moment is one of this guest.

    Raises:
        InvalidArgError: its domain has another UUID.
    """
    if domain is not None and domain.uuid != uuid:
        raise InvalidArgError(f"definition for {what} {name} must use uuid {uuid}")
