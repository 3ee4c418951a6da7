# SPDX-License-Identifier: LGPL-2.1-or-later
"""Elements in namespaces of their own: what goes to one hypervisor unchecked."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from conf.binding import Model, ParseOptions, Scalar, attr, child, child_text, children
from conf.errors import ConfigUnsupportedError, InternalError, XMLError


class QemuArg(Model):
    """`<qemu:arg>`."""

    value: str = attr(required=(InternalError, "No qemu command-line argument specified"))


class QemuEnv(Model):
    """`<qemu:env>`."""

    name: str = attr(required=(InternalError, "No qemu environment name specified"))
    value: str | None = attr()

    def check(self, options: ParseOptions) -> None:
        if not re.match(r"[A-Za-z_]", self.name):
            raise InternalError("Invalid environment name, it must begin with a letter or underscore")
        if not re.fullmatch(r"[A-Za-z0-9_]*", self.name):
            raise InternalError("Invalid environment name, it must contain only alphanumerics and underscore")


class QemuCommandline(Model):
    """`<qemu:commandline>`."""

    args: list[QemuArg] = children("qemu:arg")
    envs: list[QemuEnv] = children("qemu:env")


class QemuCapability(Model):
    """`<qemu:add>`, `<qemu:del>`: a capability flag forced on or off."""

    capability: str = attr(required=(InternalError, "missing capability name"))


class QemuCapabilities(Model):
    """`<qemu:capabilities>`."""

    adds: list[QemuCapability] = children("qemu:add")
    dels: list[QemuCapability] = children("qemu:del")


def _parse_behavior(text: str) -> str | None:
    """An unknown word is no word."""
    return text if text in ("none", "omit", "reject", "crash") else None


class QemuDeprecation(Model):
    """`<qemu:deprecation>`: what happens when something deprecated is used."""

    behavior: Annotated[str, Scalar(_parse_behavior)] | None = attr()


_PROPERTY_VALUES = {
    "string": re.compile(".*", re.DOTALL),
    "signed": re.compile("[+-]?[0-9]+"),
    "unsigned": re.compile("[0-9]+"),
    "bool": re.compile("true|false|yes|no"),
}


class QemuProperty(Model):
    """`<qemu:property>`."""

    name: str = attr(required=(XMLError, "missing 'name' attribute for qemu:property"))
    type: Literal["string", "signed", "unsigned", "bool", "remove"] = attr(required=True)
    value: str | None = attr()

    def check(self, options: ParseOptions) -> None:
        if self.type == "remove":
            if self.value is not None:
                raise XMLError("setting 'value' attribute of 'qemu:property' doesn't make sense with 'remove' type")
            return
        if self.value is None:
            raise XMLError("missing 'value' attribute for 'qemu:property'")
        if not _PROPERTY_VALUES[self.type].fullmatch(self.value):
            raise XMLError(f"invalid value '{self.value}' of 'value' attribute of 'qemu:property'")


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


_NO_SOURCE = (InternalError, "No lxc environment type specified")


class LxcShare(Model):
    """`<lxc:sharenet>` and its like: whose namespace a container shares."""

    type: Literal["name", "pid", "netns"] = attr(
        required=_NO_SOURCE, error=(InternalError, "Unknown LXC namespace source '%s'")
    )
    value: str = attr(required=_NO_SOURCE)


class LxcNamespace(Model):
    """`<lxc:namespace>`."""

    last_counts = True
    unknown_child = (ConfigUnsupportedError, "unsupported Namespace feature: %s")

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

    def check(self, options: ParseOptions) -> None:
        if self.lxc_namespace is not None and self.lxc_namespace == LxcNamespace():
            self.lxc_namespace = None
        if self.deprecation is not None and self.deprecation == QemuDeprecation():
            self.deprecation = None
        if self.override is not None and self.override == QemuOverride():
            self.override = None

    def namespaces(self) -> list[str]:
        own = self.__dict__
        return list(dict.fromkeys([prefix for prefix, name in _PREFIXED if own[name]]))

    def keep_extensions(self, prefix: str) -> None:
        """Forget what was meant for other hypervisors than the one with this prefix."""
        for other, names in _FIELDS.items():
            for name in names if other != prefix else ():
                setattr(self, name, None)


#: Prefix → the fields with elements in its namespace.
_FIELDS = {
    "qemu": ("commandline", "capabilities", "deprecation", "override"),
    "lxc": ("lxc_namespace",),
    "xen": ("xen_commandline",),
    "bhyve": ("bhyve_commandline",),
    "vmware": ("vmware_datacenterpath",),
}
_PREFIXED = [(prefix, name) for prefix, names in _FIELDS.items() for name in names]
