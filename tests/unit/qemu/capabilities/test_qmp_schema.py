# SPDX-License-Identifier: LGPL-2.1-or-later
"""Walking QEMU's schema of its own commands."""

from __future__ import annotations

import pytest

from drivers.qemu.capabilities.schema import Schema

ENTITIES = [
    {"name": "add", "meta-type": "command", "arg-type": "1", "ret-type": "4", "features": ["json"]},
    {
        "name": "1",
        "meta-type": "object",
        "members": [{"name": "driver", "type": "2"}, {"name": "list", "type": "[5]"}],
        "tag": "driver",
        "variants": [{"case": "file", "type": "3"}],
    },
    {"name": "2", "meta-type": "enum", "values": ["file", "nbd"]},
    {"name": "3", "meta-type": "object", "members": [{"name": "path", "type": "6"}], "features": ["lock"]},
    {"name": "4", "meta-type": "object", "members": [{"name": "id", "type": "str"}]},
    {"name": "[5]", "meta-type": "array", "element-type": "5"},
    {"name": "5", "meta-type": "object", "members": [{"name": "item", "type": "str"}]},
    {"name": "6", "meta-type": "alternate", "members": [{"type": "str"}, {"type": "2"}]},
    {"name": "str", "meta-type": "builtin", "json-type": "string"},
]


@pytest.mark.parametrize(
    "path",
    [
        "add",
        "add/$json",
        "add/driver",
        "add/driver/^nbd",
        "add/driver=file/path",
        "add/driver=file/$lock",
        "add/list/item",
        "add/driver=file/path/^nbd",
        "add/return/id",
    ],
)
def test_present(path: str) -> None:
    assert Schema(ENTITIES).has(path)


@pytest.mark.parametrize(
    "path",
    [
        "remove",
        "add/$xml",
        "add/id",
        "add/driver/^rbd",
        "add/driver=nbd/path",
        "add/driver=file/$free",
        "add/return/driver",
        "add/kind=file/path",
        "add/list/item/deeper",
        "add/$json/driver",
    ],
)
def test_absent(path: str) -> None:
    assert not Schema(ENTITIES).has(path)
