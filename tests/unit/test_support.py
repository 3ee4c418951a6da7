# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/support.md says what the drivers do."""

from __future__ import annotations

import inspect
from pathlib import Path

from virtd.dispatch import driver_procedures, method_name
from virtd.support import document, installed_drivers, support_table

#: Public methods of a driver that begin like an API but are the daemon's.
OWN = {"connect_open"}
GROUPS = ("connect_", "domain_", "network_", "node_", "storage_", "secret_", "nwfilter_", "interface_", "qemu_", "lxc_")


def test_the_document_is_current() -> None:
    written = (Path(__file__).parents[2] / "docs/support.md").read_text()
    assert written == document(), "run: python -m virtd.support > docs/support.md"


def test_every_function_is_listed_once() -> None:
    rows = [line for line in support_table({"x": {"virDomainCreate"}}).splitlines() if line.startswith("| vir")]
    assert len(rows) == len(set(rows)) > 380
    assert rows.count("| virDomainCreate | yes |") == 1


def test_drivers_have_no_method_that_nothing_calls(tmp_path: Path) -> None:
    """A misspelt method would never be called, and its function be called not supported."""
    known = {method_name(procedure) for procedure in driver_procedures()} | OWN
    for name, drivers in installed_drivers(tmp_path):
        for holder in (holder for driver in drivers for holder in (driver, *driver.parts)):
            methods = {key for key, _ in inspect.getmembers(type(holder), inspect.isfunction)}
            stray = {method for method in methods if method.startswith(GROUPS)} - known
            assert not stray, f"{name}: {type(holder).__name__}"
