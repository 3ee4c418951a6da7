# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of the firmware that `<os>` asks for."""

from __future__ import annotations

from conf.domain.domain import Domain
from conf.domain.os import OS, Loader
from conf.errors import XMLDetailError


def check_firmware(domain: Domain) -> None:
    """Raise XMLDetailError for a choice of firmware that contradicts itself."""
    os = domain.os
    if os.firmware is None:
        _check_named(os)
    else:
        _check_chosen(os)
    if os.loader is not None:
        _check_stateless(os, os.loader)


def _check_named(os: OS) -> None:
    """Firmware by its path."""
    if os.firmware_features is not None and os.firmware_features.features:
        raise XMLDetailError("cannot use feature-based firmware autoselection when firmware autoselection is disabled")
    if (os.loader is not None or os.nvram is not None) and (os.loader is None or os.loader.path is None):
        raise XMLDetailError("no loader path specified and firmware auto selection disabled")


def _check_chosen(os: OS) -> None:
    """Firmware that is found by what it can do."""
    asked = {f.name: f.enabled for f in os.firmware_features.features} if os.firmware_features else {}
    if asked.get("enrolled-keys") and asked.get("secure-boot") is False:
        raise XMLDetailError(
            "firmware feature 'enrolled-keys' cannot be enabled when firmware feature 'secure-boot' is disabled"
        )
    loader = os.loader
    if loader is not None:
        given = {
            "readonly": loader.readonly is not None,
            # A path without a type is a ROM.
            "type": loader.type is not None or loader.path is not None,
            # Secure memory is something to look for, its absence is not.
            "secure": loader.secure is False,
        }
        for name in (name for name, there in given.items() if there):
            raise XMLDetailError(
                f"loader attribute '{name}' cannot be specified when firmware autoselection is enabled"
            )
    if os.nvram is None:
        return
    if os.nvram.template is not None:
        raise XMLDetailError("nvram attribute 'template' cannot be specified when firmware autoselection is enabled")
    if os.firmware != "efi":
        raise XMLDetailError(f"firmware type '{os.firmware}' does not support nvram")


def _check_stateless(os: OS, loader: Loader) -> None:
    """Whether the firmware keeps variables."""
    if loader.stateless:
        if os.nvram is not None and os.nvram.template is not None:
            raise XMLDetailError("NVRAM template is not permitted when loader is stateless")
        if os.nvram is not None and (os.nvram.path is not None or os.nvram.source is not None):
            raise XMLDetailError("NVRAM is not permitted when loader is stateless")
    elif loader.stateless is False:
        if os.firmware is None and loader.type != "pflash":
            raise XMLDetailError("Only pflash loader type permits NVRAM")
        if os.firmware not in (None, "efi"):
            raise XMLDetailError("Only EFI firmware permits NVRAM")
