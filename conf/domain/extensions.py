# SPDX-License-Identifier: LGPL-2.1-or-later
"""Elements in namespaces of their own: what goes to one hypervisor unchecked."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, attr, child, child_text, children
from conf.errors import InternalError, XMLError


class QemuArg(Model):
    """`<qemu:arg>`."""

    value: str = attr(required=(InternalError, "No qemu command-line argument specified"))


class QemuEnv(Model):
    """`<qemu:env>`."""

    name: str = attr(required=(InternalError, "No qemu environment name specified"))
    value: str | None = attr()


class QemuCommandline(Model):
    """`<qemu:commandline>`."""

    args: list[QemuArg] = children("qemu:arg")
    envs: list[QemuEnv] = children("qemu:env")


class QemuCapability(Model):
    """`<qemu:add>`, `<qemu:del>`: a capability flag forced on or off."""

    capability: str = attr(required=True)


class QemuCapabilities(Model):
    """`<qemu:capabilities>`."""

    adds: list[QemuCapability] = children("qemu:add")
    dels: list[QemuCapability] = children("qemu:del")


class QemuDeprecation(Model):
    """`<qemu:deprecation>`: what happens when something deprecated is used."""

    behavior: Literal["none", "omit", "reject", "crash"] | None = attr()


class QemuProperty(Model):
    """`<qemu:property>`."""

    name: str = attr(required=(XMLError, "missing 'name' attribute for qemu:property"))
    type: Literal["string", "signed", "unsigned", "bool", "remove"] = attr(required=True)
    value: str | None = attr()


class QemuFrontend(Model):
    """`<qemu:frontend>`."""

    properties: list[QemuProperty] = children("qemu:property")


class QemuOverrideDevice(Model):
    """`<qemu:device>`: the device of that alias."""

    alias: str = attr(required=(XMLError, "missing 'alias' attribute for qemu:device"))
    frontend: QemuFrontend | None = child("qemu:frontend")


class QemuOverride(Model):
    """`<qemu:override>`."""

    devices: list[QemuOverrideDevice] = children("qemu:device")


class LxcShare(Model):
    """`<lxc:sharenet>` and its like: whose namespace a container shares."""

    type: Literal["name", "pid", "netns"] = attr(required=True)
    value: str = attr(required=True)


class LxcNamespace(Model):
    """`<lxc:namespace>`."""

    sharenet: LxcShare | None = child("lxc:sharenet")
    shareipc: LxcShare | None = child("lxc:shareipc")
    shareuts: LxcShare | None = child("lxc:shareuts")


class XenArg(Model):
    """`<xen:arg>`."""

    value: str = attr(required=(InternalError, "No xen device-model argument specified"))


class XenCommandline(Model):
    """`<xen:commandline>`."""

    args: list[XenArg] = children("xen:arg")


class BhyveArg(Model):
    """`<bhyve:arg>`."""

    value: str = attr(required=(InternalError, "No bhyve command-line argument specified"))


class BhyveCommandline(Model):
    """`<bhyve:commandline>`."""

    args: list[BhyveArg] = children("bhyve:arg")


class Extensions(Model):
    """The foreign part of a `<domain>`, written last."""

    commandline: QemuCommandline | None = child("qemu:commandline")
    capabilities: QemuCapabilities | None = child("qemu:capabilities")
    deprecation: QemuDeprecation | None = child("qemu:deprecation")
    override: QemuOverride | None = child("qemu:override")
    lxc_namespace: LxcNamespace | None = child("lxc:namespace")
    xen_commandline: XenCommandline | None = child("xen:commandline")
    bhyve_commandline: BhyveCommandline | None = child("bhyve:commandline")
    vmware_datacenterpath: str | None = child_text("vmware:datacenterpath")

    def namespaces(self) -> list[str]:
        used = {
            "qemu": self.commandline or self.capabilities or self.deprecation or self.override,
            "lxc": self.lxc_namespace,
            "xen": self.xen_commandline,
            "bhyve": self.bhyve_commandline,
            "vmware": self.vmware_datacenterpath,
        }
        return [prefix for prefix, value in used.items() if value]
