# SPDX-License-Identifier: LGPL-2.1-or-later
"""Security labels, key wrapping and confidential guests."""

from __future__ import annotations

from typing import Annotated, Literal

from conf.binding import Model, OnOff, Uint, YesNo, attr, child_text, children, number, on


class SecLabel(Model):
    """`<seclabel>` of a domain: the label its process runs with."""

    type: Literal["none", "dynamic", "static"] | None = attr()
    model: str | None = attr(empty_is_unset=True)
    relabel: YesNo | None = attr()
    label: str | None = child_text()
    baselabel: str | None = child_text()
    imagelabel: str | None = child_text(live=True)


class KeyWrapCipher(Model):
    """`<cipher>`."""

    name: Literal["aes", "dea"] = attr(required=True)
    state: OnOff = attr(required=True)


class KeyWrap(Model):
    """`<keywrap>`: which ciphers of an S/390 may wrap keys."""

    ciphers: list[KeyWrapCipher] = children("cipher")


class LaunchSecurity(Model):
    """`<launchSecurity>`: AMD SEV or Secure Execution."""

    type: Literal["sev", "s390-pv"] = attr(required=True)
    kernel_hashes: YesNo | None = attr("kernelHashes", when=on("type", "sev"))
    cbitpos: Uint | None = child_text(when=on("type", "sev"))
    reduced_phys_bits: Uint | None = child_text("reducedPhysBits", when=on("type", "sev"))
    policy: Annotated[int, number(base=0, form="#06x")] | None = child_text(when=on("type", "sev"))
    dh_cert: str | None = child_text("dhCert", when=on("type", "sev"))
    session: str | None = child_text(when=on("type", "sev"))
