# SPDX-License-Identifier: LGPL-2.1-or-later
"""A domain's screen and keyboard."""

from __future__ import annotations

import os
import tempfile

from drivers.common.part import refuse
from drivers.common.streams import FileStream
from drivers.qemu import commands, keycodes
from drivers.qemu.api.base import Part
from drivers.qemu.guest import Guest
from drivers.qemu.settings import account
from virtd.calls import WithStream
from virtd.errors import Code, VirtError, check_flags, operation_invalid
from virtd.refs import DomainRef
from virtd.threads import in_thread

#: As many keys at once as libvirt takes.
MAX_KEYS = 16


class ScreenApi(Part):
    """virDomainScreenshot, virDomainSendKey."""

    async def domain_screenshot(self, dom: DomainRef, screen: int, flags: int) -> WithStream:
        """virDomainScreenshot: a PNG image where QEMU makes them, else PPM."""
        check_flags(flags, 0, "qemuDomainScreenshot")
        guest = self._running(dom)
        async with guest.job("query"):
            device, head = _locate(guest, screen)
            capabilities = await self._context.capabilities.get(guest.definition.devices.emulator or "")
            png = capabilities.has("screenshot-format-png")
            fd, path = await in_thread(self._file, guest)
            try:
                await commands.screendump(guest.monitor, path, device, head, format_="png" if png else None)
            except BaseException:
                os.close(fd)
                raise
            finally:
                await in_thread(os.unlink, path)
        return WithStream(FileStream(fd), "image/png" if png else "image/x-portable-pixmap")

    def _file(self, guest: Guest) -> tuple[int, str]:
        """An empty file that the guest's QEMU may write to."""
        assert guest.runtime is not None
        fd, path = tempfile.mkstemp(prefix="screendump-", dir=guest.runtime.domain_dir)
        whom = account(self._context.settings, privileged=self._context.env.privileged)
        if whom is not None:
            os.fchown(fd, whom.uid, whom.gid)
        return fd, path

    async def domain_send_key(
        self, dom: DomainRef, codeset: int, holdtime: int, keycodes_: list[int], flags: int
    ) -> None:
        """virDomainSendKey: press the keys together, let go of them after `holdtime` ms."""
        check_flags(flags, 0, "qemuDomainSendKey")
        if codeset >= keycodes.CODESETS:
            raise refuse(f"Unsupported codeset '{codeset}'")
        if len(keycodes_) > MAX_KEYS:
            raise refuse(f"nkeycodes in virDomainSendKey must be less than or equal to {MAX_KEYS}")
        keys = [keycodes.to_qnum(codeset, code) for code in keycodes_]
        guest = self._running(dom)
        async with guest.job("modify"):
            await commands.send_key(guest.monitor, keys, holdtime or None)


def _locate(guest: Guest, screen: int) -> tuple[str | None, int | None]:
    """The device and head of a screen; heads are counted through all devices.

    Raises:
        VirtError: OPERATION_INVALID, there is no such screen.
    """
    videos = guest.definition.devices.videos
    if not videos:
        raise VirtError(Code.OPERATION_INVALID, "no screens to take screenshot from")
    if screen == 0:
        return None, None
    left = screen
    for video in videos:
        heads = (video.model.heads if video.model is not None else None) or 1
        if left < heads:
            return video.alias, left
        left -= heads
    raise operation_invalid("no such screen ID")
