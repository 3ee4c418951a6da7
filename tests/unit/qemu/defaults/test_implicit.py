# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a definition gets although it does not say so."""

from __future__ import annotations

import pytest

from conf.domain import Domain
from tests.fakes.emulators import FakeEmulator, define
from virtd.errors import Code, VirtError


def controllers(domain: Domain) -> list[tuple[str, int | None, str | None]]:
    return [(c.type, c.index, c.model) for c in domain.devices.controllers if c.model != "pcie-root-port"]


@pytest.mark.parametrize(
    ("arch", "machine", "expected"),
    [
        ("x86_64", "pc", [("usb", 0, "piix3-uhci"), ("pci", 0, "pci-root")]),
        ("x86_64", "q35", [("usb", 0, "qemu-xhci"), ("sata", 0, None), ("pci", 0, "pcie-root")]),
        ("aarch64", "virt", [("pci", 0, "pcie-root")]),
        ("riscv64", "virt", [("pci", 0, "pcie-root")]),
        ("ppc64", "pseries", [("usb", 0, "qemu-xhci"), ("pci", 0, "pci-root")]),
        ("s390x", "s390-ccw-virtio", [("pci", 0, "pci-root")]),
    ],
)
def test_controllers_of_the_machine(arch: str, machine: str, expected: list[tuple[str, int, str | None]]) -> None:
    assert controllers(define(arch=arch, machine=machine)) == expected


def test_usb_2_where_usb_3_is_missing() -> None:
    domain = define(machine="q35", emulator=FakeEmulator(lacks=frozenset({"qemu-xhci", "nec-usb-xhci"})))
    assert [c[2] for c in controllers(domain) if c[0] == "usb"] == [
        "ich9-ehci1",
        "ich9-uhci1",
        "ich9-uhci2",
        "ich9-uhci3",
    ]


def test_the_wrong_root_is_refused() -> None:
    with pytest.raises(VirtError, match=r"must be model='pci-root' for this machine type, but model='pcie-root' was"):
        define("<controller type='pci' index='0' model='pcie-root'/>")


def test_inputs_of_a_pc() -> None:
    domain = define("<input type='tablet'/><input type='mouse'/>")
    assert [(i.type, i.bus) for i in domain.devices.inputs] == [
        ("tablet", "usb"),
        ("mouse", "ps2"),
        ("keyboard", "ps2"),
    ]


def test_inputs_of_a_pseries_guest_come_with_its_display() -> None:
    assert define(arch="ppc64", machine="pseries").devices.inputs == []
    domain = define("<graphics type='vnc'/>", arch="ppc64", machine="pseries")
    assert [(i.type, i.bus) for i in domain.devices.inputs] == [("keyboard", "usb"), ("mouse", "usb")]


@pytest.mark.parametrize(
    ("displays", "backend"),
    [
        ("", "none"),
        ("<graphics type='vnc'/>", "none"),
        ("<graphics type='spice'/>", "spice"),
        ("<graphics type='vnc'/><graphics type='spice'/>", "spice"),
        ("<graphics type='spice'/><graphics type='sdl'/>", None),
    ],
)
def test_sound_goes_where_the_display_goes(displays: str, backend: str | None) -> None:
    assert [a.type for a in define(displays).devices.audios] == ([backend] if backend else [])


@pytest.mark.parametrize(
    ("arch", "machine", "model"),
    [("x86_64", "pc", "cirrus"), ("aarch64", "virt", "virtio"), ("ppc64", "pseries", "vga")],
)
def test_a_display_has_an_adapter(arch: str, machine: str, model: str) -> None:
    (video,) = define("<graphics type='vnc'/>", arch=arch, machine=machine).devices.videos
    assert video.model
    assert (video.model.type, video.model.primary, video.model.heads) == (model, True, 1)


def test_qxl_sizes() -> None:
    (video,) = define("<video><model type='qxl' vram='60000'/></video>").devices.videos
    assert video.model
    assert (video.model.ram, video.model.vram, video.model.vgamem) == (65536, 65536, 16384)


def test_the_primary_adapter_comes_first() -> None:
    domain = define("<video><model type='qxl'/></video><video><model type='vga' primary='yes'/></video>")
    assert [v.model.type for v in domain.devices.videos if v.model] == ["vga", "qxl"]


def test_memballoon_and_panic() -> None:
    assert define().devices.memballoon is not None
    assert define(arch="aarch64", machine="virt").devices.memballoon is None
    assert [p.model for p in define(arch="s390x", machine="s390-ccw-virtio").devices.panics] == ["s390"]
    assert [p.model for p in define("<panic/>").devices.panics] == ["isa"]


def test_unknown_architecture() -> None:
    with pytest.raises(VirtError, match="No emulator found for arch 'sparc'") as caught:
        define(arch="sparc", machine="SS-5")
    assert caught.value.code == Code.CONFIG_UNSUPPORTED
