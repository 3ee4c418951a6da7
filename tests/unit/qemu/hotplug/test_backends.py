# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's end of character devices, as a running QEMU is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from conf.domain.devices.chardev_source import CharacterBackend
from conf.domain.devices.single import parse_device
from drivers.qemu.hotplug.backends import chardev_backend

BACKENDS: dict[str, tuple[str, dict[str, Any]]] = {
    "<redirdev bus='usb' type='spicevmc'/>": ("spicevmc", {"type": "usbredir"}),
    "<channel type='spicevmc'><target type='virtio'/></channel>": ("spicevmc", {"type": "vdagent"}),
    "<parallel type='dev'><source path='/dev/x'/></parallel>": ("parallel", {"device": "/dev/x"}),
    "<serial type='dev'><source path='/dev/x'/></serial>": ("serial", {"device": "/dev/x"}),
}


@pytest.mark.parametrize("xml", BACKENDS)
def test_backend(xml: str) -> None:
    backend = parse_device(xml)
    assert isinstance(backend, CharacterBackend)
    type_, data = BACKENDS[xml]
    assert chardev_backend(backend) == {"type": type_, "data": data}


def test_encrypted_backend() -> None:
    backend = parse_device("<serial type='tcp'><source mode='connect' host='::1' service='9' tls='yes'/></serial>")
    assert isinstance(backend, CharacterBackend)
    assert chardev_backend(backend, credentials="objcharserial0_tls0")["data"]["tls-creds"] == "objcharserial0_tls0"
