# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<disk>`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from conf.binding import (
    Model,
    OnOff,
    ParseOptions,
    Positive,
    Scalar,
    Uint,
    Ulong,
    YesNo,
    attr,
    child,
    child_text,
    flag,
)
from conf.binding.scalars import BadValueError
from conf.domain.devices.disk_private import DiskRecord
from conf.domain.devices.encryption import Auth, Encryption
from conf.domain.devices.info import BootableDevice
from conf.domain.devices.storage_source import (
    BackingStore,
    MetadataCache,
    Mirror,
    StorageFormat,
    StorageSource,
    StorageType,
)
from conf.domain.devices.virtio import VirtioOptions
from conf.errors import ConfigUnsupportedError, InternalError, NoSourceError, NoTargetError, XMLError

DiskBus = Literal["ide", "fdc", "scsi", "virtio", "xen", "usb", "uml", "sata", "sd"]


#: Xen used to call raw images "aio".
_FORMATS: dict[str, StorageFormat] = {name: name for name in get_args(StorageFormat)} | {"aio": "raw"}


def _parse_format(text: str) -> StorageFormat:
    if text not in _FORMATS:
        raise BadValueError
    return _FORMATS[text]


class DiskDriver(VirtioOptions):
    """`<driver>`: how QEMU opens and serves the image."""

    name: str | None = attr()
    type: Annotated[StorageFormat, Scalar(_parse_format)] | None = attr(
        error=(ConfigUnsupportedError, "unknown driver format value '%s'")
    )
    cache: Literal["default", "none", "writethrough", "writeback", "directsync", "unsafe"] | None = attr(omit="default")
    error_policy: Literal["stop", "report", "ignore", "enospace"] | None = attr()
    rerror_policy: Literal["stop", "report", "ignore", "enospace"] | None = attr()
    io: Literal["native", "threads", "io_uring"] | None = attr()
    ioeventfd: OnOff | None = attr()
    event_idx: OnOff | None = attr()
    copy_on_read: OnOff | None = attr()
    discard: Literal["unmap", "ignore"] | None = attr()
    iothread: Positive | None = attr()
    detect_zeroes: Literal["off", "on", "unmap"] | None = attr()
    queues: Uint | None = attr(omit=0)
    queue_size: Uint | None = attr(omit=0)
    metadata_cache: MetadataCache | None = child()

    def check(self, options: ParseOptions) -> None:
        if self.metadata_cache is not None and not self.metadata_cache.max_size:
            self.metadata_cache = None
        if self.rerror_policy == "enospace":
            raise ConfigUnsupportedError("Invalid disk read error policy: 'enospace'")


class DiskTarget(Model):
    """`<target>`: the name that orders the disks, and the bus."""

    dev: str | None = attr()
    bus: DiskBus | None = attr()
    tray: Literal["closed", "open"] | None = attr(omit="closed")
    removable: OnOff | None = attr()
    rotation_rate: Uint | None = attr(omit=0)

    def check(self, options: ParseOptions) -> None:
        # Xen's old way to ask for an emulated disk.
        self.dev = self.dev and self.dev.removeprefix("ioemu:")


def _iotune(name: str) -> Any:
    return child_text(omit=0, error=(XMLError, f"disk iotune field '{name}' must be an integer"))


class IOTune(Model):
    """`<iotune>`: limits by bytes and requests a second, their bursts, and how long bursts last (seconds)."""

    total_bytes_sec: Ulong | None = _iotune("total_bytes_sec")
    read_bytes_sec: Ulong | None = _iotune("read_bytes_sec")
    write_bytes_sec: Ulong | None = _iotune("write_bytes_sec")
    total_iops_sec: Ulong | None = _iotune("total_iops_sec")
    read_iops_sec: Ulong | None = _iotune("read_iops_sec")
    write_iops_sec: Ulong | None = _iotune("write_iops_sec")
    total_bytes_sec_max: Ulong | None = _iotune("total_bytes_sec_max")
    read_bytes_sec_max: Ulong | None = _iotune("read_bytes_sec_max")
    write_bytes_sec_max: Ulong | None = _iotune("write_bytes_sec_max")
    total_iops_sec_max: Ulong | None = _iotune("total_iops_sec_max")
    read_iops_sec_max: Ulong | None = _iotune("read_iops_sec_max")
    write_iops_sec_max: Ulong | None = _iotune("write_iops_sec_max")
    size_iops_sec: Ulong | None = _iotune("size_iops_sec")
    group_name: str | None = child_text()
    total_bytes_sec_max_length: Ulong | None = _iotune("total_bytes_sec_max_length")
    read_bytes_sec_max_length: Ulong | None = _iotune("read_bytes_sec_max_length")
    write_bytes_sec_max_length: Ulong | None = _iotune("write_bytes_sec_max_length")
    total_iops_sec_max_length: Ulong | None = _iotune("total_iops_sec_max_length")
    read_iops_sec_max_length: Ulong | None = _iotune("read_iops_sec_max_length")
    write_iops_sec_max_length: Ulong | None = _iotune("write_iops_sec_max_length")


class Geometry(Model):
    """`<geometry>`."""

    cyls: Uint = attr(default=0)
    heads: Uint = attr(default=0)
    secs: Uint = attr(default=0)
    trans: Literal["none", "auto", "lba"] | None = attr()


