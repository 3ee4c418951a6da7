# SPDX-License-Identifier: LGPL-2.1-or-later
"""Status files: what a new daemon needs to take a running guest over from the one before.

    <domstatus state='running' reason='1' pid='4711' started='123456' autodestroy='no'>
      <monitor path='…'/> <channels path='…'/> <vcpu id='0' thread='…'/> <device alias='…'/> <tap name='…'/>
      <owner path='…' uid='0' gid='0'/> <cgroup name='…'/> <cpu …/> <taint name='…'/> <deprecation>…</deprecation> <message>…</message>
      … an element of each feature …
      <domain type='kvm' id='3'> … </domain>
    </domstatus>

A file without a pid belongs to a start that had not come as far as to a process.  State and reason stand first in a field
of a fixed width: guests are paused and resumed more often than anything else is done to them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree

from conf.binding import FormatOptions, ParseOptions, format_document
from conf.binding.reading import read
from conf.domain import Domain, parse_domain
from conf.domain.cpu import CPU
from drivers.qemu.runtime import Owner, Runtime
from virtd.enums import DomainState
from virtd.store import files

if TYPE_CHECKING:
    from drivers.qemu.guest import Guest

#: `virDomainState` by its name in files.
STATES = {
    "nostate": DomainState.NOSTATE,
    "running": DomainState.RUNNING,
    "idle": DomainState.BLOCKED,
    "paused": DomainState.PAUSED,
    "in shutdown": DomainState.SHUTDOWN,
    "shut off": DomainState.SHUTOFF,
    "crashed": DomainState.CRASHED,
    "pmsuspended": DomainState.PMSUSPENDED,
}
STATE_NAMES = {number: name for name, number in STATES.items()}
#: The document up to the field of state and reason, and the field's width in characters.
_START = "<domstatus "
_STATE_WIDTH = 40


@dataclass(slots=True)
class Status:
    """What a status file says."""

    domain: Domain
    runtime: Runtime
    state: int
    reason: int
    pid: int | None
    started: int
    taints: list[str]
    deprecations: list[str]
    messages: list[str]
    #: The elements of the features.
    elements: list[etree._Element]
    #: Written by a daemon like this one, and not by libvirtd.
    ours: bool = True


def save(guest: Guest) -> None:
    """Write the guest's status file.  It need not survive a crash of the host: neither does the guest.

    Replaced at once on the loop: /run lies in memory, and a thread would cost more than the write.
    """
    paths = guest.context.paths
    data = paths.definitions.with_notice(guest.name, render(guest))
    files.write_atomic(paths.status(guest.name), data, durable=False)


def save_state(guest: Guest) -> bool:
    """Write the guest's state over that in its status file; False where there is none.

    A kill of the daemon cannot split it: it is one write, within a page.
    """
    paths = guest.context.paths
    offset = len(paths.definitions.with_notice(guest.name, _START))
    try:
        fd = os.open(paths.status(guest.name), os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return os.pwrite(fd, _state_field(guest), offset) == _STATE_WIDTH
    finally:
        os.close(fd)


def _state_field(guest: Guest) -> bytes:
    return f"state='{STATE_NAMES[guest.state]}' reason='{guest.reason}'".ljust(_STATE_WIDTH).encode()


def render(guest: Guest) -> str:
    """The status document."""
    runtime = guest.runtime
    assert runtime is not None
    root = etree.Element("domstatus")
    if runtime.process is not None:
        root.set("pid", str(runtime.process.pid))
        root.set("started", str(runtime.process.started))
    for flag in ("fake_reboot", "autodestroy"):
        root.set(flag, "yes" if getattr(runtime, flag) else "no")
    etree.SubElement(root, "directory", path=str(runtime.domain_dir))
    etree.SubElement(root, "channels", path=str(runtime.channel_dir))
    for index, thread in runtime.vcpu_threads.items():
        etree.SubElement(root, "vcpu", id=str(index), thread=str(thread))
    for tag, names in (("device", sorted(runtime.devices)), ("tap", runtime.taps), ("taint", list(guest.taints))):
        for name in names:
            etree.SubElement(root, tag, name=name)
    for owner in runtime.owners:
        etree.SubElement(root, "owner", path=owner.path, uid=str(owner.uid), gid=str(owner.gid))
    if runtime.cgroup:
        etree.SubElement(root, "cgroup", name=runtime.cgroup)
    if runtime.asked_cpu is not None:
        root.append(etree.fromstring(format_document(runtime.asked_cpu, "cpu", FormatOptions(inactive=False))))
    for tag, texts in (("deprecation", guest.deprecations), ("message", guest.messages)):
        for text in texts:
            etree.SubElement(root, tag).text = text
    for feature in guest.context.features:
        element = feature.save_status(guest)
        if element is not None:
            root.append(element)
    etree.indent(root)
    rest = etree.tostring(root, encoding="unicode").removeprefix("<domstatus").removesuffix("</domstatus>")
    return _START + _state_field(guest).decode() + rest + guest.status_xml() + "</domstatus>\n"


def read_document(path: Path) -> etree._Element:
    """A status document, whoever wrote it.

    Raises:
        OSError, lxml's errors: the file is of no use.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True)
    return etree.fromstring(files.read_regular(path), parser)


def understand(root: etree._Element) -> Status:
    """What a status document of ours says.

    Raises:
        ValueError, KeyError, ConfError: it is of no use.
    """
    domain = root.find("domain")
    if root.tag != "domstatus" or domain is None:
        raise ValueError("not a status file")
    runtime = Runtime(
        domain_dir=Path(_attribute(root, "directory", "path")),
        channel_dir=Path(_attribute(root, "channels", "path")),
        vcpu_threads={int(e.get("id", "")): int(e.get("thread", "")) for e in root.findall("vcpu")},
        devices={e.get("name", "") for e in root.findall("device")},
        taps=[e.get("name", "") for e in root.findall("tap")],
        owners=[Owner(e.get("path", ""), int(e.get("uid", "")), int(e.get("gid", ""))) for e in root.findall("owner")],
        cgroup=_optional(root, "cgroup", "name"),
        fake_reboot=root.get("fake_reboot") == "yes",
        autodestroy=root.get("autodestroy") == "yes",
    )
    cpu = root.find("cpu")
    if cpu is not None:
        runtime.asked_cpu = read(CPU, cpu, ParseOptions(inactive=False, status=True))
    pid = root.get("pid")
    return Status(
        domain=parse_domain(etree.tostring(domain), inactive=False, status=True),
        runtime=runtime,
        state=STATES[root.get("state", "")],
        reason=int(root.get("reason", "")),
        pid=int(pid) if pid else None,
        started=int(root.get("started", "0")),
        taints=[e.get("name", "") for e in root.findall("taint")],
        deprecations=[e.text or "" for e in root.findall("deprecation")],
        messages=[e.text or "" for e in root.findall("message")],
        elements=list(root),
    )


def _optional(root: etree._Element, tag: str, name: str) -> str | None:
    element = root.find(tag)
    return element.get(name) if element is not None else None


def _attribute(root: etree._Element, tag: str, name: str) -> str:
    value = _optional(root, tag, name)
    if not value:
        raise ValueError(f"<{tag}> is missing")
    return value
