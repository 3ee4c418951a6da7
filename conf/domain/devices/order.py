# SPDX-License-Identifier: LGPL-2.1-or-later
"""The order of disks and controllers: those of one kind stand together, sorted."""

from __future__ import annotations

import re

from conf.domain.devices.controller import Controller
from conf.domain.devices.disk import Disk

_LETTERS = re.compile(r"(?:fd|hd|vd|sd|xvd|ubd)([a-z]+)[0-9]*")


def ordered_disks(disks: list[Disk]) -> list[Disk]:
    """Disks of one bus (as the XML says it; those that leave it open are one group) by the number in their name."""
    groups: dict[str | None, list[Disk]] = {}
    for disk in disks:
        groups.setdefault(disk.target.bus, []).append(disk)
    ordered = [disk for group in groups.values() for disk in sorted(group, key=_disk_number)]
    for disk in ordered:
        disk.guess_bus()
    return ordered


def _disk_number(disk: Disk) -> tuple[int, str]:
    """Sorts "sdz" before "sdaa"; a name of another form comes first."""
    match = _LETTERS.fullmatch(disk.target.dev or "")
    return (len(match[1]), match[1]) if match else (0, "")


def ordered_controllers(controllers: list[Controller]) -> list[Controller]:
    """Controllers of one type by index; those without one behind the ones that came before them."""
    groups: dict[str, list[Controller]] = {}
    highest: dict[str, int] = {}
    for controller in controllers:
        group = groups.setdefault(controller.type, [])
        if controller.index is None or controller.index > highest.get(controller.type, -1):
            group.append(controller)
        else:
            group.insert(_place(group, controller), controller)
        if controller.index is not None:
            highest[controller.type] = max(controller.index, highest.get(controller.type, -1))
    return [controller for group in groups.values() for controller in group]


def _place(group: list[Controller], new: Controller) -> int:
    """Before the first that has to follow it, else at the end."""
    return next((place for place, other in enumerate(group) if _follows(other, new)), len(group))


def _follows(other: Controller, new: Controller) -> bool:
    if other.index is None or new.index is None:
        return False
    if other.index != new.index:
        return other.index > new.index
    # the companions of a USB 2 controller stand behind it
    return other.is_companion and not new.is_companion
