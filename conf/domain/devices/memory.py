# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<memory>`: memory modules and devices.  All sizes are KiB."""

from __future__ import annotations

from typing import Literal

from conf.binding import MEMORY, Model, ParseOptions, Uint, Uuid, YesNo, attr, child, child_text, flag, on
from conf.binding.fields import Condition
from conf.bitmap import Bitmap
from conf.domain.devices.info import DeviceInfo
from conf.errors import InternalError, XMLError

#: The smallest label area of an NVDIMM.
SMALLEST_LABEL = 128
#: Models whose content lies in a file.
FILE_MODELS = ("nvdimm", "virtio-pmem")


def _for(*models: str) -> Condition:
    return on("../model", *models)


_ANONYMOUS = _for("dimm", "virtio-mem", "sgx-epc")
_PAGED = _for("dimm", "virtio-mem")


class MemorySource(Model):
    """`<source>`: what backs the memory on the host."""

    nodemask: Bitmap | None = child_text(when=_ANONYMOUS)
    pagesize: int | None = child_text(when=_PAGED, scale=MEMORY)
    path: str | None = child_text(when=_for(*FILE_MODELS))
    alignsize: int | None = child_text(when=_for("nvdimm"), scale=MEMORY)
    pmem: bool = flag(when=_for("nvdimm"))


class MemoryLabel(Model):
    """`<label>`: the part of an NVDIMM that holds its namespaces."""

    size: int | None = child_text(scale=MEMORY)


class MemoryTarget(Model):
    """`<target>`: what the guest gets."""

    size: int = child_text(required=(XMLError, "missing element or attribute './size'"), scale=MEMORY)
    node: Uint | None = child_text(error=(XMLError, "invalid value of memory device node"))
    label: MemoryLabel | None = child(when=_for("nvdimm"))
    block: int | None = child_text(when=_for("virtio-mem"), scale=MEMORY)
    requested: int | None = child_text(when=_for("virtio-mem"), scale=MEMORY)
    #: How much of a virtio-mem device the guest has taken.
    current: int | None = child_text(when=_for("virtio-mem"), scale=MEMORY, live=True)
    readonly: bool = flag(when=_for("nvdimm"))

    def check(self, options: ParseOptions) -> None:
        label = self.label.size if self.label else None
        if label is None:
            return
        if label < SMALLEST_LABEL:
            raise XMLError("nvdimm label must be at least 128KiB")
        if label >= self.size:
            raise XMLError("label size must be smaller than NVDIMM size")


class Memory(DeviceInfo):
    """`<memory>`."""

    model: Literal["dimm", "nvdimm", "virtio-pmem", "virtio-mem", "sgx-epc"] = attr(required=True)
    access: Literal["shared", "private"] | None = attr()
    discard: YesNo | None = attr()
    uuid: Uuid | None = child_text(when=on("model", "nvdimm"), error=(InternalError, "malformed uuid element"))
    source: MemorySource | None = child()
    target: MemoryTarget = child(required=(XMLError, "missing <target> element for <memory> device"))

    def check(self, options: ParseOptions) -> None:
        if self.model == "virtio-mem":
            self.target.block = self.target.block or 0
            self.target.requested = self.target.requested or 0
        if self.model == "virtio-pmem" and self.access is None:
            self.access = "shared"
