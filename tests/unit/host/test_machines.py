# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests get a scope of their own: of machined, else of systemd itself."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from dbus_fast import DBusError
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBytes, DBusObjectPath, DBusSignature, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, method

from tests.fakes.system_bus import system_bus
from virtd.host import machines


class Machined(ServiceInterface):
    """org.freedesktop.machine1.Manager as far as it is asked."""

    def __init__(self) -> None:
        super().__init__("org.freedesktop.machine1.Manager")
        self.made: list[tuple[str, bytes, str, int]] = []
        self.properties: dict[str, Any] = {}
        self.full = False

    @method()
    def CreateMachine(
        self,
        name: DBusStr,
        id_: DBusBytes,
        service: DBusStr,
        class_: DBusStr,
        leader: DBusUInt32,
        root: DBusStr,
        properties: Annotated[Any, DBusSignature("a(sv)")],
    ) -> DBusObjectPath:
        if self.full:
            raise DBusError("org.freedesktop.machine1.Failed", "no more machines")
        self.made.append((name, bytes(id_), class_, leader))
        self.properties = {key: value.value for key, value in properties}
        return "/machine"


class Systemd(ServiceInterface):
    """org.freedesktop.systemd1.Manager as far as it is asked."""

    def __init__(self) -> None:
        super().__init__("org.freedesktop.systemd1.Manager")
        self.units: list[tuple[str, dict[str, Any]]] = []

    @method()
    def StartTransientUnit(
        self,
        name: DBusStr,
        mode: DBusStr,
        properties: Annotated[Any, DBusSignature("a(sv)")],
        others: Annotated[Any, DBusSignature("a(sa(sv))")],
    ) -> DBusObjectPath:
        self.units.append((name, {key: value.value for key, value in properties}))
        return "/job"


@pytest.fixture
async def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MessageBus]:
    async with system_bus(tmp_path, monkeypatch) as bus:
        yield bus


async def _machined(bus: MessageBus) -> Machined:
    service = Machined()
    bus.export("/org/freedesktop/machine1", service)
    await bus.request_name("org.freedesktop.machine1")
    return service


async def _systemd(bus: MessageBus) -> Systemd:
    service = Systemd()
    bus.export("/org/freedesktop/systemd1", service)
    await bus.request_name("org.freedesktop.systemd1")
    return service


@pytest.mark.parametrize("with_machined", [True, False])
async def test_a_scope_ends_after_libvirt_guests_and_before_the_daemon(bus: MessageBus, with_machined: bool) -> None:
    machined, systemd = await _machined(bus), await _systemd(bus)
    machined.full = not with_machined
    assert await machines.register("qemu-3-a", b"\x01" * 16, os.getpid(), "vm")
    found = machined.properties if with_machined else systemd.units[0][1]
    assert found["Before"] == ["virt-guest-shutdown.target"]
    assert found["After"] == ["virtd.service"]


async def test_machined_registers_the_guest(bus: MessageBus) -> None:
    machined, systemd = await _machined(bus), await _systemd(bus)
    assert await machines.register("qemu-3-a guest!", b"\x01" * 16, os.getpid(), "vm")
    assert machined.made == [("qemu-3-aguest", b"\x01" * 16, "vm", os.getpid())]
    assert systemd.units == []


async def test_without_machined_systemd_makes_a_scope(bus: MessageBus) -> None:
    systemd = await _systemd(bus)
    assert await machines.register("qemu-3-a", bytes(16), os.getpid(), "vm")
    ((unit, properties),) = systemd.units
    assert unit == r"machine-qemu\x2d3\x2da.scope"
    assert properties["PIDs"] == [os.getpid()]
    assert properties["Slice"] == "machine.slice"


async def test_nobody_answers(bus: MessageBus) -> None:
    machined = await _machined(bus)
    machined.full = True
    assert not await machines.register("qemu-3-a", bytes(16), os.getpid(), "vm")
