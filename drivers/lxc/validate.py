# SPDX-License-Identifier: LGPL-2.1-or-later
"""Definitions that no container can have: refused when they are defined, in libvirt's words."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.validation import validate, validate_early
from virtd.errors import Code, From, VirtError


def validate_definition(domain: Domain) -> None:
    """Check a completed definition.

    Raises:
        ConfError, VirtError: the first thing found that cannot be.
    """
    _refuse_hotplug(domain)
    _refuse_machine_devices(domain)
    validate_early(domain)
    validate(domain)


def _refuse_hotplug(domain: Domain) -> None:
    """What a machine's memory and processors can have of their own, those of the host cannot."""
    if domain.vcpus:
        raise _unsupported("individual CPU state configuration is not supported")
    if domain.devices.memories:
        raise _unsupported("memory devices are not supported by this driver")
    if domain.max_memory is not None:
        text = "memory hotplug tunables <maxMemory> are not supported by this hypervisor driver"
        raise _unsupported(text)


def _refuse_machine_devices(domain: Domain) -> None:
    devices = domain.devices
    if any(video.model is None or video.model.type == "default" for video in devices.videos) or (
        devices.graphics and not devices.videos
    ):
        raise _internal("missing video model and cannot determine default")
    if devices.inputs:
        raise _internal("Input devices are not supported by this virtualization driver.")
    if devices.redirdevs and not any(c.type == "usb" and c.model != "none" for c in devices.controllers):
        raise _unsupported("cannot add redirected USB device: USB is disabled for this domain")


def _unsupported(text: str) -> VirtError:
    return VirtError(Code.CONFIG_UNSUPPORTED, text, source=From.DOMAIN)


def _internal(text: str) -> VirtError:
    return VirtError(Code.INTERNAL_ERROR, text, source=From.DOMAIN)
