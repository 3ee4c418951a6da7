# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<tpm>`: a trusted platform module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from conf.binding import FormatOptions, Model, ParseOptions, Uuid, YesNo, attr, child, irregular, on
from conf.domain.devices.info import DeviceInfo
from conf.errors import ConfigUnsupportedError, InternalError, XMLError

if TYPE_CHECKING:
    from lxml.etree import _Element

PCR_BANKS = ("sha1", "sha256", "sha384", "sha512")
DEFAULT_PATH = "/dev/tpm0"


class TPMDevice(Model):
    """`<device>`: the host's TPM."""

    path: str | None = attr()


class TPMEncryption(Model):
    """`<encryption>`: the secret that the emulator's state is encrypted with."""

    secret: Uuid | None = attr(error=(InternalError, "Unable to parse secret uuid '%s'"))


class TPMSource(Model):
    """`<source>`: the socket of an emulator that somebody else runs."""

    type: str | None = attr()
    mode: str | None = attr()
    path: str | None = attr()

    def check(self, options: ParseOptions) -> None:
        if self.type is None:
            raise XMLError("missing external TPM backend type")
        if self.type != "unix":
            raise XMLError("only source type 'unix' is supported for external TPM device")
        if self.path is None:
            raise XMLError("missing socket path for external TPM device")
        self.mode = self.mode or "connect"
        if self.mode != "connect":
            raise XMLError("only 'client' mode is supported for external TPM device")


def _parse_banks(element: _Element, _options: ParseOptions) -> tuple[str, ...]:
    given = {str(bank.tag) for bank in element if isinstance(bank.tag, str)}
    for bank in given.difference(PCR_BANKS):
        raise ConfigUnsupportedError(f"Unsupported PCR banks '{bank}'")
    return tuple(bank for bank in PCR_BANKS if bank in given)


def _format_banks(banks: tuple[str, ...], _options: FormatOptions) -> list[str]:
    return ["<active_pcr_banks>", *(f"  <{bank}/>" for bank in banks), "</active_pcr_banks>"] if banks else []


def _emulated() -> Any:
    return on("type", "emulator")


class TPMBackend(Model):
    """`<backend>`."""

    type: Literal["passthrough", "emulator", "external"] = attr(required=True)
    version: Literal["1.2", "2.0"] | None = attr(when=_emulated())
    persistent_state: YesNo | None = attr(
        when=_emulated(), error=(InternalError, "Invalid persistent_state value, either 'yes' or 'no'"), omit=False
    )
    encryption: TPMEncryption | None = child(when=_emulated())
    active_pcr_banks: tuple[str, ...] | None = irregular("active_pcr_banks", parse=_parse_banks, format=_format_banks)
    device: TPMDevice | None = child(when=on("type", "passthrough"))
    source: TPMSource | None = child(
        when=on("type", "external"), required=(XMLError, "missing external TPM backend type")
    )

    def check(self, options: ParseOptions) -> None:
        if self.type == "passthrough":
            self.device = self.device or TPMDevice()
            self.device.path = self.device.path or DEFAULT_PATH
        if self.type != "emulator":
            self.active_pcr_banks = None


class TPM(DeviceInfo):
    """`<tpm>`."""

    model: Literal["tpm-tis", "tpm-crb", "tpm-spapr", "spapr-tpm-proxy"] | None = attr()
    backend: TPMBackend = child(
        required=(XMLError, "missing TPM device backend"), only=(XMLError, "only one TPM backend is supported")
    )
