# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<domstatus>` as libvirt 9.0.0 writes it for a running QEMU guest."""

from __future__ import annotations

from typing import Literal

from conf.binding import (
    FormatOptions,
    Int,
    Model,
    ParseOptions,
    Ulong,
    YesNo,
    attr,
    child,
    child_text,
    children,
    flag,
    format_document,
    texts,
)
from conf.binding.reading import read
from conf.domain import Domain
from conf.domain.cpu import CPU
from drivers.qemu.adopt.blockjobs import JobElements
from drivers.qemu.adopt.verbatim import Element, verbatim


class Taint(Model):
    """`<taint>`: what somebody did to the guest that nobody answers for."""

    flag: str = attr(required=True)


class MonitorSocket(Model):
    """`<monitor>`: QEMU's QMP socket."""

    path: str = attr(required=True)
    type: Literal["unix", "pty"] = attr(default="unix")


class Namespaces(Model):
    """`<namespaces>`: what of the host QEMU sees in its own way."""

    mount: bool = flag()


class VcpuThread(Model):
    """`<vcpu>`: the thread of a virtual CPU."""

    id: Ulong = attr(required=True)
    pid: Ulong = attr(required=True)


class Named(Model):
    """`<flag>`: something that this QEMU can."""

    name: str = attr(required=True)


class Flags(Model):
    """`<qemuCaps>`."""

    flags: list[Named] = children("flag")

    @property
    def has_end_tag(self) -> bool:
        return True


class Alias(Model):
    """`<device>`: a device that QEMU has."""

    alias: str = attr(required=True)


class Numad(Model):
    """`<numad>`: where numad wanted the guest."""

    nodeset: str | None = attr()
    cpuset: str | None = attr()


class LibvirtStatus(Model):
    """`<domstatus>`; `async_job` is what libvirtd was at when it wrote this."""

    state: str = attr(required=True)
    reason: str = attr(required=True)
    pid: Ulong = attr(required=True)
    taints: list[Taint] = children("taint")
    deprecations: list[str] = texts("deprecation")
    monitor: MonitorSocket = child(required=True)
    dbus_daemon: bool = flag("dbusDaemon")
    dbus_vm_state: bool = flag("dbusVMState")
    private_namespaces: Namespaces | None = child("namespaces")
    vcpus: list[VcpuThread] = children("vcpu", within="vcpus")
    flags: Flags | None = child("qemuCaps", keep_empty=True)
    lockstate: str | None = child_text()
    fakereboot: bool = flag()
    job: Element | None = verbatim("job")
    devices: list[Alias] = children("device", within="devices")
    numad: Numad | None = child()
    lib_dir: str = attr("path", at="libDir", required=True)
    channel_target_dir: str = attr("path", at="channelTargetDir", required=True)
    cpu: CPU | None = child()
    chardev_stdio_logd: bool = flag("chardevStdioLogd")
    remember_owner: bool = flag("rememberOwner")
    allow_reboot: YesNo | None = attr("value", at="allowReboot")
    nodename: Ulong = attr("index", at="nodename", default=0)
    fdset: Ulong = attr("index", at="fdset", default=0)
    blockjobs: JobElements | None = child(keep_empty=True)
    slirp: Element | None = verbatim("slirp")
    agent_timeout: Int = child_text("agentTimeout", default=-2)
    backups: Element | None = verbatim("backups")
    original_memlock: Ulong | None = child_text("originalMemlock")
    domain: Domain = child(required=True)

    @property
    def async_job(self) -> str | None:
        """The long operation under way: None, or libvirt's word for it."""
        word = None if self.job is None else self.job.get("async")
        return None if word in (None, "none") else word


def is_libvirts(root: Element) -> bool:
    """Whether a status document is libvirt's and not one of ours."""
    return root.tag == "domstatus" and root.find("libDir") is not None


def parse_status(root: Element) -> LibvirtStatus:
    """A status document.

    Raises:
        ConfError: it is none, or damaged.
    """
    return read(LibvirtStatus, root, ParseOptions(inactive=False, status=True))


def format_status(status: LibvirtStatus) -> str:
    """The document as libvirt writes it."""
    options = FormatOptions(inactive=False, secure=True, status=True)
    return format_document(status, "domstatus", options)
