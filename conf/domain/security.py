# SPDX-License-Identifier: LGPL-2.1-or-later
"""Security labels, key wrapping and confidential guests."""

from __future__ import annotations

from typing import Annotated, Literal

from conf.binding import Model, OnOff, ParseOptions, Uint, YesNo, attr, child_text, children, number, on
from conf.errors import ConfigUnsupportedError, InternalError, XMLDetailError, XMLError


class SecLabel(Model):
    """`<seclabel>` of a domain: the label its process runs with."""

    type: Literal["none", "dynamic", "static"] | None = attr()
    model: str | None = attr(empty_is_unset=True)
    relabel: YesNo | None = attr()
    label: str | None = child_text()
    baselabel: str | None = child_text()
    imagelabel: str | None = child_text(live=True, transient=True)

    def check(self, options: ParseOptions) -> None:
        if self.type == "static" and self.label is None:
            raise XMLError("security label is missing")
        if self.type == "dynamic" and self.relabel is False:
            raise ConfigUnsupportedError("dynamic label type must use resource relabeling")
        if self.type == "none" and self.relabel:
            raise ConfigUnsupportedError("resource relabeling is not compatible with 'none' label type")
        if self.type == "none":
            self.relabel = self.label = None
        elif self.relabel is None:
            self.relabel = self.type == "dynamic"
        if self.type == "dynamic" and options.inactive:
            self.label = None
        if self.type != "dynamic":
            self.baselabel = None


def settled_labels(labels: list[SecLabel]) -> list[SecLabel]:
    """The labels of a domain: one for each security model; one that says nothing is left out.

    Raises:
        ConfError: a model is missing or named twice.
    """
    models = [label.model for label in labels if label.model is not None]
    for i, model in enumerate(models):
        if model in models[:i]:
            raise XMLDetailError(f"seclabel for model {model} is already provided")
    for label in labels:
        if label.model is None:
            _settle_model(label, only=len(labels) == 1)
        if label.model == "none":
            # The only label of that model.
            label.type = "none"
            label.relabel = label.label = label.baselabel = None
    return [label for label in labels if label.type is not None]


def _settle_model(label: SecLabel, *, only: bool) -> None:
    """A label that names no security model."""
    if not only:
        raise XMLError("missing security model when using multiple labels")
    if label.type in (None, "static"):
        raise XMLError("missing security model in domain seclabel")
    # No security driver is loaded.
    label.model = "none"


class KeyWrapCipher(Model):
    """`<cipher>`."""

    name: Literal["aes", "dea"] = attr(required=True)
    state: OnOff = attr(required=True)


class KeyWrap(Model):
    """`<keywrap>`: which ciphers of an S/390 may wrap keys."""

    ciphers: list[KeyWrapCipher] = children("cipher")

    def check(self, options: ParseOptions) -> None:
        names = [cipher.name for cipher in self.ciphers]
        for i, name in enumerate(names):
            if name in names[:i]:
                raise InternalError(f"A domain definition can have no more than one cipher node with name {name}")
        self.ciphers.sort(key=lambda cipher: cipher.name)


_NO_POLICY = (XMLError, "failed to get launch security policy")


class LaunchSecurity(Model):
    """`<launchSecurity>`: AMD SEV or Secure Execution."""

    type: Literal["sev", "s390-pv"] = attr(required=True)
    kernel_hashes: YesNo | None = attr("kernelHashes", when=on("type", "sev"))
    cbitpos: Uint | None = child_text(when=on("type", "sev"))
    reduced_phys_bits: Uint | None = child_text("reducedPhysBits", when=on("type", "sev"))
    policy: Annotated[int, number(base=0, form="#06x")] | None = child_text(
        when=on("type", "sev"), required=_NO_POLICY, error=_NO_POLICY
    )
    dh_cert: str | None = child_text("dhCert", when=on("type", "sev"))
    session: str | None = child_text(when=on("type", "sev"))
