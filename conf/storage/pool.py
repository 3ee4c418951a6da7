# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<pool>`: a place where volumes are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal
from uuid import uuid4

from conf.binding import Model, ParseOptions, Uuid, YesNo, attr, child, child_text, children, irregular, on
from conf.errors import ConfError, ConfigUnsupportedError, NoSupportError, XMLDetailError, XMLError
from conf.storage.kinds import KINDS, Kind, Part, PoolType
from conf.storage.paths import sanitize_path
from conf.storage.permissions import Permissions
from conf.storage.source import PoolSource


def _measured(name: str) -> Any:
    """A size in bytes that is found out, never taken from a document."""
    return irregular(
        name,
        parse=lambda _element, _options: 0,
        format=lambda value, _options: [f"<{name} unit='bytes'>{value}</{name}>"],
        default=0,
    )


class PoolFeatures(Model):
    """`<features>`: `cow` is whether files are copied when written."""

    cow: YesNo | None = attr("state", at="cow")


class PoolTarget(Model):
    """`<target>`: where the host has the pool."""

    path: str | None = child_text()
    permissions: Permissions | None = child()

    @property
    def has_end_tag(self) -> bool:
        return True


class PoolRefresh(Model):
    """`<refresh>`: how the size of volumes is found out."""

    allocation: Literal["default", "capacity"] | None = attr(
        at="volume",
        error=(ConfigUnsupportedError, "unknown storage pool volume refresh allocation type %s"),
    )


class MountOption(Model):
    """`<fs:option>`."""

    name: str = attr(required=(XMLError, "no fs mount option name specified"))


class RBDOption(Model):
    """`<rbd:option>`."""

    name: str = attr(required=(XMLError, "no rbd option name specified"))
    value: str | None = attr()

    def check(self, options: ParseOptions) -> None:
        if not self.value:
            what = "no" if self.value is None else "empty"
            raise XMLError(f"{what} rbd option value specified for name '{self.name}'")


class MountOptions(Model):
    """`<fs:mount_opts>`."""

    options: list[MountOption] = children("fs:option")


class ConfigOptions(Model):
    """`<rbd:config_opts>`."""

    options: list[RBDOption] = children("rbd:option")


class Pool(Model):
    """`<pool>`; sizes in bytes."""

    type: PoolType = attr(required=True)
    name: str = child_text()
    uuid: Uuid = child_text(error=(XMLError, "malformed uuid element"))
    capacity: int = _measured("capacity")
    allocation: int = _measured("allocation")
    available: int = _measured("available")
    features: PoolFeatures | None = child()
    source: PoolSource = child(keep_empty=True)
    target: PoolTarget = child(when=on("type", *(t for t, kind in KINDS.items() if kind.has_target)), keep_empty=True)
    refresh: PoolRefresh | None = child()
    mount_options: MountOptions | None = child("fs:mount_opts", when=on("type", "fs", "netfs"))
    config_options: ConfigOptions | None = child("rbd:config_opts", when=on("type", "rbd"))

    def namespaces(self) -> list[str]:
        held = (("fs", self.mount_options), ("rbd", self.config_options))
        return [prefix for prefix, foreign in held if foreign and foreign.options]

    @property
    def kind(self) -> Kind:
        """What its type says."""
        return KINDS[self.type]

    def check(self, options: ParseOptions) -> None:
        self.source = self.source or PoolSource()
        self.name = self.name or self.source.name or ""
        self._check_name()
        self.uuid = self.uuid or str(uuid4())
        self._settle_format()
        self._check_source()
        self._check_features()
        self._settle_target()

    def _check_name(self) -> None:
        if not self.name:
            raise XMLError("missing pool source name element")
        if "/" in self.name:
            raise XMLError(f"name {self.name} cannot contain '/'")
        if "\n" in self.name:
            raise XMLDetailError("invalid char in name: \n")

    def _settle_format(self) -> None:
        formats = self.kind.formats
        if self.source.format is not None and self.source.format not in formats:
            raise ConfigUnsupportedError(f"unknown pool format type {self.source.format}")
        if formats and self.source.format is None:
            self.source.format = self.kind.default_format or formats[0]
        if self.type == "gluster" and self.source.dir is None:
            self.source.dir = "/"

    def _check_source(self) -> None:
        for part in self.kind.required:
            present, missing = _REQUIRED[part]
            if not present(self.source):
                raise missing[0](missing[1])
        if self.type == "rbd" and not self.source.name:
            raise XMLError("element 'name' is mandatory for RBD pool")
        if "name" in self.kind.parts:
            self.source.name = self.source.name or self.name
        if self.type == "iscsi-direct" and not (self.source.initiator and self.source.initiator.iqn):
            raise ConfigUnsupportedError("missing initiator IQN")
        if self.type == "netfs" and self.source.protocol_ver and self.source.format != "nfs":
            text = f"storage pool protocol ver unsupported for pool type '{self.source.format}'"
            raise ConfigUnsupportedError(text)

    def _check_features(self) -> None:
        if self.features and self.features.cow is not None and self.type not in ("dir", "fs"):
            raise NoSupportError("cow feature may only be used for 'fs' and 'dir' pools")

    def _settle_target(self) -> None:
        if not self.kind.has_target:
            return
        self.target = self.target or PoolTarget()
        if self.kind.target_parent:
            self.target.path = f"{self.kind.target_parent}/{self.source.name}"
        elif not self.target.path:
            raise XMLError("missing storage pool target path")
        self.target.path = sanitize_path(self.target.path)


#: Part of a source → whether it is there, and the complaint if it is not.
_REQUIRED: dict[Part, tuple[Callable[[PoolSource], object], tuple[type[ConfError], str]]] = {
    "host": (lambda source: source.hosts, (XMLError, "missing storage pool source host name")),
    "dir": (lambda source: source.dir, (XMLError, "missing storage pool source path")),
    "adapter": (lambda source: source.adapter, (XMLError, "missing storage pool source adapter")),
    "device": (lambda source: source.devices, (XMLError, "missing storage pool source device name")),
}
