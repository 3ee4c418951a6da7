# SPDX-License-Identifier: LGPL-2.1-or-later
"""Displays: servers, adapters, mediated devices that draw."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.graphics import Graphics
from conf.domain.devices.video import Video
from drivers.qemu.facts import EmulatorFacts, Site
from drivers.qemu.validate.complaints import unsupported

#: Adapters QEMU has, with its device for each where one is needed.
_VIDEO_FLAGS = {
    "vga": "VGA",
    "cirrus": "cirrus-vga",
    "vmvga": "vmware-svga",
    "qxl": "qxl",
    "bochs": "bochs-display",
    "ramfb": "ramfb",
}
_SECONDARY = ("qxl", "virtio")
_NO_HEADS = ("vga", "cirrus", "vmvga", "bochs", "ramfb")


def validate_displays(domain: Domain, emulator: EmulatorFacts, site: Site) -> None:
    """Displays and adapters are such as QEMU has here.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, one is not.
    """
    for graphics in domain.devices.graphics:
        _validate_graphics(graphics, emulator, site)
    _validate_videos(domain, emulator)
    _validate_mediated(domain)


def _validate_graphics(graphics: Graphics, emulator: EmulatorFacts, site: Site) -> None:
    if graphics.type in ("rdp", "desktop"):
        raise unsupported(f"unsupported graphics type '{graphics.type}'")
    if graphics.type == "spice":
        _validate_spice(graphics, emulator, site)


def _validate_spice(graphics: Graphics, emulator: EmulatorFacts, site: Site) -> None:
    if not emulator.has("spice"):
        raise unsupported("spice graphics are not supported with this QEMU")
    if site.spice_tls:
        return
    if graphics.tls_port and graphics.tls_port > 0:
        raise unsupported("spice TLS port set in XML configuration, but TLS is disabled in qemu.conf")
    if any(channel.mode == "secure" for channel in graphics.channels):
        raise unsupported("spice secure channels set in XML configuration, but TLS is disabled in qemu.conf")


def _validate_videos(domain: Domain, emulator: EmulatorFacts) -> None:
    videos = domain.devices.videos
    types = [video.model.type if video.model else "none" for video in videos]
    if "none" in types and len(types) > 1:
        raise unsupported("a 'none' video type must be the only video device defined for the domain")
    for number, (video, type_) in enumerate(zip(videos, types, strict=True)):
        _validate_video(video, type_, emulator)
        if number and type_ not in _SECONDARY:
            raise unsupported(f"video type '{type_}' is only valid as primary video device")


def _validate_video(video: Video, type_: str, emulator: EmulatorFacts) -> None:
    if type_ in ("xen", "vbox", "parallels", "gop"):
        raise unsupported(f"domain configuration does not support video model '{type_}'")
    if type_ in _VIDEO_FLAGS and not emulator.has(_VIDEO_FLAGS[type_]):
        raise unsupported(f"domain configuration does not support video model '{type_}'")
    if type_ == "ramfb" and video.address is not None:
        raise unsupported("address not supported for video type ramfb")
    if type_ in _NO_HEADS and video.model and video.model.heads != 1:
        raise unsupported(f"video type '{type_}' doesn't support multiple 'heads'")
    if type_ == "qxl" and video.model and video.model.vgamem:
        _validate_vgamem(video.model.vgamem)


def _validate_vgamem(kib: int) -> None:
    if kib < 1024:
        raise unsupported("value for 'vgamem' must be at least 1 MiB (1024 KiB)")
    if kib & (kib - 1):
        raise unsupported("value for 'vgamem' must be power of two")


def _validate_mediated(domain: Domain) -> None:
    mediated = [h for h in domain.devices.hostdevs if h.type == "mdev"]
    if any(h.display for h in mediated) and not domain.devices.graphics:
        raise unsupported("graphics device is needed for attribute value 'display=on' in <hostdev>")
    if sum(bool(h.ramfb) for h in mediated) > 1:
        raise unsupported("Only one vgpu device can have 'ramfb' enabled")
