# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<source>` of disks, backing stores, mirrors and NVRAM: where an image is.

One model for all kinds; the `type` of the element around it decides which fields are read and written.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from conf.binding import (
    FormatOptions,
    Model,
    ParseOptions,
    Scale,
    Uint,
    Ulong,
    YesNo,
    attr,
    child,
    child_text,
    children,
    on,
    without,
)
from conf.binding.fields import Condition, Values
from conf.domain.devices.address import HostPCIAddress
from conf.domain.devices.encryption import Auth, Encryption
from conf.domain.devices.network_source import (
    SSL,
    ConfigFile,
    Cookie,
    Host,
    Identity,
    Initiator,
    Readahead,
    Snapshot,
    Timeout,
    check_cookies,
)
from conf.domain.devices.seclabel import DeviceSecLabel, checked_labels, seclabels
from conf.domain.devices.status import ZeroOne
from conf.domain.devices.storage_private import SourcePrivate
from conf.errors import ConfigUnsupportedError, XMLError

StorageType = Literal["file", "block", "dir", "network", "volume", "nvme", "vhostuser"]
StorageFormat = Literal[
    "raw",
    "dir",
    "bochs",
    "cloop",
    "dmg",
    "iso",
    "vpc",
    "vdi",
    "fat",
    "vhd",
    "ploop",
    "cow",
    "qcow",
    "qcow2",
    "qed",
    "vmdk",
]
Protocol = Literal[
    "nbd",
    "rbd",
    "sheepdog",
    "gluster",
    "iscsi",
    "http",
    "https",
    "ftp",
    "ftps",
    "tftp",
    "ssh",
    "vxhs",
    "nfs",
]

#: The port of a server that names none, by protocol; the others have no usual one.
DEFAULT_PORTS: dict[str, int] = {
    "http": 80,
    "https": 443,
    "ftp": 21,
    "ftps": 990,
    "tftp": 69,
    "ssh": 22,
    "nbd": 10809,
    "sheepdog": 7000,
    "gluster": 24007,
    "iscsi": 3260,
    "vxhs": 9999,
}

_FILE = on("../type", "file")
_NETWORK = on("../type", "network")
_VOLUME = on("../type", "volume")
_NVME = on("../type", "nvme")
_VHOSTUSER = on("../type", "vhostuser")


def _protocol(*protocols: str) -> Condition:
    """While the source is a network one of these protocols."""

    def condition(own: Values, around: Values) -> bool:
        return around.get("type") == "network" and own.get("protocol") in protocols

    return condition


_HTTP = _protocol("http", "https")
_WEB = _protocol("http", "https", "ftp", "ftps")


def _slice_number(name: str) -> Any:
    return attr(
        when=on("type", "storage"),
        required=(XMLError, "missing offset or size attribute of slice"),
        error=(XMLError, f"malformed value '%s' of '{name}' attribute of slice"),
    )


class Slice(Model):
    """`<slice>`: the part of the container that is the image (bytes)."""

    type: str | None = attr()
    offset: Ulong | None = _slice_number("offset")
    size: Ulong | None = _slice_number("size")


class Reconnect(Model):
    """`<reconnect>`; timeout in seconds."""

    enabled: YesNo = attr(required=True)
    timeout: Uint | None = attr(when=on("enabled", True), required=True)


class ReservationsSource(Model):
    """`<source>` of `<reservations>`: the helper's socket."""

    type: Literal["unix"] = attr(required=True)
    path: str = attr(required=(XMLError, "missing path for persistent reservations"))
    mode: Literal["client"] = attr(required=True)


class Reservations(Model):
    """`<reservations>`: who handles SCSI persistent reservations."""

    managed: YesNo = attr(required=True)
    source: ReservationsSource | None = child()

    def check(self, options: ParseOptions) -> None:
        if not self.managed and self.source is None:
            raise XMLError("missing connection type for <reservations/>")


def _secret(cookies: list[Cookie], _own: Values, _around: Values, options: FormatOptions) -> list[Cookie]:
    """Cookies let their holder in: they are for those who may see passwords."""
    return cookies if options.secure else []


