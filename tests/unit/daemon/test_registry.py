# SPDX-License-Identifier: LGPL-2.1-or-later
"""Drivers are found, started once, restored when they left something, and stopped."""

from __future__ import annotations

import asyncio
import errno
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from drivers.base import Driver
from drivers.registry import SERVICES, Registry
from tests.fakes.driver import ENTRY_POINTS, FakeDriver
from virtd.calls import Connection, Identity
from virtd.errors import Code, From, VirtError
from virtd.host.paths import Paths


class Hesitant(FakeDriver):
    """Starts when it is told to, and fails the first time if it is told to."""

    gate: asyncio.Event
    starts = 0
    fail_first = False
    unwritable = False

    async def start(self) -> None:
        Hesitant.starts += 1
        await Hesitant.gate.wait()
        if Hesitant.fail_first and Hesitant.starts == 1:
            raise VirtError(Code.INTERNAL_ERROR, "not today")
        if Hesitant.unwritable:
            raise OSError(errno.EROFS, "Read-only file system", "/var/lib/libvirt")


class Service(Driver):
    """A driver that no URI leads to."""

    error_source = From.NETWORK


class Using(FakeDriver):
    """A hypervisor whose connections reach the host's services."""

    uses_host_services = True


INSTALLED = {
    **ENTRY_POINTS,
    **{
        name: EntryPoint(name, f"{__name__}:{target}", "virtd.drivers")
        for name, target in (("qemu", "Hesitant"), ("service", "Service"), ("broken", "NoSuchClass"))
    },
    "missing": EntryPoint("missing", "no.such.module:Driver", "virtd.drivers"),
}


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    Hesitant.gate = asyncio.Event()
    Hesitant.gate.set()
    Hesitant.starts = 0
    Hesitant.fail_first = False
    return Registry(Paths.system(tmp_path), privileged=True, installed=INSTALLED)


def connection() -> Connection:
    return Connection("", False, Identity())


async def test_whoever_asks_meanwhile_waits_for_the_same_start(registry: Registry) -> None:
    Hesitant.gate.clear()
    asking = [asyncio.ensure_future(registry.start("qemu")) for _ in range(3)]
    await asyncio.sleep(0.01)
    asking[0].cancel()
    Hesitant.gate.set()
    one, other = await asyncio.gather(*asking[1:])
    assert one is other
    assert Hesitant.starts == 1
    await registry.stop()
    assert isinstance(one, FakeDriver)
    assert one.stopped


async def test_a_failed_start_is_tried_again(registry: Registry) -> None:
    Hesitant.fail_first = True
    with pytest.raises(VirtError, match="not today"):
        await registry.start("qemu")
    assert isinstance(await registry.start("qemu"), Hesitant)
    await registry.stop()


async def test_a_start_that_the_kernel_refuses_says_where(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hesitant, "unwritable", True)
    with pytest.raises(VirtError) as caught:
        await registry.start("qemu")
    assert caught.value.message == "cannot start the driver qemu: '/var/lib/libvirt': Read-only file system"
    await registry.stop()


@pytest.mark.parametrize("name", ["broken", "missing"])
async def test_a_driver_that_cannot_be_loaded(registry: Registry, name: str) -> None:
    with pytest.raises(VirtError, match=f"cannot load the driver {name}"):
        await registry.start(name)
    await registry.stop()


async def test_an_empty_uri_means_the_preferred_hypervisor(registry: Registry) -> None:
    opened = connection()
    with pytest.raises(VirtError):  # the fake one refuses /session
        await Registry(Paths.system(Path("/nowhere")), privileged=False, installed={"qemu": INSTALLED["qemu"]}).open(
            "", opened
        )
    (driver,) = await registry.open("", opened)
    assert isinstance(driver, Hesitant)
    await registry.stop()


async def test_services_are_no_hypervisors(registry: Registry) -> None:
    with pytest.raises(VirtError, match="no connection driver available for service:///system"):
        await registry.open("service:///system", connection())
    await registry.stop()


async def test_services_join_the_connections_of_hypervisors_that_use_them(tmp_path: Path) -> None:
    targets = {"good": f"{__name__}:Service", "bad": f"{__name__}:NoSuchClass"}
    services = {name: EntryPoint(name, target, SERVICES) for name, target in targets.items()}
    using = EntryPoint("qemu", f"{__name__}:Using", "virtd.drivers")
    registry = Registry(Paths.system(tmp_path), privileged=True, installed={**INSTALLED, **services, "qemu": using})
    drivers = await registry.open("qemu:///system", connection())
    assert [type(driver) for driver in drivers] == [Using, Service]
    assert await registry.open("qemu:///system", connection()) == drivers
    assert len(await registry.open("fake:///system", connection())) == 1
    with pytest.raises(VirtError, match="no connection driver available for good:///system"):
        await registry.open("good:///system", connection())
    await registry.stop()


async def test_only_drivers_with_state_start_by_themselves(registry: Registry, tmp_path: Path) -> None:
    assert registry.with_state() == []
    (tmp_path / "etc/libvirt/qemu/networks").mkdir(parents=True)
    (tmp_path / "etc/libvirt/qemu/networks/default.xml").touch()
    assert registry.with_state() == []
    (tmp_path / "etc/libvirt/qemu/guest.xml").touch()
    (tmp_path / "run/libvirt/broken").mkdir(parents=True)
    (tmp_path / "run/libvirt/broken/guest.xml").touch()
    assert set(registry.with_state()) == {"qemu", "broken"}
    await registry.start_all_with_state()  # the broken one is logged
    assert [type(driver) for driver in registry.started()] == [Hesitant]
    await registry.stop()


async def test_a_driver_that_does_not_stop_is_left(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.registry.STOP_TIMEOUT", 0.01)
    driver = await registry.start("fake")

    async def stop() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(driver, "stop", stop)
    await registry.stop()
