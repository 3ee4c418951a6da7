# SPDX-License-Identifier: LGPL-2.1-or-later
"""One managed domain: what is stored of it, what runs, its state, its jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conf.domain import Domain, format_domain, parse_domain
from drivers.common.storedguest import StoredGuest
from drivers.qemu import status
from drivers.qemu.block.chains import without_found
from drivers.qemu.context import QemuContext
from drivers.qemu.migratable import migratable_form
from drivers.qemu.runtime import Runtime
from virtd.errors import operation_invalid

if TYPE_CHECKING:
    from drivers.qemu.monitor import Monitor


class Guest(StoredGuest):
    """A domain of the QEMU driver, running or not; `runtime` is what the daemon must know of the running QEMU."""

    def __init__(self, context: QemuContext, definition: Domain) -> None:
        settings = context.settings
        super().__init__(context.env.events, definition, context.paths.definitions, max_queued=settings.max_queued)
        self.context = context
        self.runtime: Runtime | None = None
        self._status_written = False

    def format(self, model: Domain, *, inactive: bool, secure: bool, migratable: bool) -> str:
        """A migratable definition is one that any other host could make the same guest from, secrets and all."""
        live = model is self.live
        if live and (inactive or migratable):
            model = without_found(model)
        if migratable:
            model = migratable_form(model)
            if live and self.runtime is not None and self.runtime.asked_cpu is not None:
                model.cpu = self.runtime.asked_cpu
            text = format_domain(model, inactive=True, secure=True, migratable=True)
            parse_domain(text)  # what another daemon could not read is no use to it
            return text
        return format_domain(model, inactive=inactive, secure=secure, transient=live and inactive)

    @property
    def monitor(self) -> Monitor:
        """The running QEMU's monitor.

        Raises:
            VirtError: OPERATION_INVALID, the guest does not run.
        """
        if self.runtime is None or self.runtime.monitor is None:
            raise operation_invalid("domain is not running")
        return self.runtime.monitor

    def write_status(self) -> bool:
        """Write the status file; False while there is no process."""
        if self.runtime is None:
            return False
        status.save(self)
        self._status_written = True
        return True

    def write_state(self) -> bool:
        """Write the state alone, into a status file of our own making."""
        return self._status_written and self.live is not None and status.save_state(self)
