# SPDX-License-Identifier: LGPL-2.1-or-later
"""Status files: what a new daemon needs to take a running container over from the one before.

    <domstatus state='running' reason='1'>
      <run controller_pid='4711' controller_started='123456' init_pid='4712' … autodestroy='no'>
        <veths>vnet0</veths> …
      </run>
      <domain type='lxc' id='3'> … </domain>
    </domstatus>

A file without a controller belongs to a start that had not come as far as to a process.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lxml import etree

from conf.domain import Domain, parse_domain
from drivers.lxc.runstate import RunState, kept_fields
from virtd.enums import DomainState
from virtd.store import files

if TYPE_CHECKING:
    from drivers.lxc.guest import Guest

#: `virDomainState` by its name in files.
STATES = {
    "nostate": DomainState.NOSTATE,
    "running": DomainState.RUNNING,
    "paused": DomainState.PAUSED,
    "in shutdown": DomainState.SHUTDOWN,
    "shut off": DomainState.SHUTOFF,
    "crashed": DomainState.CRASHED,
}
STATE_NAMES = {number: name for name, number in STATES.items()}


@dataclass(slots=True)
class Status:
    """What a status file says."""

    domain: Domain
    run: RunState
    state: int
    reason: int


def save(guest: Guest) -> None:
    """Write the guest's status file.  It need not survive a crash of the host: neither does the guest.

    Replaced at once on the loop: /run lies in memory, and a thread would cost more than the write.
    """
    paths = guest.context.paths
    data = paths.definitions.with_notice(guest.name, render(guest))
    files.write_atomic(paths.status(guest.name), data, durable=False)


def render(guest: Guest) -> str:
    """The status document."""
    assert guest.run is not None
    root = etree.Element("domstatus", state=STATE_NAMES[guest.state], reason=str(guest.reason))
    run = etree.SubElement(root, "run")
    for name in kept_fields():
        _write(run, name, getattr(guest.run, name))
    etree.indent(root)
    head = etree.tostring(root, encoding="unicode")
    return head.removesuffix("</domstatus>") + guest.status_xml() + "</domstatus>\n"


def _write(run: etree._Element, name: str, value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            etree.SubElement(run, name).text = item
    else:
        run.set(name, ("yes" if value else "no") if isinstance(value, bool) else str(value))


def load(path: Path) -> Status:
    """Read a status file.

    Raises:
        ValueError, KeyError, ConfError, OSError, lxml's errors: the file is of no use.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True)
    root = etree.fromstring(files.read_regular(path), parser)
    domain, run = root.find("domain"), root.find("run")
    if root.tag != "domstatus" or domain is None or run is None:
        raise ValueError("not a status file")
    return Status(
        domain=parse_domain(etree.tostring(domain), inactive=False, status=True),
        run=RunState(**{name: _read(run, name, example) for name, example in kept_fields().items()}),
        state=STATES[root.get("state", "")],
        reason=int(root.get("reason", "")),
    )


def _read(run: etree._Element, name: str, example: Any) -> Any:
    if isinstance(example, list):
        return [element.text or "" for element in run.findall(name)]
    text = run.get(name)
    if text is None:
        return example  # a daemon from before this was kept
    return text == "yes" if isinstance(example, bool) else type(example)(text)
