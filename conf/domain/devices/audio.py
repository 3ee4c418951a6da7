# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<audio>`: the host's end of sound."""

from __future__ import annotations

from typing import Literal

from conf.binding import Int, Model, ParseOptions, Positive, Uint, YesNo, attr, child, on
from conf.binding.fields import Condition
from conf.errors import ConfigUnsupportedError, XMLError


def _for(*types: str) -> Condition:
    return on("../type", *types)


class AudioSettings(Model):
    """`<settings>`: a fixed sample format."""

    frequency: Positive | None = attr()
    channels: Positive | None = attr()
    format: Literal["s8", "u8", "s16", "u16", "s32", "u32", "f32"] | None = attr()


class AudioIO(Model):
    """`<input>` or `<output>`.  `buffer_length` and `latency` are microseconds."""

    mixing_engine: YesNo | None = attr("mixingEngine")
    fixed_settings: YesNo | None = attr("fixedSettings")
    voices: Positive | None = attr()
    buffer_length: Positive | None = attr("bufferLength")
    server_name: str | None = attr("serverName", when=_for("jack"))
    client_name: str | None = attr("clientName", when=_for("jack"))
    connect_ports: str | None = attr("connectPorts", when=_for("jack"))
    exact_name: YesNo | None = attr("exactName", when=_for("jack"))
    dev: str | None = attr(when=_for("alsa", "oss"))
    buffer_count: Uint | None = attr("bufferCount", when=_for("coreaudio", "oss", "sdl"), omit=0)
    try_poll: YesNo | None = attr("tryPoll", when=_for("oss"))
    name: str | None = attr(when=_for("pulseaudio"))
    stream_name: str | None = attr("streamName", when=_for("pulseaudio"))
    latency: Uint | None = attr(when=_for("pulseaudio"), omit=0)
    settings: AudioSettings | None = child(keep_empty=True)

    def check(self, options: ParseOptions) -> None:
        if self.settings is not None and not self.fixed_settings:
            raise ConfigUnsupportedError("audio settings specified without fixed settings flag")
        if self.fixed_settings and not self.mixing_engine:
            raise ConfigUnsupportedError("fixed audio settings requires mixing engine")
        if self.fixed_settings and self.settings is None:
            self.settings = AudioSettings()


class Audio(Model):
    """`<audio>`.  `timer_period` is in microseconds."""

    id: Positive = attr(required=True)
    type: Literal["none", "alsa", "coreaudio", "jack", "oss", "pulseaudio", "sdl", "spice", "file", "dbus"] = attr(
        required=True
    )
    timer_period: Positive | None = attr("timerPeriod")
    server_name: str | None = attr("serverName", when=on("type", "pulseaudio"))
    driver: Literal["esd", "alsa", "arts", "pulseaudio"] | None = attr(when=on("type", "sdl"))
    path: str | None = attr(when=on("type", "file"))
    try_mmap: YesNo | None = attr("tryMMap", when=on("type", "oss"))
    exclusive: YesNo | None = attr(when=on("type", "oss"))
    dsp_policy: Int | None = attr("dspPolicy", when=on("type", "oss"))
    input: AudioIO | None = child()
    output: AudioIO | None = child()

    def check(self, options: ParseOptions) -> None:
        self.input = None if self.input == AudioIO() else self.input
        self.output = None if self.output == AudioIO() else self.output
        if self.dsp_policy is not None and self.dsp_policy < 0:
            raise XMLError(f"cannot parse 'dspPolicy' value '{self.dsp_policy}'")
