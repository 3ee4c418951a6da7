# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<cpu>`: the guest's processor model, features and topology."""

from __future__ import annotations

from typing import Annotated, Literal

from conf.binding import (
    Model,
    OnOff,
    ParseOptions,
    Positive,
    Uint,
    attr,
    child,
    child_text,
    children,
    number,
    text,
)
from conf.domain.numa import CPUNuma
from conf.errors import ConfigUnsupportedError, XMLError


class CPUModel(Model):
    """`<model>`; `vendor_id` is the CPUID vendor shown to the guest."""

    fallback: Literal["allow", "forbid"] | None = attr(
        error=(ConfigUnsupportedError, "Invalid fallback attribute"), empty_is_unset=True
    )
    vendor_id: str | None = attr(empty_is_unset=True)
    name: str | None = text()

    def check(self, options: ParseOptions) -> None:
        if self.vendor_id is not None and len(self.vendor_id.encode()) != 12:
            raise XMLError("vendor_id must be exactly 12 characters long")
        if self.vendor_id is not None and "," in self.vendor_id:
            raise XMLError("vendor id is invalid")


class CPUTopology(Model):
    """`<topology>`."""

    sockets: Positive = attr(required=True)
    dies: Positive = attr(default=1)
    cores: Positive = attr(required=True)
    threads: Positive = attr(required=True)


class CPUCache(Model):
    """`<cache>`: how the cache looks from within the guest."""

    level: Annotated[int, number(1, 3)] | None = attr(
        error=(XMLError, "invalid CPU cache level, must be in range [1,3]")
    )
    mode: Literal["emulate", "passthrough", "disable"] = attr(required=True)


class CPUMaxPhysAddr(Model):
    """`<maxphysaddr>`: bits of physical addresses."""

    mode: Literal["emulate", "passthrough"] = attr(required=True)
    bits: Uint | None = attr()


class CPUFeature(Model):
    """`<feature>`."""

    policy: Literal["force", "require", "optional", "disable", "forbid"] = attr(
        default="require", error=(ConfigUnsupportedError, "Invalid CPU feature policy")
    )
    name: str = attr(required=(XMLError, "Invalid CPU feature name"), empty_is_unset=True)


class CPU(Model):
    """`<cpu>`."""

    mode: Literal["custom", "host-model", "host-passthrough", "maximum"] | None = attr(
        error=(ConfigUnsupportedError, "Invalid mode attribute '%s'")
    )
    match: Literal["minimum", "exact", "strict"] | None = attr()
    check_: Literal["default", "none", "partial", "full"] | None = attr("check", omit="default")
    migratable: OnOff | None = attr()
    model: CPUModel | None = child()
    vendor: str | None = child_text()
    topology: CPUTopology | None = child()
    cache: CPUCache | None = child(only=(XMLError, "at most one CPU cache element may be specified"))
    maxphysaddr: CPUMaxPhysAddr | None = child()
    features: list[CPUFeature] = children("feature")
    numa: CPUNuma | None = child()

    def check(self, options: ParseOptions) -> None:
        if self.check_ == "default":
            self.check_ = None
        self._check_mode()
        self._check_model()
        names: set[str] = set()
        for feature in self.features:
            if feature.name in names:
                raise XMLError(f"CPU feature '{feature.name}' specified more than once")
            names.add(feature.name)

    def _check_mode(self) -> None:
        """Without a model, "custom" says nothing; a match is for a model only."""
        if self.mode is None or self.mode == "custom":
            has_model = self.model is not None and self.model.name is not None
            self.mode = "custom" if has_model else None
            self.match = (self.match or "exact") if has_model else None
        else:
            self.match = None
        if self.migratable is not None and self.mode not in ("host-passthrough", "maximum"):
            raise ConfigUnsupportedError(
                "Attribute migratable is only allowed for 'host-passthrough' / 'maximum' CPU mode"
            )

    def _check_model(self) -> None:
        model = self.model
        named = model is not None and model.name is not None
        if self.vendor is not None and not named:
            raise XMLError("CPU vendor specified without CPU model")
        if self.mode is None and self.features:
            raise XMLError("Non-empty feature list specified without CPU model")
        if self.mode in ("host-passthrough", "maximum"):
            # The host decides both.
            self.model = self.vendor = None
        elif not named and self.mode != "host-model":
            self.model = None
        elif model is not None and named:
            model.fallback = model.fallback or "allow"
