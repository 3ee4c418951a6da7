# SPDX-License-Identifier: LGPL-2.1-or-later
"""Display adapters: the machine's usual one, memory sizes, and which is the primary one."""

from __future__ import annotations

from typing import Literal

from conf.domain import Domain
from conf.domain.devices.video import Video, VideoModel
from drivers.qemu import machines
from drivers.qemu.facts import EmulatorFacts
from virtd.errors import Code, VirtError

_MIB = 1024
#: KiB of video memory by model; the others have none of their own.
_VRAM = {"vga": 16 * _MIB, "cirrus": 16 * _MIB, "vmvga": 16 * _MIB, "bochs": 16 * _MIB, "qxl": 64 * _MIB}
_QXL_RAM = 64 * _MIB
_QXL_VGAMEM = 16 * _MIB


def complete_videos(domain: Domain, emulator: EmulatorFacts) -> None:
    """Models, sizes and the primary mark of all display adapters.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, two claim to be the primary one.
    """
    videos = domain.devices.videos
    for video in videos:
        _complete(video, domain, emulator)
    _order(videos)


def _complete(video: Video, domain: Domain, emulator: EmulatorFacts) -> None:
    model = video.model = video.model or VideoModel()
    if model.type == "default":
        model.type = _usual(domain, emulator)
    if model.vram is None or model.vram == 0:
        model.vram = _VRAM.get(model.type)
    else:
        model.vram = _power_of_two(model.vram)
    if model.type == "qxl":
        model.ram = _power_of_two(model.ram) if model.ram else _QXL_RAM
        model.vgamem = model.vgamem or _QXL_VGAMEM
    if model.type != "none":
        model.heads = 1 if model.heads is None else model.heads


def _usual(domain: Domain, emulator: EmulatorFacts) -> Literal["vga", "virtio", "cirrus"]:
    if machines.is_ppc64(domain):
        return "vga"
    if machines.is_arm_virt(domain) or machines.is_riscv_virt(domain) or machines.is_s390(domain):
        return "virtio"
    return "cirrus" if emulator.has("cirrus-vga") else "vga"


def _power_of_two(size: int) -> int:
    """The next one that is not less."""
    return 1 << (size - 1).bit_length()


def _order(videos: list[Video]) -> None:
    """The primary adapter comes first; without a mark the first is it."""
    primaries = [n for n, video in enumerate(videos) if video.model and video.model.primary]
    if len(primaries) > 1:
        raise VirtError(Code.CONFIG_UNSUPPORTED, "Only one primary video device is supported")
    if primaries:
        videos.insert(0, videos.pop(primaries[0]))
    elif videos and videos[0].model and videos[0].model.type != "none":
        videos[0].model.primary = True
