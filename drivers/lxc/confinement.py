# SPDX-License-Identifier: LGPL-2.1-or-later
"""What lxc.conf says about containers' security labels.  Labels are those that definitions name; none are made up here."""

from __future__ import annotations

import os

from conf.domain import Domain
from drivers.lxc.settings import LxcSettings
from virtd.errors import Code, From, VirtError

#: Security model → the file that is there where the kernel has it.
MODELS = {"apparmor": "/sys/kernel/security/apparmor/profiles", "selinux": "/sys/fs/selinux/enforce"}


def check_driver(settings: LxcSettings) -> None:
    """Refuse a security driver that this host has not.

    Raises:
        VirtError: INTERNAL_ERROR, there is none of that name; CONFIG_UNSUPPORTED, the kernel has it not.
    """
    name = settings.security_driver
    if name in ("", "none"):
        return
    if name not in MODELS:
        raise VirtError(Code.INTERNAL_ERROR, f"Security driver {name} not found", source=From.SECURITY)
    if not os.path.exists(MODELS[name]):
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"Security driver {name} not enabled", source=From.SECURITY)


def check_guest(definition: Domain, settings: LxcSettings) -> None:
    """Refuse to start a container unconfined where that is not wanted.

    Raises:
        VirtError: CONFIG_UNSUPPORTED.
    """
    labels = definition.seclabels
    if any(label.model in MODELS and label.label for label in labels):
        return
    if settings.security_require_confined:
        text = "Unconfined guests are not allowed on this host"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text, source=From.SECURITY)
    unsaid = not any(label.type == "none" for label in labels)
    if settings.security_default_confined and settings.security_driver != "none" and unsaid and _present():
        text = f"guest {definition.name} is to be confined by default, but names no label"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text, source=From.SECURITY)


def _present() -> bool:
    """Whether the kernel can confine anything."""
    return any(os.path.exists(file) for file in MODELS.values())