class BlockIO(Model):
    """`<blockio>`: block sizes shown to the guest (bytes)."""

    logical_block_size: Uint | None = attr(omit=0)
    physical_block_size: Uint | None = attr(omit=0)


class BackendDomain(Model):
    """`<backenddomain>` of Xen."""

    name: str | None = attr()


class Transient(Model):
    """`<transient>`: changes are thrown away when the guest stops."""

    share_backing: YesNo | None = attr("shareBacking")


_WWN = re.compile("(?:0[xX])?([0-9a-fA-F]{16})", re.ASCII)


def _parse_wwn(text: str) -> str:
    if not _WWN.fullmatch(text):
        raise BadValueError
    return text


class Disk(BootableDevice, DiskRecord):
    """`<disk>`."""

    type: StorageType = attr(default="file")
    device: Literal["disk", "cdrom", "floppy", "lun"] = attr(default="disk")
    model: Literal["virtio", "virtio-transitional", "virtio-non-transitional"] | None = attr()
    rawio: YesNo | None = attr()
    sgio: Literal["filtered", "unfiltered"] | None = attr()
    snapshot: Literal["no", "internal", "external", "manual"] | None = attr()
    driver: DiskDriver | None = child()
    auth: Auth | None = child()
    source: StorageSource | None = child()
    backing_store: BackingStore | None = child("backingStore", keep_empty=True)
    backenddomain: BackendDomain | None = child()
    geometry: Geometry | None = child()
    blockio: BlockIO | None = child()
    mirror: Mirror | None = child(live=True)
    target: DiskTarget = child()
    iotune: IOTune | None = child()
    readonly: bool = flag()
    shareable: bool = flag()
    transient: Transient | None = child(keep_empty=True)
    serial: str | None = child_text()
    wwn: Annotated[str, Scalar(_parse_wwn)] | None = child_text(error=(InternalError, "Malformed wwn: %s"))
    vendor: str | None = child_text()
    product: str | None = child_text()
    encryption: Encryption | None = child()

    def check(self, options: ParseOptions) -> None:
        if not options.status:
            self.private_data = self.secrets_placement = None
        source = self.source
        if source is None:
            # Nothing is there to be of another type.
            self.type = "file"
        else:
            source.check_kind(self.type)
        if self.target is None or self.target.dev is None:
            raise NoTargetError(self._source_text())
        if self.device == "cdrom":
            self.readonly = True
        if self.geometry is not None and not (self.geometry.cyls and self.geometry.heads and self.geometry.secs):
            self.geometry = None
        if self.readonly and self.snapshot == "no":
            # A read-only disk takes no part in snapshots: that goes without saying.
            self.snapshot = None
        self._check_inquiry_strings()
        self._check_secrets()

    def check_source(self) -> None:
        """Refuse a disk that is nowhere.  Not part of reading: this is looked at last.

        Raises:
            NoSourceError: it has no source.
        """
        empty = self.source is None or self.source.is_empty
        if empty and self.device == "disk" and self.type in ("file", "block", "dir"):
            raise NoSourceError(self.target.dev)

    @property
    def is_empty(self) -> bool:
        """Whether it is a drive without a medium."""
        return self.source is None or self.source.is_empty

    def guess_bus(self) -> None:
        """Where the XML names no bus, the target's name does.  (Not part of reading: disks are sorted before.)"""
        if self.target.bus is None and self.target.dev is not None:
            self.target.bus = self._bus_of_name(self.target.dev)

    def _bus_of_name(self, dev: str) -> DiskBus | None:
        if self.device == "floppy":
            return "fdc"
        names: dict[str, DiskBus] = {"hd": "ide", "sd": "scsi", "vd": "virtio", "xvd": "xen", "ubd": "uml", "fd": "fdc"}
        return next((bus for prefix, bus in names.items() if dev.startswith(prefix)), None)

    def _source_text(self) -> str:
        """How a complaint names the disk that has no target."""
        source = self.source
        if source is not None and source.pool:
            return f"pool = '{source.pool}', volume = '{source.volume}'"
        if self.type in ("nvme", "vhostuser"):
            return ""
        if source is not None and source.protocol in ("rbd", "gluster"):
            return (source.name or "").partition("/")[2]
        return (source and (source.local_path or source.name)) or ""

    def _check_inquiry_strings(self) -> None:
        for name, text, limit in (("vendor", self.vendor, 8), ("product", self.product, 16)):
            if text is None:
                continue
            if len(text) > limit:
                raise ConfigUnsupportedError(f"disk {name} is more than {limit} characters")
            if not text.isascii() or not text.isprintable():
                raise XMLError(f"disk {name} is not printable string")

    def _check_secrets(self) -> None:
        source = self.source
        if source is None:
            return
        if self.auth is not None and source.auth is not None:
            raise ConfigUnsupportedError("an <auth> definition already found for disk source")
        if self.encryption is not None and source.encryption is not None:
            raise ConfigUnsupportedError("an <encryption> definition already found for disk source")
        auth = self.auth or source.auth
        expected = {"iscsi": "iscsi", "rbd": "ceph"}.get(source.protocol or "")
        if auth is None or expected is None:
            return
        if auth.secret.type not in ("volume", "ceph", "iscsi", "tls", "vtpm"):
            raise ConfigUnsupportedError(f"unknown secret type '{auth.secret.type or '<null>'}'")
        if auth.secret.type != expected:
            raise ConfigUnsupportedError(f"invalid secret type '{auth.secret.type}'")
