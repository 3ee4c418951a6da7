# SPDX-License-Identifier: LGPL-2.1-or-later
"""The words of libvirt's status files for states, their reasons and taints."""

from __future__ import annotations

from virtd.enums import (
    DomainPausedReason,
    DomainRunningReason,
    DomainShutdownReason,
    DomainState,
)

STATES = {
    "nostate": DomainState.NOSTATE,
    "running": DomainState.RUNNING,
    "blocked": DomainState.BLOCKED,
    "paused": DomainState.PAUSED,
    "shutdown": DomainState.SHUTDOWN,
    "shutoff": DomainState.SHUTOFF,
    "crashed": DomainState.CRASHED,
    "pmsuspended": DomainState.PMSUSPENDED,
}
#: A reason's word by the state's number; where a state has one reason only, that is 0 whatever the word is.
REASONS: dict[int, dict[str, int]] = {
    DomainState.RUNNING: {
        "booted": DomainRunningReason.BOOTED,
        "migrated": DomainRunningReason.MIGRATED,
        "restored": DomainRunningReason.RESTORED,
        "from snapshot": DomainRunningReason.FROM_SNAPSHOT,
        "unpaused": DomainRunningReason.UNPAUSED,
        "migration canceled": DomainRunningReason.MIGRATION_CANCELED,
        "save canceled": DomainRunningReason.SAVE_CANCELED,
        "wakeup": DomainRunningReason.WAKEUP,
        "crashed": DomainRunningReason.CRASHED,
        "post-copy": DomainRunningReason.POSTCOPY,
        "post-copy failed": DomainRunningReason.POSTCOPY_FAILED,
    },
    DomainState.PAUSED: {
        "user": DomainPausedReason.USER,
        "migration": DomainPausedReason.MIGRATION,
        "save": DomainPausedReason.SAVE,
        "dump": DomainPausedReason.DUMP,
        "ioerror": DomainPausedReason.IOERROR,
        "watchdog": DomainPausedReason.WATCHDOG,
        "from snapshot": DomainPausedReason.FROM_SNAPSHOT,
        "shutdown": DomainPausedReason.SHUTTING_DOWN,
        "snapshot": DomainPausedReason.SNAPSHOT,
        "panicked": DomainPausedReason.CRASHED,
        "starting up": DomainPausedReason.STARTING_UP,
        "post-copy": DomainPausedReason.POSTCOPY,
        "post-copy failed": DomainPausedReason.POSTCOPY_FAILED,
    },
    DomainState.SHUTDOWN: {"user": DomainShutdownReason.USER},
}
#: What clients are told about a taint.
TAINTS = {
    "custom-argv": "custom configuration parameters specified",
    "custom-monitor": "custom monitor control commands issued",
    "high-privileges": "running with undesirable elevated privileges",
    "shell-scripts": "network configuration using opaque shell scripts",
    "disk-probing": "potentially unsafe disk format probing",
    "external-launch": "managing externally launched configuration",
    "host-cpu": "use of host cpu passthrough",
    "hook-script": "configuration potentially modified by hook script",
    "cdrom-passthrough": "use of host cdrom passthrough",
    "custom-dtb": "custom device tree blob used",
    "custom-ga-command": "custom guest agent control commands issued",
    "custom-hypervisor-feature": "hypervisor feature autodetection override",
    "deprecated-config": "use of deprecated configuration settings",
    "custom-device": "custom device configuration",
}


def reason(state: int, word: str) -> int:
    """The number of a reason; 0, unknown, for a word that a later libvirt may have."""
    return REASONS.get(state, {}).get(word, 0)
