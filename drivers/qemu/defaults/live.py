# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a definition gets when it becomes a running guest: names of devices, sockets, partition."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.chardev import Channel
from conf.domain.devices.chardev_source import CharacterSource
from conf.domain.idmap import Resource
from drivers.qemu.aliases import assign_aliases
from drivers.qemu.facts import EmulatorFacts

#: The cgroup that holds the guests of a host.
_PARTITION = "/machine"


def prepare_live(domain: Domain, emulator: EmulatorFacts, channel_dir: str) -> None:
    """Complete the copy of a definition that is about to run.

    `channel_dir` is the guest's folder for sockets of channels that name none.
    """
    assign_aliases(domain)
    for channel in domain.devices.channels:
        if channel.target.type == "virtio":
            _give_socket(channel, channel_dir)
    domain.resource = domain.resource or Resource(partition=_PARTITION)


def _give_socket(channel: Channel, folder: str) -> None:
    """A channel's socket is named after the channel."""
    if channel.type != "unix" or channel.target.name is None:
        return
    source = channel.source
    if source is not None and source.path:
        return
    mode = source.mode if source and source.mode else "bind"
    channel.source = CharacterSource(mode=mode, path=f"{folder}/{channel.target.name}")
