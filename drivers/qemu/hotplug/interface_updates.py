# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changing a running guest's network card: its cable and its bridge; whatever else differs is refused."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any

from conf.domain.devices.interface import Interface
from drivers.common.devicematching import find
from drivers.qemu import commands
from drivers.qemu.guest import Guest
from virtd.errors import Code, From, VirtError
from virtd.host import netdev


def _of(part: str, name: str) -> Callable[[Interface], object]:
    return lambda card: getattr(getattr(card, part), name, None)


#: What stays as it was when the guest started → libvirt's words of it, in the order in which it looks.
_FIXED: tuple[tuple[Callable[[Interface], object], str], ...] = (
    (lambda card: card.driver if card.is_virtio else None, "cannot modify virtio network device driver attributes"),
    (lambda card: card.script, "cannot modify network device script attribute"),
    (_of("rom", "enabled"), "cannot modify network device rom enabled setting"),
    (_of("rom", "bar"), "cannot modify network device rom bar setting"),
    (_of("rom", "file"), "cannot modify network rom file"),
    (lambda card: card.boot, "cannot modify network device boot index setting"),
    (lambda card: card.mtu, "cannot modify MTU"),
)
#: What may change, what was looked at, and by what the card was found.
_OTHER_FIELDS = frozenset({"type", "mac", "model", "source", "link", "target", "address", "alias", "driver", "actual"})


async def update(guest: Guest, wanted: Interface) -> None:
    """Make the running guest's card what `wanted` says.

    Raises:
        VirtError: OPERATION_UNSUPPORTED, this does not change while it runs; OPERATION_FAILED, there is no such bridge.
    """
    card = find(guest.require_active(), wanted, live=True)
    _check(card, wanted)
    if _source(wanted) != _source(card):
        _move(card, wanted)
    state = wanted.link.state if wanted.link is not None else None
    if state != (card.link.state if card.link is not None else None):
        await commands.set_link(guest.monitor, card.alias or "", up=state != "down")
        card.link = wanted.link


def _check(card: Interface, wanted: Interface) -> None:
    """Refuse what cannot change."""
    new, old = (c.model.type if c.model is not None else None for c in (wanted, card))
    if new is not None and new != old:
        raise _unsupported(f"cannot modify network device model from {old} to {new}")
    for part, text in _FIXED:
        if part(wanted) != part(card):
            raise _unsupported(text)
    name = wanted.target.dev if wanted.target is not None else None
    if name is not None and name != (card.target.dev if card.target is not None else None):
        raise _unsupported("cannot modify network device tap name")
    differs = any(getattr(wanted, f) != getattr(card, f) for f in Interface.model_fields if f not in _OTHER_FIELDS)
    if differs or wanted.type != card.type or (_source(wanted) != _source(card) and card.type != "bridge"):
        raise _unsupported(f"unable to change config on '{wanted.type}' network type")


def _unsupported(text: str) -> VirtError:
    return VirtError(Code.OPERATION_UNSUPPORTED, text)


def _source(card: Interface) -> Any:
    """What the card is connected to: its type says which part of the source counts."""
    source = card.source
    if source is None:
        return None
    return {"network": source.network, "bridge": source.bridge}.get(card.type, source.dev)


def _move(card: Interface, wanted: Interface) -> None:
    """Unplug the card's tap from its bridge and plug it into another; on failure it is back where it was."""
    old, new = str(_source(card)), str(_source(wanted))
    tap = card.target.dev if card.target is not None and card.target.dev is not None else ""
    if not netdev.exists(new):
        raise VirtError(Code.OPERATION_FAILED, f"bridge {new} doesn't exist")
    with contextlib.suppress(OSError):  # somebody took it out already
        netdev.remove_from_bridge(old, tap)
    try:
        netdev.add_to_bridge(new, tap)
    except OSError as error:
        with contextlib.suppress(OSError):
            netdev.add_to_bridge(old, tap)
        text = f"Unable to add bridge {new} port {tap}: {os.strerror(error.errno or 0)}"
        raise VirtError(Code.SYSTEM_ERROR, text, source=From.NONE) from error
    card.source = wanted.source
