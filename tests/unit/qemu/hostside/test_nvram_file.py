# SPDX-License-Identifier: LGPL-2.1-or-later
"""The file of a firmware's variables is made from its template, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from conf.domain import Domain, parse_domain
from drivers.qemu.hostside import nvram
from virtd.errors import Code, VirtError


def domain(os: str) -> Domain:
    return parse_domain(
        f"<domain type='kvm'><name>g</name><memory>1024</memory><os><type arch='x86_64'>hvm</type>{os}</os></domain>"
    )


def flash(path: Path, template: str = "") -> Domain:
    given = f" template='{template}'" if template else ""
    return domain(f"<loader readonly='yes' type='pflash'>/none/code.fd</loader><nvram{given}>{path}</nvram>")


def test_made_from_the_template_and_then_kept(tmp_path: Path) -> None:
    template, path = tmp_path / "t.fd", tmp_path / "nvram/g_VARS.fd"
    template.write_bytes(b"fresh")
    nvram.make(flash(path, str(template)), [])
    assert path.read_bytes() == b"fresh"
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"used")
    nvram.make(flash(path, str(template)), [])
    assert path.read_bytes() == b"used"
    nvram.make(flash(path, str(template)), [], reset=True)
    assert path.read_bytes() == b"fresh"


def test_the_administrators_pairs(tmp_path: Path) -> None:
    template, path = tmp_path / "t.fd", tmp_path / "v.fd"
    template.write_bytes(b"x")
    nvram.make(flash(path), ["/other.fd:/none", f"/none/code.fd:{template}"])
    assert path.read_bytes() == b"x"


def test_no_template(tmp_path: Path) -> None:
    with pytest.raises(VirtError, match="unable to find any master var store for loader") as raised:
        nvram.make(flash(tmp_path / "v.fd"), [])
    assert raised.value.code == Code.OPERATION_FAILED
    with pytest.raises(VirtError, match="Failed to create file") as raised:
        nvram.make(flash(tmp_path / "v.fd", "/none/t.fd"), [])
    assert raised.value.code == Code.SYSTEM_ERROR


@pytest.mark.parametrize("os", ["", "<loader type='rom'>/bios</loader>"])
def test_nothing_to_make(os: str) -> None:
    nvram.make(domain(os), [])
