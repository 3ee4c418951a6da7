# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of `<graphics>` and `<video>`."""

from __future__ import annotations

from conf.domain.devices.graphics import Graphics
from conf.domain.devices.video import Video
from conf.domain.domain import Domain
from conf.domain.validation.virtio import refuse_virtio_options
from conf.errors import ConfigUnsupportedError, XMLError


def check_graphics(graphics: Graphics, _domain: Domain) -> None:
    """Raise ConfError for a server that cannot be."""
    if graphics.type == "dbus" and graphics.p2p and graphics.address is not None:
        raise XMLError("D-Bus p2p with an address is not supported")
    if any(listen.type == "network" and listen.network is None for listen in graphics.listens):
        raise XMLError("'network' attribute is required for listen type 'network'")
    if graphics.type == "rdp":
        for listen in graphics.listens:
            if listen.type in ("none", "socket"):
                raise ConfigUnsupportedError(f"listen type '{listen.type}' is not available for graphics type 'rdp'")


def check_video(video: Video, _domain: Domain) -> None:
    """Raise ConfError for an adapter that cannot be."""
    model = video.model
    if model is None:
        return
    vhostuser = video.driver is not None and video.driver.name == "vhostuser"
    if vhostuser and model.type != "virtio":
        raise ConfigUnsupportedError("'vhostuser' driver is only supported with 'virtio' device")
    if not vhostuser and model.acceleration and model.acceleration.rendernode is not None:
        raise ConfigUnsupportedError("unsupported rendernode accel attribute without 'vhostuser'")
    if model.resolution and not (model.resolution.x and model.resolution.y):
        raise ConfigUnsupportedError("video resolution values must be greater than 0")
    if model.type != "virtio":
        refuse_virtio_options(video.driver)
    if model.type == "ramfb" and video.address is not None:
        raise ConfigUnsupportedError("address not supported for video type ramfb")


def check_videos(domain: Domain) -> None:
    """Raise ConfError for adapters that cannot be together."""
    videos = domain.devices.videos
    if len(videos) < 2:
        return
    if any(video.model and video.model.type == "none" for video in videos):
        raise ConfigUnsupportedError("a 'none' video type must be the only video device defined for the domain")
    if sum(1 for video in videos if video.model and video.model.primary) > 1:
        raise ConfigUnsupportedError("Only one primary video device is supported")
