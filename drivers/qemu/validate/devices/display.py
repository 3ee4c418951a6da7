# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of `<graphics>`, `<video>` and `<audio>`."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.graphics import Graphics
from conf.domain.devices.video import Video, VideoModel
from drivers.qemu.validate.complaints import contradiction, unsupported
from drivers.qemu.validate.devices.character import has_spice
from drivers.qemu.validate.question import Question
from virtd.errors import Code, VirtError

#: VNC's authentication looks at no more characters.
LONGEST_VNC_PASSWORD = 8
#: Model → the emulator's flags, of which one must be there.
_FLAGS = {
    "vga": ("VGA",),
    "cirrus": ("cirrus-vga",),
    "vmvga": ("vmware-svga",),
    "qxl": ("qxl",),
    "virtio": ("virtio-gpu", "virtio-gpu-ccw", "virtio-vga"),
    "bochs": ("bochs-display",),
    "ramfb": ("ramfb",),
}
#: Models that can be a second adapter.
_SECONDARY = ("qxl", "virtio")
_ONE_HEADED = ("vga", "cirrus", "vmvga", "bochs", "ramfb")
_RESOLUTION = ("vga", "qxl", "virtio", "bochs", "none")
#: In KiB: 32 bits of bytes, and the least a picture needs.
_MOST_MEMORY = (2**32 - 1) // 1024
_LEAST_MEMORY = 1024


def check_graphics(graphics: Graphics, question: Question) -> None:
    """Raise VirtError for a display that QEMU cannot show."""
    if graphics.type in ("rdp", "desktop"):
        raise unsupported(f"{graphics.type} graphics are not supported with this QEMU")
    if graphics.type == "spice" and not question.emulator.has("spice"):
        raise unsupported("spice graphics are not supported with this QEMU")
    if _is_headless(question.domain):
        _check_beside_headless(graphics)
    if graphics.type == "vnc" and graphics.passwd is not None:
        length = len(graphics.passwd.encode())
        if length > LONGEST_VNC_PASSWORD:
            raise unsupported(f"VNC password is {length} characters long, only {LONGEST_VNC_PASSWORD} permitted")
    if graphics.type == "spice" and (graphics.tls_port or 0) > 0 and not question.site.spice_tls:
        raise unsupported("spice TLS port set in XML configuration, but TLS is disabled in qemu.conf")
    if graphics.type == "dbus" and graphics.audio is not None:
        audios = {audio.id: audio.type for audio in question.domain.devices.audios}
        if audios.get(graphics.audio.id, "dbus") != "dbus":
            raise unsupported("The associated audio is not of 'dbus' kind.")


def _check_beside_headless(graphics: Graphics) -> None:
    if graphics.type not in ("egl-headless", "vnc", "spice"):
        raise unsupported("graphics type 'egl-headless' is only supported with one of: 'vnc', 'spice' graphics types")
    if graphics.type == "spice" and graphics.gl is not None and graphics.gl.enable:
        raise unsupported("multiple OpenGL displays are not supported by QEMU")


def _is_headless(domain: Domain) -> bool:
    """Whether a display draws without being one."""
    return any(graphics.type == "egl-headless" for graphics in domain.devices.graphics)


def check_video(video: Video, question: Question) -> None:
    """Raise VirtError for an adapter that QEMU does not have."""
    model = video.model
    if model is None or model.type == "none":
        return
    vhostuser = video.driver is not None and video.driver.name == "vhostuser"
    flags = _FLAGS.get(model.type, ())
    if not vhostuser and not any(question.emulator.has(flag) for flag in flags):
        raise unsupported(f"domain configuration does not support video model '{model.type}'")
    if not model.primary and model.type not in _SECONDARY:
        raise unsupported(f"video type '{model.type}' is only valid as primary video device")
    _check_acceleration(model)
    _check_memory(model)
    if model.type in _ONE_HEADED and model.heads != 1:
        raise unsupported(f"video type '{model.type}' doesn't support multiple 'heads'")
    if model.resolution is not None and model.type not in _RESOLUTION:
        raise contradiction("model resolution is not supported")


def _check_acceleration(model: VideoModel) -> None:
    acceleration = model.acceleration
    if acceleration is None:
        return
    if acceleration.accel2d:
        raise unsupported("qemu does not support the accel2d setting")
    if acceleration.accel3d and model.type != "virtio":
        raise unsupported("3d acceleration is supported only with 'virtio' video device")


def _check_memory(model: VideoModel) -> None:
    if model.type in ("vga", "vmvga") and model.vram and model.vram < _LEAST_MEMORY:
        raise unsupported("value for 'vram' must be at least 1 MiB (1024 KiB)")
    if model.type != "qxl":
        return
    for name in ("vram", "ram"):
        if (getattr(model, name) or 0) > _MOST_MEMORY:
            raise VirtError(Code.OVERFLOW, f"value for '{name}' must be less than '{_MOST_MEMORY}'")
    vgamem = model.vgamem
    if not vgamem:
        return
    if vgamem < _LEAST_MEMORY:
        raise unsupported("value for 'vgamem' must be at least 1 MiB (1024 KiB)")
    if vgamem & (vgamem - 1):
        raise unsupported("value for 'vgamem' must be power of two")


def check_audios(domain: Domain) -> None:
    """Raise VirtError for sound that would go nowhere."""
    if any(audio.type == "spice" for audio in domain.devices.audios) and not has_spice(domain):
        raise unsupported("Spice audio is not supported without spice graphics")
