# SPDX-License-Identifier: LGPL-2.1-or-later
"""Security labels of running containers, as the kernel tells them."""

from __future__ import annotations

from pathlib import Path

from drivers.lxc.api.base import Part
from drivers.lxc.guest import Guest
from virtd.host.node import read_text
from virtd.refs import DomainRef

#: Model → the file that says whether the kernel enforces it, where it can be had without.
_ENFORCING = {"selinux": Path("/sys/fs/selinux/enforce"), "apparmor": None}


class SecurityApi(Part):
    """virDomainGetSecurityLabel."""

    def domain_get_security_label(self, dom: DomainRef) -> tuple[str, int]:
        """virDomainGetSecurityLabel: (label, whether it is enforced); none of a container that is not confined."""
        guest = self._guest(dom)
        model = _model(guest)
        if model is None or guest.run is None:
            return "", 0
        label = read_text(Path(f"/proc/{guest.run.init_pid}/attr/current")) or ""
        switch = _ENFORCING[model]
        return label.rstrip("\0"), int(switch is None or read_text(switch) == "1")


def _model(guest: Guest) -> str | None:
    """The model that confines the container."""
    labels = guest.definition.seclabels
    return next((label.model for label in labels if label.label and label.model in _ENFORCING), None)
