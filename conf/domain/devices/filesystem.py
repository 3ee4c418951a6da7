# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<filesystem>`: part of the host's file tree, or another container's root, for the guest."""

from __future__ import annotations

from typing import Annotated, Literal

from conf.binding import (
    Int,
    Model,
    OnOff,
    ParseOptions,
    Scale,
    Uint,
    attr,
    child,
    child_text,
    flag,
    number,
    on,
)
from conf.binding.scalars import BadValueError, SignedUlong
from conf.domain.devices.info import BootableDevice
from conf.domain.devices.storage_source import StorageFormat
from conf.domain.devices.virtio import VirtioOptions
from conf.errors import ConfigUnsupportedError, InvalidArgError, NoSourceError, NoTargetError, XMLError

_BYTES = Scale("bytes")
_Mode = Annotated[int, number(base=8, form="04o")]
HIGHEST_MODE = 0o777


class FilesystemDriver(VirtioOptions):
    """`<driver>`."""

    type: Literal["default", "path", "handle", "loop", "nbd", "ploop", "virtiofs"] = attr(
        default="default", omit="default"
    )
    format: StorageFormat | None = attr(error=(ConfigUnsupportedError, "unknown driver format value '%s'"))
    wrpolicy: Literal["default", "immediate"] = attr(default="default", omit="default")
    queue: Uint | None = attr(
        when=on("type", "virtiofs"), omit=0, error=(XMLError, "cannot parse queue size '%s' for virtiofs")
    )

    def check(self, options: ParseOptions) -> None:
        if self.type == "default":
            self.format, self.wrpolicy = None, "default"


class FilesystemCache(Model):
    """`<cache>`."""

    mode: Literal["none", "always"] | None = attr()


class FilesystemSandbox(Model):
    """`<sandbox>`."""

    mode: Literal["namespace", "chroot"] | None = attr()


class FilesystemLock(Model):
    """`<lock>`: which locks of the guest are passed on."""

    posix: OnOff | None = attr()
    flock: OnOff | None = attr()


class FilesystemThreadPool(Model):
    """`<thread_pool>`."""

    size: Int | None = attr(error=(XMLError, "cannot parse thread pool size '%s' for virtiofs"), omit=-1)


class FilesystemBinary(Model):
    """`<binary>`: the virtiofsd that serves it."""

    path: str | None = attr()
    xattr: OnOff | None = attr()
    cache: FilesystemCache | None = child()
    sandbox: FilesystemSandbox | None = child()
    lock: FilesystemLock | None = child()
    thread_pool: FilesystemThreadPool | None = child()


class FilesystemSource(Model):
    """`<source>`; which members count depends on the filesystem's type."""

    dir: str | None = attr(when=on("../type", "mount", "bind"))
    #: Of a virtiofsd that somebody else runs.
    socket: str | None = attr(when=on("../type", "mount"))
    dev: str | None = attr(when=on("../type", "block"))
    file: str | None = attr(when=on("../type", "file"))
    name: str | None = attr(when=on("../type", "template"))
    #: Of a file system in memory, in KiB.
    usage: SignedUlong | None = attr(
        when=on("../type", "ram"),
        required=(XMLError, "missing 'usage' attribute for RAM filesystem"),
        error=(XMLError, "cannot parse usage '%s' for RAM filesystem"),
    )
    units: str | None = attr(when=on("../type", "ram"))
    pool: str | None = attr(when=on("../type", "volume"))
    volume: str | None = attr(when=on("../type", "volume"))

    def check(self, options: ParseOptions) -> None:
        if self.socket is not None:
            self.dir = None
        if self.usage is not None:
            self._scale_usage(self.usage)
        if (self.pool is None) != (self.volume is None):
            raise XMLError("'pool' and 'volume' must be specified together for 'pool' type source")

    def _scale_usage(self, usage: int) -> None:
        try:
            self.usage = Scale("bytes", "KiB").convert(usage, self.units) // 1024
            self.units = "KiB"
        except BadValueError:
            raise InvalidArgError(f"unknown suffix '{self.units}'") from None


class FilesystemTarget(Model):
    """`<target>`: a mount point, or the tag the guest mounts it by."""

    dir: str | None = attr()


class _SpaceLimits(Model):
    """Limits in bytes, which stand behind what all devices share."""

    space_hard_limit: int | None = child_text(scale=_BYTES, omit=0)
    space_soft_limit: int | None = child_text(scale=_BYTES, omit=0)


class Filesystem(BootableDevice, _SpaceLimits):
    """`<filesystem>`."""

    type: Literal["mount", "block", "file", "template", "ram", "bind", "volume"] = attr(default="mount")
    accessmode: Literal["passthrough", "mapped", "squash"] | None = attr()
    model: Literal["virtio", "virtio-transitional", "virtio-non-transitional"] | None = attr()
    multidevs: Literal["default", "remap", "forbid", "warn"] = attr(default="default", omit="default")
    fmode: _Mode | None = attr()
    dmode: _Mode | None = attr()
    driver: FilesystemDriver | None = child()
    binary: FilesystemBinary | None = child()
    source: FilesystemSource | None = child()
    target: FilesystemTarget | None = child()
    readonly: bool = flag()

    @property
    def is_virtiofs(self) -> bool:
        """Whether virtiofsd serves it."""
        return self.driver is not None and self.driver.type == "virtiofs"

    def check(self, options: ParseOptions) -> None:
        for name in ("fmode", "dmode"):
            mode = getattr(self, name)
            if mode is not None and mode > HIGHEST_MODE:
                raise XMLError(f"invalid {name}: '0{mode:o}'")
        self._check_ends()
        if not self.is_virtiofs:
            self.binary = None
        if self.source is None or self.source.socket is None:
            self.accessmode = self.accessmode or "passthrough"

    def _check_ends(self) -> None:
        source = self.source or FilesystemSource()
        if self.type == "ram" and source.usage is None:
            raise XMLError("missing 'usage' attribute for RAM filesystem")
        named = (source.socket, source.dir, source.dev, source.file, source.name, source.pool)
        origin = next((name for name in named if name is not None), None)
        tag = self.target.dir if self.target else None
        if origin is None and self.type != "ram":
            raise NoSourceError(tag)
        if not tag:
            raise NoTargetError(origin)
