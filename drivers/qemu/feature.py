# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a subject keeps state of its own beside each running guest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lxml.etree import _Element as Element

if TYPE_CHECKING:
    from drivers.qemu.guest import Guest


class Feature:
    """Told of what befalls a guest; keeps an element in its status file.

    The methods are called by the guest's life cycle; those a subject has no use for stay as they are.
    """

    #: The subject's element in the status file; None: it keeps nothing there.
    status_element: str | None = None

    def save_status(self, guest: Guest) -> Element | None:
        """The element to store, or None while there is nothing to say."""
        return None

    def load_status(self, guest: Guest, element: Element) -> None:
        """Take back what `save_status` gave, before the monitor is connected."""

    async def guest_started(self, guest: Guest) -> None:
        """QEMU is up and still paused; the start's job is held.  An error ends the start."""

    async def guest_found(self, guest: Guest) -> None:
        """The daemon started again and is connected to the guest's QEMU; a job is held."""

    async def guest_let_go(self, guest: Guest) -> None:
        """The daemon ends and leaves the guest running; a last chance to bring things to a good end."""

    def guest_redefined(self, guest: Guest) -> None:
        """A person exchanged the stored definition."""

    async def guest_ended(self, guest: Guest) -> None:
        """QEMU is gone; `guest.live` still describes what ran.  Must not raise."""

    def on_event(self, guest: Guest, name: str, data: dict[str, Any]) -> None:
        """QEMU told an event; must not wait."""
