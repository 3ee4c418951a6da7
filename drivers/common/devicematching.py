# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which device of a definition a client means by the XML of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conf.binding import FormatOptions
from conf.domain import Domain
from conf.domain.devices.chardev import Channel, Console, Parallel, Serial
from conf.domain.devices.controller import Controller
from conf.domain.devices.disk import Disk
from conf.domain.devices.filesystem import Filesystem
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.input import Input
from conf.domain.devices.interface import Interface
from conf.domain.devices.kinds import all_devices
from conf.domain.devices.lease import Lease
from conf.domain.devices.memory import Memory
from conf.domain.devices.redirdev import Redirdev
from conf.domain.devices.rng import RNG
from conf.domain.devices.shmem import Shmem
from conf.domain.devices.single import device_tag, format_device
from conf.domain.devices.sound import Sound
from conf.domain.devices.vsock import Vsock
from conf.domain.devices.watchdog import Watchdog
from drivers.common.devicelists import find_interface, members, missing
from virtd.errors import Code, From, VirtError

CHARACTER_DEVICES = (Channel, Console, Parallel, Serial)


def by_alias(domain: Domain, alias: str) -> Any:
    """The device of this name.

    Raises:
        VirtError: INTERNAL_ERROR, none has it.
    """
    for device in all_devices(domain.devices):
        if getattr(device, "alias", None) == alias:
            return device
    raise VirtError(Code.INTERNAL_ERROR, f"no device found with alias {alias}", source=From.DOMAIN)


def find(domain: Domain, wanted: Any, *, live: bool) -> Any:
    """The device of `domain` that `wanted` describes.

    Raises:
        VirtError: DEVICE_MISSING, in the words of its kind; OPERATION_FAILED where several fit.
    """
    finder = _FINDERS.get(type(wanted), _alike)
    try:
        return finder(members(domain.devices, wanted), wanted, live)
    except VirtError as error:
        if live or error.code != Code.DEVICE_MISSING or type(wanted) not in _NOT_STORED:
            raise
        code, text = _NOT_STORED[type(wanted)]
        raise VirtError(code, text.format(wanted)) from error


def _disk(disks: list[Disk], wanted: Disk, live: bool) -> Disk:
    for disk in disks:
        if disk.target.dev == wanted.target.dev:
            return disk
    raise missing(f"disk {wanted.target.dev} not found" if live else f"no target device {wanted.target.dev}")


def _character_device(devices: list[Any], wanted: Any, _live: bool) -> Any:
    """By the guest's end."""
    for device in devices:
        if type(device) is type(wanted) and is_same_end(device, wanted):
            return device
    raise missing(f"chr type '{device_tag(wanted)}' device not present in domain configuration")


def is_same_end(device: Any, wanted: Any, *, strictly: bool = False) -> bool:
    """Whether two character devices are one to the guest; unless `strictly`, one without a number may be any."""
    ours, theirs = device.target, wanted.target
    if theirs is None:
        return is_alike(device, wanted)
    if getattr(theirs, "name", None) or getattr(ours, "name", None):
        return ours is not None and ours.type == theirs.type and ours.name == theirs.name
    return (
        ours is not None
        and getattr(theirs, "type", None) in (None, getattr(ours, "type", None))
        and ((theirs.port is None and not strictly) or ours.port == theirs.port)
    )


def _input(inputs: list[Input], wanted: Input, _live: bool) -> Input:
    for device in inputs:
        if device.type == wanted.type and (wanted.bus is None or device.bus == wanted.bus):
            return device
    raise missing("matching input device not found")


def _controller(controllers: list[Controller], wanted: Controller, _live: bool) -> Controller:
    for controller in controllers:
        if (controller.type, controller.index) == (wanted.type, wanted.index):
            return controller
    raise missing(f"controller {wanted.type}:{wanted.index} not found")


def _rng(rngs: list[RNG], wanted: RNG, _live: bool) -> RNG:
    for rng in rngs:
        if is_alike(rng, wanted):
            return rng
    raise missing(f"model '{wanted.backend.model}' RNG device not present in domain configuration")


def _watchdog(watchdogs: list[Watchdog], wanted: Watchdog, live: bool) -> Watchdog:
    """A definition has one only; it is meant whatever is said of it."""
    for watchdog in watchdogs:
        if not live or (watchdog.model == wanted.model and watchdog.action == wanted.action):
            return watchdog
    raise missing(f"model '{wanted.model}' watchdog device not present in domain configuration")


def _hostdev(hostdevs: list[Hostdev], wanted: Hostdev, _live: bool) -> Hostdev:
    for hostdev in hostdevs:
        if (hostdev.mode, hostdev.type) == (wanted.mode, wanted.type) and hostdev.source == wanted.source:
            return hostdev
    raise missing("host device not found")


def _alike(devices: list[Any], wanted: Any, _live: bool) -> Any:
    """By all that is said of it but for its name and place."""
    for device in devices:
        if is_alike(device, wanted):
            return device
    raise missing(f"matching {device_tag(wanted)} device not found")


def is_alike(device: Any, wanted: Any) -> bool:
    """Whether a device is the wanted one by all that is said of it but for its name and place."""
    return _essence(device, wanted) == _essence(wanted, wanted)


def _essence(device: Any, wanted: Any) -> str:
    """The XML without what only a placed device has, unless it was asked for."""
    copy = device.model_copy(deep=True)
    for name in ("alias", "address"):
        if hasattr(copy, name) and getattr(wanted, name, None) is None:
            setattr(copy, name, None)
    return format_device(copy, FormatOptions(inactive=True))


_FINDERS: dict[type, Callable[[list[Any], Any, bool], Any]] = {
    Disk: _disk,
    Interface: lambda found, wanted, _live: find_interface(found, wanted),
    Channel: _character_device,
    Serial: _character_device,
    Parallel: _character_device,
    Console: _character_device,
    Input: _input,
    Controller: _controller,
    RNG: _rng,
    Watchdog: _watchdog,
    Hostdev: _hostdev,
}

_ABSENT = "device not present in domain configuration"
#: Kind → code and text where a stored definition has no such device.
_NOT_STORED: dict[type, tuple[Code, str]] = {
    Controller: (Code.DEVICE_MISSING, _ABSENT),
    Filesystem: (Code.DEVICE_MISSING, "no matching filesystem device was found"),
    Hostdev: (Code.DEVICE_MISSING, _ABSENT),
    Lease: (Code.DEVICE_MISSING, "Lease {0.key} in lockspace {0.lockspace} does not exist"),
    Memory: (Code.DEVICE_MISSING, "matching memory device was not found"),
    RNG: (Code.DEVICE_MISSING, "no matching RNG device was found"),
    Redirdev: (Code.DEVICE_MISSING, "no matching redirdev was not found"),
    Shmem: (Code.DEVICE_MISSING, "matching shmem device was not found"),
    Sound: (Code.DEVICE_MISSING, _ABSENT),
    Vsock: (Code.OPERATION_FAILED, "matching vsock device not found"),
    Watchdog: (Code.DEVICE_MISSING, "domain has no watchdog"),
    **dict.fromkeys(CHARACTER_DEVICES, (Code.INVALID_ARG, _ABSENT)),
}
