# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sound: back ends of the host (-audiodev) and the cards the guest sees."""

from __future__ import annotations

from conf.domain.devices.audio import Audio, AudioIO
from conf.domain.devices.sound import AudioReference, Sound, SoundCodec
from drivers.qemu.command.address import add_device, address_props
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Props, props
from virtd.errors import Code, VirtError

#: libvirt's name for a back end → QEMU's, where they differ.
_DRIVERS = {"pulseaudio": "pa", "file": "wav"}

_CARDS = {
    "es1370": "ES1370",
    "ac97": "AC97",
    "ich6": "intel-hda",
    "ich9": "ich9-intel-hda",
    "usb": "usb-audio",
    "sb16": "sb16",
}
_WITH_CODECS = ("ich6", "ich9")


def add_audio(build: Build, line: CommandLine) -> None:
    """-audiodev of all back ends, and what SDL wants to know by environment."""
    for audio in build.domain.devices.audios:
        line.add_json("-audiodev", audiodev_props(audio))
        if audio.type == "sdl" and audio.driver:
            line.env["SDL_AUDIODRIVER"] = audio.driver


def audiodev_props(audio: Audio) -> Props:
    """-audiodev."""
    own: Props = {}
    match audio.type:
        case "pulseaudio":
            own = {"server": audio.server_name}
        case "file":
            own = {"path": audio.path}
        case "oss":
            own = {"try-mmap": audio.try_mmap, "exclusive": audio.exclusive, "dsp-policy": audio.dsp_policy}
        case _:
            pass
    return props(
        {
            "id": f"audio{audio.id}",
            "driver": _DRIVERS.get(audio.type, audio.type),
            "timer-period": audio.timer_period,
            **own,
            "in": _direction(audio.input) or None,
            "out": _direction(audio.output) or None,
        }
    )


def _direction(io: AudioIO | None) -> Props:
    if io is None:
        return {}
    settings = io.settings
    return props(
        {
            "mixing-engine": io.mixing_engine,
            "fixed-settings": io.fixed_settings,
            "voices": io.voices,
            "buffer-length": io.buffer_length,
            "frequency": settings.frequency if settings else None,
            "channels": settings.channels if settings else None,
            "format": settings.format if settings else None,
            "server-name": io.server_name,
            "client-name": io.client_name,
            "connect-ports": io.connect_ports,
            "exact-name": io.exact_name,
            "dev": io.dev,
            "buffer-count": io.buffer_count or None,
            "try-poll": io.try_poll,
            "name": io.name,
            "stream-name": io.stream_name,
            "latency": io.latency or None,
        }
    )


def audio_id(build: Build, reference: AudioReference | None) -> str | None:
    """The back end that a device uses: the one it names, else the first.

    Raises:
        VirtError: INTERNAL_ERROR, there is none of the number that the device names.
    """
    audios = build.domain.devices.audios
    if reference is not None:
        if all(audio.id != reference.id for audio in audios):
            raise VirtError(Code.INTERNAL_ERROR, "unable to find audio backend for sound device")
        return f"audio{reference.id}"
    return f"audio{min(a.id for a in audios)}" if audios else None


def add_sounds(build: Build, line: CommandLine) -> None:
    """The guest's sound cards."""
    for sound in build.domain.devices.sounds:
        if sound.model == "pcspk":
            line.add("-soundhw", "pcspk")
            continue
        add_device(line, sound, sound_props(build, sound))
        if sound.model in _WITH_CODECS:
            for number, codec in enumerate(sound.codecs or [SoundCodec(type="duplex")]):
                line.add_json("-device", codec_props(build, sound, codec, number))


def sound_props(build: Build, sound: Sound) -> Props:
    """-device of a sound card; those with codecs leave the sound to them."""
    return props(
        {
            "driver": _CARDS[sound.model],
            "id": sound.alias,
            "audiodev": None if sound.model in _WITH_CODECS else audio_id(build, sound.audio),
            **address_props(build, sound),
        }
    )


def codec_props(build: Build, sound: Sound, codec: SoundCodec, number: int) -> Props:
    """-device of a codec on its card's bus."""
    return props(
        {
            "driver": f"hda-{codec.type}",
            "id": f"{sound.alias}-codec{number}",
            "bus": f"{sound.alias}.0",
            "cad": number,
            "audiodev": audio_id(build, sound.audio),
        }
    )
