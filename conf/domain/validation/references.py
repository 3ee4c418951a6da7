# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names and numbers by which devices are told apart or refer to each other."""

from __future__ import annotations

from itertools import chain
from operator import attrgetter

from conf.domain.devices.chardev import Console
from conf.domain.devices.info import DeviceInfo, is_user_alias
from conf.domain.devices.kinds import kinds_with
from conf.domain.devices.sound import AudioReference
from conf.domain.domain import Domain
from conf.errors import ConfigUnsupportedError, XMLError

_bootable_kinds = attrgetter(*kinds_with("boot"))


def check_aliases(named: list[DeviceInfo]) -> None:
    """Names that users gave are given once; a console that is a serial port shares its name."""
    seen: set[str] = set()
    for device in named:
        alias = device.alias or ""
        if not is_user_alias(alias) or (isinstance(device, Console) and device.is_serial):
            continue
        if alias in seen:
            raise ConfigUnsupportedError(f"non unique alias detected: {alias}")
        seen.add(alias)


def check_boot_orders(domain: Domain) -> None:
    """One device a turn, and either turns or the older list of kinds."""
    seen: set[int] = set()
    for device in chain.from_iterable(_bootable_kinds(domain.devices)):
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
