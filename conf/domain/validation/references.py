# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names and numbers by which devices are told apart or refer to each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conf.domain.devices.info import is_user_alias
from conf.domain.devices.kinds import all_devices, kinds_with
from conf.domain.devices.sound import AudioReference
from conf.domain.domain import Domain
from conf.errors import ConfigUnsupportedError, XMLError

#: Kinds of devices that have a name, and those that a guest may boot from.
_NAMED = frozenset(kinds_with("alias"))
_BOOTABLE = kinds_with("boot")


def check_aliases(devices: dict[str, Sequence[Any]]) -> None:
    """Names that users gave are given once, among the devices of all kinds."""
    seen: set[str] = set()
    for kind, found in devices.items():
        if kind not in _NAMED:
            continue
        for device in found:
            if device.alias is None or not is_user_alias(device.alias):
                continue
            if kind == "consoles" and device.is_serial:
                continue  # shares its name with the port
            if device.alias in seen:
                raise ConfigUnsupportedError(f"non unique alias detected: {device.alias}")
            seen.add(device.alias)


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
    for sound in domain.devices.sounds:
        _check_audio_reference(sound.audio, known)
    for graphics in domain.devices.graphics:
        if graphics.type != "dbus":  # libvirt does not look at those
            _check_audio_reference(graphics.audio, known)


def _check_audio_reference(reference: AudioReference | None, known: set[int]) -> None:
    if reference is not None and reference.id not in known:
        raise XMLError(f"no audio device with ID {reference.id}")