class StorageSource(Model):
    """`<source>`."""

    file: str | None = attr(when=_FILE, empty_is_unset=True)
    fdgroup: str | None = attr(when=_FILE)
    dev: str | None = attr(when=on("../type", "block"), empty_is_unset=True)
    dir: str | None = attr(when=on("../type", "dir"), empty_is_unset=True)
    protocol: Protocol | None = attr(when=_NETWORK, required=True)
    name: str | None = attr(when=_NETWORK)
    query: str | None = attr(when=_HTTP)
    tls: YesNo | None = attr(when=_NETWORK)
    tls_from_config: ZeroOne = attr("tlsFromConfig", default=False, when=_NETWORK, status=True)
    tls_hostname: str | None = attr("tlsHostname", when=_NETWORK)
    pool: str | None = attr(when=_VOLUME)
    volume: str | None = attr(when=_VOLUME)
    mode: Literal["host", "direct"] | None = attr(
        when=_VOLUME, error=(ConfigUnsupportedError, "unknown source mode '%s' for volume type disk")
    )
    type: str | None = attr(when=on("../type", "nvme", "vhostuser"))
    managed: YesNo | None = attr(when=_NVME)
    namespace: Ulong | None = attr(when=_NVME, error=(XMLError, "malformed namespace '%s'"))
    path: str | None = attr(when=_VHOSTUSER)
    startup_policy: Literal["mandatory", "requisite", "optional"] | None = attr("startupPolicy")
    index: Uint | None = attr(live=True, transient=True, omit=0)
    hosts: list[Host] = children("host", when=_NETWORK)
    snapshot: Snapshot | None = child(when=_NETWORK)
    config: ConfigFile | None = child(when=_NETWORK)
    initiator: Initiator | None = child(when=_NETWORK)
    ssl: SSL | None = child(when=_protocol("https", "ftps"))
    cookies: list[Cookie] = children("cookie", within="cookies", when=_HTTP, shown=_secret)
    readahead: Readahead | None = child(when=_WEB)
    timeout: Timeout | None = child(when=_WEB)
    identity: Identity | None = child(when=_protocol("nfs"))
    address: HostPCIAddress | None = child(when=_NVME)
    reconnect: Reconnect | None = child(when=_VHOSTUSER)
    slices: list[Slice] = children("slice", within="slices")
    seclabels: list[DeviceSecLabel] = seclabels(without("../type", "network"))
    auth: Auth | None = child(when=without("../type", "volume"))
    encryption: Encryption | None = child()
    reservations: Reservations | None = child()
    private_data: SourcePrivate | None = child("privateData", status=True)

    def check(self, options: ParseOptions) -> None:
        if not options.status:
            self.private_data = None
            self.tls_from_config = False
        self.seclabels = checked_labels(self.seclabels)
        self.slices = [slice_ for slice_ in self.slices if slice_.type == "storage"][:1]
        if (self.pool is None) != (self.volume is None):
            raise XMLError("'pool' and 'volume' must be specified together for 'pool' type source")
        if self.protocol is not None:
            self._check_network()

    def _check_network(self) -> None:
        if self.protocol == "iscsi" and self.name is not None and "/" not in self.name:
            self.name += "/0"
        if self.name is None and self.protocol != "nbd":
            raise XMLError("missing name for disk source")
        if self.protocol in ("gluster", "rbd") and self.name is not None and not re.match(r"[^/]+/", self.name):
            raise XMLError(f"can't split path '{self.name}' into pool name and image name")
        check_cookies(self.cookies)
        for host in self.hosts:
            if host.transport in (None, "tcp"):
                host.port = host.port or DEFAULT_PORTS.get(self.protocol or "")

    def check_kind(self, kind: str | None) -> None:
        """Check what the element around decides: `kind` is its type.

        Raises:
            XMLError: the source lacks what sources of its kind need.
        """
        if kind == "nvme":
            self._check_nvme()
        elif kind == "vhostuser":
            if self.type is None:
                raise XMLError("missing 'type' attribute for vhostuser disk source")
            if self.type != "unix":
                raise XMLError(f"invalid 'type' attribute for vhostuser disk source '{self.type}'")
            if self.path is None:
                raise XMLError("missing 'path' attribute for vhostuser disk source")

    def _check_nvme(self) -> None:
        if self.type is None:
            raise XMLError("missing 'type' attribute to disk source")
        if self.type != "pci":
            raise XMLError(f"unsupported source type '{self.type}'")
        if self.namespace is None:
            raise XMLError("missing 'namespace' attribute to disk source")
        if self.address is None:
            raise XMLError("NVMe disk source is missing address")
        if self.managed is None:
            self.managed = True

    @property
    def is_empty(self) -> bool:
        """Whether no image is named: an empty drive."""
        return not (self.file or self.dev or self.dir or self.protocol or self.pool or self.namespace or self.path)

    @property
    def local_path(self) -> str | None:
        """The path on this host, for files, block devices, directories and vhost-user sockets."""
        return self.file or self.dev or self.dir or self.path


class MetadataCache(Model):
    """`<metadata_cache>`; bytes."""

    max_size: int | None = child_text(scale=Scale("bytes"), omit=0)


class Format(Model):
    """`<format>` of a backing store or mirror."""

    type: StorageFormat | None = attr(error=(XMLError, "unknown storage source format '%s'"))
    metadata_cache: MetadataCache | None = child()

    def check(self, options: ParseOptions) -> None:
        if self.metadata_cache is not None and not self.metadata_cache.max_size:
            self.metadata_cache = None


class BackingStore(Model):
    """`<backingStore>`: the image below; without a type, the end of the chain.

    `found` notes that the definition does not name it: it was found at the guest's start.
    """

    type: StorageType | None = attr()
    found: ZeroOne = attr(default=False, omit=False, status=True)
    index: Uint | None = attr(live=True, transient=True, omit=0)
    format: Format | None = child()
    source: StorageSource | None = child(keep_empty=True)
    backing_store: BackingStore | None = child("backingStore", keep_empty=True)

    def check(self, options: ParseOptions) -> None:
        if not options.status:
            self.found = False
        if self.type is None:
            self.format = self.source = self.backing_store = None
            return
        if self.format is None or self.format.type is None:
            raise XMLError("missing disk backing store format")
        if self.source is None:
            raise XMLError("missing disk backing store source")
        self.source.check_kind(self.type)


def _legacy_file(value: str | None, own: Values, _around: Values, _options: FormatOptions) -> str | None:
    """A file being copied to is named on `<mirror>` itself too, as old versions did."""
    source = own.get("source")
    return source.file if own.get("job") == "copy" and source is not None else value


class Mirror(Model):
    """`<mirror>`: the image that a block job copies to; only a running guest has one."""

    type: StorageType | None = attr()
    file: str | None = attr(shown=_legacy_file)
    legacy_format: StorageFormat | None = attr("format")
    job: Literal["copy", "active-commit"] = attr(default="copy")
    ready: Literal["yes", "abort", "pivot"] | None = attr()
    format: Format | None = child()
    source: StorageSource | None = child()
    backing_store: BackingStore | None = child("backingStore", keep_empty=True)
