# SPDX-License-Identifier: LGPL-2.1-or-later
"""The suite's fixtures: one daemon, a client a hypervisor, a bench a test.

A test that takes `bench` runs over every hypervisor that has the functions it names by
`@pytest.mark.functions("virDomainSave", …)`; those that lack one must say so, which `test_missing.py` sees to.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.bench import Bench
from tests.conformance.client import INTERPRETER, Client
from tests.conformance.hypervisors import HYPERVISORS, KNOWN, REAL, Hypervisor
from tests.integration.conftest import Daemon

EXAMPLE_DRIVER = Path(__file__).parents[2] / "docs" / "example-driver"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "hypervisor" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("functions")
        functions = marker.args if marker else ()
        assert KNOWN.issuperset(functions), f"{metafunc.definition.name}: no driver can lack that"
        able = [found for found in HYPERVISORS if found.has(*functions)]
        metafunc.parametrize("hypervisor", able, ids=[found.name for found in able], scope="session")


def has_binding() -> bool:
    """Whether the system's Python has libvirt's binding."""
    return subprocess.run([INTERPRETER, "-c", "import libvirt"], capture_output=True).returncode == 0


def socket_uri(daemon: Daemon, uri: str) -> str:
    """The URI by which a client reaches `uri` over the daemon's socket."""
    scheme, _, rest = uri.partition(":")
    return f"{scheme}+unix:{rest}?socket={daemon.root}/run/libvirt/libvirt-sock"


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder that guests may use."""
    with tempfile.TemporaryDirectory(prefix="virtd-conform-") as name:
        Path(name).chmod(0o777)
        yield Path(name)


@pytest.fixture(scope="session")
def example_driver(folder: Path) -> Iterator[None]:
    """The example of docs/writing-a-driver.md is installed as a package of its own, where daemons find it."""
    source, target = folder / "example-driver", folder / "packages"
    shutil.copytree(EXAMPLE_DRIVER, source)
    options = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", target, source], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(target))
        yield


@pytest.fixture(scope="session")
def daemon(folder: Path, example_driver: None) -> Iterator[Daemon | None]:
    """The daemon that the suite is run over; None: it is a real libvirtd, and not ours to start."""
    if not has_binding():
        pytest.skip(f"needs {INTERPRETER} with libvirt's binding")
    if os.geteuid():
        pytest.skip("needs root")
    if REAL:
        yield None
        return
    found = Daemon(folder / "daemon")
    found.root.mkdir()
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="session")
def client(hypervisor: Hypervisor, daemon: Daemon | None) -> Iterator[Client]:
    """A client of the hypervisor.  It is there before a test looks for what it leaves behind."""
    if reason := hypervisor.missing():
        pytest.skip(reason)
    found = Client(socket_uri(daemon, hypervisor.uri) if daemon else hypervisor.uri)
    yield found
    found.close()


@pytest.fixture
def bench(hypervisor: Hypervisor, folder: Path, client: Client) -> Iterator[Bench]:
    """A hypervisor to work with."""
    found = Bench(hypervisor, client, folder)
    yield found
    found.clean_up()
