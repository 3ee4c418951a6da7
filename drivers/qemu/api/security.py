# SPDX-License-Identifier: LGPL-2.1-or-later
"""Security labels: files and processes are separated by their owners alone (libvirt's "dac")."""

from __future__ import annotations

from drivers.qemu.api.base import Part
from drivers.qemu.settings import account
from virtd.refs import DomainRef


class SecurityApi(Part):
    """virDomainGetSecurityLabel, virDomainGetSecurityLabelList."""

    def domain_get_security_label(self, dom: DomainRef) -> tuple[str, int]:
        """virDomainGetSecurityLabel: that of the first model, which is none."""
        self._guest(dom)
        return "", 0

    def domain_get_security_label_list(self, dom: DomainRef) -> list[tuple[str, int]]:
        """virDomainGetSecurityLabelList: none, and where guests have an owner of their own, that."""
        if not self._guest(dom).active:
            return []
        owner = account(self._context.settings, privileged=self._context.env.privileged)
        return [("", 0)] + ([(owner.label, 0)] if owner is not None else [])
