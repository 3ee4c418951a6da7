# SPDX-License-Identifier: LGPL-2.1-or-later
"""What public functions refuse of their arguments, in their own words."""

from __future__ import annotations

from typing import Any

import pytest

from virtd.dispatch import driver_procedures
from virtd.dispatch.arguments import argument_checks
from virtd.errors import ArgumentError
from virtd.params import TypedParam
from virtd.refs import DomainRef
from virtd.wire.programs import REMOTE

DOM = DomainRef("a", bytes(16), -1)


def refusal(name: str, args: tuple[Any, ...]) -> ArgumentError | None:
    """The complaint about these arguments."""
    try:
        for check in argument_checks(REMOTE.by_name[name]):
            check(args)
    except ArgumentError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("name", "args", "complaint"),
    [
        ("DOMAIN_SET_MEMORY", (DOM, 0), "memory in virDomainSetMemory must not be zero"),
        ("DOMAIN_SET_MEMORY", (DOM, 1), None),
        ("DOMAIN_PIN_VCPU", (DOM, 0, b""), "cpumap in virDomainPinVcpu must not be NULL"),
        ("DOMAIN_PIN_VCPU", (DOM, 0, b"\0"), None),
        ("DOMAIN_SET_NUMA_PARAMETERS", (DOM, [], 0), "params in virDomainSetNumaParameters must not be NULL"),
        ("DOMAIN_SET_NUMA_PARAMETERS", (DOM, [TypedParam("a", 1, 1)], 0), None),
        ("DOMAIN_SET_USER_PASSWORD", (DOM, "u", None, 0), "password in virDomainSetUserPassword must not be NULL"),
        ("DOMAIN_SET_USER_PASSWORD", (DOM, "u", "", 0), None),
        (
            "NODE_GET_CELLS_FREE_MEMORY",
            (-1, 1),
            "startCell in virNodeGetCellsFreeMemory must be zero or greater",
        ),
        ("NODE_GET_CELLS_FREE_MEMORY", (0, -1), "maxCells in virNodeGetCellsFreeMemory must be greater than zero"),
        ("NODE_GET_CELLS_FREE_MEMORY", (0, 1), None),
        (
            "DOMAIN_GET_METADATA",
            (DOM, 0, None, 3),
            "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive",
        ),
        ("DOMAIN_GET_METADATA", (DOM, 0, None, 2), None),
        (
            "DOMAIN_GET_JOB_STATS",
            (DOM, 2),
            "Flag 'VIR_DOMAIN_JOB_STATS_COMPLETED' is required by flag 'VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED'",
        ),
        ("DOMAIN_GET_JOB_STATS", (DOM, 3), None),
        ("DOMAIN_SET_METADATA", (DOM, 1, "a\nb", None, None, 0), "metadata title can't contain newlines"),
        ("DOMAIN_SET_METADATA", (DOM, 0, "a\nb", None, None, 0), None),
        ("DOMAIN_SET_METADATA", (DOM, 0, "a", "k", None, 0), "key in virDomainSetMetadata must be NULL"),
        ("DOMAIN_SET_METADATA", (DOM, 0, "a", None, "u", 0), "uri in virDomainSetMetadata must be NULL"),
        ("DOMAIN_SET_METADATA", (DOM, 2, "a", "k", None, 0), "uri in virDomainSetMetadata must not be NULL"),
        ("DOMAIN_SET_METADATA", (DOM, 2, "a", None, "u", 0), "key in virDomainSetMetadata must not be NULL"),
        ("DOMAIN_SET_METADATA", (DOM, 2, None, None, "u", 0), None),
        ("DOMAIN_BLOCK_REBASE", (DOM, "vda", None, 0, 1), "use of flags requires a copy job"),
        ("DOMAIN_BLOCK_REBASE", (DOM, "vda", None, 0, 9), "base in virDomainBlockRebase must not be NULL"),
        ("DOMAIN_BLOCK_REBASE", (DOM, "vda", "/b", 0, 9), None),
        ("DOMAIN_GET_BLOCK_IO_TUNE", (DOM, None, 0, 0), None),
        ("DOMAIN_GET_BLOCK_IO_TUNE", (DOM, None, 5, 0), "disk in virDomainGetBlockIoTune must not be NULL"),
        (
            "DOMAIN_AUTHORIZED_SSH_KEYS_SET",
            (DOM, "u", [], 2),
            "keys in virDomainAuthorizedSSHKeysSet must not be NULL",
        ),
        ("DOMAIN_AUTHORIZED_SSH_KEYS_SET", (DOM, "u", [], 0), None),
    ],
)
def test_refusals(name: str, args: tuple[Any, ...], complaint: str | None) -> None:
    error = refusal(name, args)
    assert (error and error.message) == complaint
    if error:
        assert (error.code, error.ints, error.function) == (8, (0, 0), REMOTE.by_name[name].api)


def test_the_tables_name_arguments_that_exist() -> None:
    assert sum(len(list(argument_checks(procedure))) for procedure in driver_procedures()) > 70
