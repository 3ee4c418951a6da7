# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of character devices, and of what is reached through one."""

from __future__ import annotations

from conf.domain.devices.chardev import Console
from conf.domain.devices.chardev_source import CharacterBackend, check_source
from conf.domain.devices.rng import RNG
from conf.domain.devices.smartcard import Smartcard
from conf.domain.domain import Domain


def check_character(device: CharacterBackend, _domain: Domain) -> None:
    """Raise ConfError for a source that lacks something."""
    check_source(device)


def check_console(console: Console, domain: Domain) -> None:
    """As other devices, unless it is a serial port once more."""
    if not console.is_serial:
        check_character(console, domain)


def check_rng(rng: RNG, domain: Domain) -> None:
    """Raise ConfError for a daemon that is not to be found."""
    if rng.backend.model == "egd":
        check_character(rng.backend, domain)


def check_passed_card(smartcard: Smartcard, domain: Domain) -> None:
    """Raise ConfError for a reader that is not to be found."""
    if smartcard.mode == "passthrough":
        check_character(smartcard, domain)
