# SPDX-License-Identifier: LGPL-2.1-or-later
"""Graphics adapters the guest sees."""

from __future__ import annotations

from conf.domain.devices.address import CCWAddress
from conf.domain.devices.video import Video, VideoModel
from drivers.qemu.capabilities.arch import S390
from drivers.qemu.command.address import add_device, address_props
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Props, comma_list, props
from drivers.qemu.command.virtio import virtio_props
from virtd.errors import Code, VirtError

_KIB = 1024

#: Model → the device of the first adapter, and that of the others.
_DRIVERS = {
    "vga": ("VGA", "VGA"),
    "cirrus": ("cirrus-vga", "cirrus-vga"),
    "vmvga": ("vmware-svga", "vmware-svga"),
    "qxl": ("qxl-vga", "qxl"),
    "bochs": ("bochs-display", "bochs-display"),
    "ramfb": ("ramfb", "ramfb"),
}


def add_videos(build: Build, line: CommandLine) -> None:
    """All adapters, the primary one first."""
    for video in build.domain.devices.videos:
        if _model(video).type == "none":
            continue
        if _is_vhost_user(video):
            socket = f"{build.context.domain_dir}/{video.alias}-vhost-user-gpu.sock"
            line.add("-chardev", comma_list(["socket", ("id", f"chr-vu-{video.alias}"), ("path", socket)]))
        add_device(line, video, video_props(build, video))


def _model(video: Video) -> VideoModel:
    return video.model or VideoModel()


def _is_vhost_user(video: Video) -> bool:
    return video.driver is not None and video.driver.name == "vhostuser"


def video_props(build: Build, video: Video) -> Props:
    """-device of an adapter.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, QEMU has no such adapter.
    """
    model = _model(video)
    own = _virtio(build, video) if model.type == "virtio" else {"driver": _driver(model)}
    return props(
        {
            **own,
            "id": video.alias,
            **_sizes(model),
            "xres": model.resolution.x if model.resolution else None,
            "yres": model.resolution.y if model.resolution else None,
            "chardev": f"chr-vu-{video.alias}" if _is_vhost_user(video) else None,
            **address_props(build, video),
        }
    )


def _driver(model: VideoModel) -> str:
    first, other = _DRIVERS.get(model.type, (None, None))
    found = first if model.primary else other
    if found is None:
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"invalid model for video type '{model.type}'")
    return found


def _sizes(model: VideoModel) -> Props:
    match model.type:
        case "qxl":
            return {
                "max_outputs": model.heads or None,
                "ram_size": (model.ram or 0) * _KIB,
                "vram_size": (model.vram or 0) * _KIB,
                "vram64_size_mb": (model.vram64 or 0) // _KIB,
                "vgamem_mb": (model.vgamem or 0) // _KIB,
            }
        case "virtio":
            return {"max_outputs": model.heads or None}
        case "vga" | "vmvga":
            return {"vgamem_mb": model.vram // _KIB if model.vram else None}
        case "bochs":
            return {"vgamem": model.vram * _KIB if model.vram else None}
        case _:
            return {}


def _virtio(build: Build, video: Video) -> Props:
    """A virtio adapter; the first one of a PC is a VGA adapter, too."""
    model = _model(video)
    accelerated = model.acceleration is not None and bool(model.acceleration.accel3d)
    as_vga = model.primary and build.caps.has("virtio-vga") and not isinstance(video.address, CCWAddress)
    as_vga = as_vga and build.arch not in S390
    vhost_user = _is_vhost_user(video)
    if as_vga:
        kind = "vhost-user-vga" if vhost_user else "virtio-vga"
        named = virtio_props(build, kind, video, video.driver, None) | {"driver": kind}
    else:
        named = virtio_props(build, "vhost-user-gpu" if vhost_user else "virtio-gpu", video, video.driver, None)
    if accelerated and not vhost_user:
        if build.caps.has("virtio-vga-gl" if as_vga else "virtio-gpu-gl-pci"):
            named["driver"] = _with_gl(named["driver"])
        else:
            named["virgl"] = "on"
    return named


def _with_gl(driver: str) -> str:
    """`virtio-gpu-pci` → `virtio-gpu-gl-pci`, `virtio-vga` → `virtio-vga-gl`."""
    return driver.replace("virtio-gpu-", "virtio-gpu-gl-") if "gpu" in driver else f"{driver}-gl"
