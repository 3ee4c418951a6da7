# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names and numbers by which devices are told apart or refer to each other."""

from __future__ import annotations

from conf.domain.devices.info import is_user_alias
from conf.domain.devices.kinds import all_devices, kinds_with
from conf.domain.domain import Domain
from conf.errors import ConfigUnsupportedError, XMLError

#: Kinds of devices that have a name, and those that a guest may boot from.
_NAMED = kinds_with("alias")
_BOOTABLE = kinds_with("boot")


def check_aliases(domain: Domain) -> None:
    """Names that users gave are given once; a console that is a serial port shares its name."""
    seen: set[str] = set()
    for device in all_devices(domain.devices, _NAMED):
        alias = device.alias
        if alias is None or not is_user_alias(alias) or getattr(device, "is_serial", False):
            continue
        if alias in seen:
            raise ConfigUnsupportedError(f"non unique alias detected: {alias}")
        seen.add(alias)


def check_boot_orders(domain: Domain) -> None:
    """One device a turn, and either turns or the older list of kinds."""
    seen: set[int] = set()
    for device in all_devices(domain.devices, _BOOTABLE):
        boot = device.boot
        if boot is None:
            continue
        if domain.os.boots:
            raise ConfigUnsupportedError("per-device boot elements cannot be used together with os/boot elements")
        if boot.order in seen:
            raise ConfigUnsupportedError(f"boot order '{boot.order}' used for more than one device")
        seen.add(boot.order)


def check_audio(domain: Domain) -> None:
    """Audio backends have different numbers, and who refers to one finds it."""
    known: set[int] = set()
    for audio in domain.devices.audios:
        if audio.id in known:
            raise XMLError(f"audio ID {audio.id} is used multiple times")
        known.add(audio.id)
    references = [sound.audio for sound in domain.devices.sounds]
    # libvirt does not look at those of a D-Bus display
    references += [graphics.audio for graphics in domain.devices.graphics if graphics.type != "dbus"]
    for reference in references:
        if reference is not None and reference.id not in known:
            raise XMLError(f"no audio device with ID {reference.id}")
