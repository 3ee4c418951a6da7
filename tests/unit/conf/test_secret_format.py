# SPDX-License-Identifier: LGPL-2.1-or-later
"""The format of secrets: canonical text, defaults, complaints."""

from __future__ import annotations

import pytest

from conf.errors import ConfError
from conf.secret import format_secret, parse_secret

UUID = "0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f"


@pytest.mark.parametrize(
    ("type_", "element", "id_"),
    [
        ("volume", "volume", "/images/a.img"),
        ("ceph", "name", "client.a secret"),
        ("iscsi", "target", "libvirtiscsi"),
        ("tls", "name", "t"),
        ("vtpm", "name", "v"),
    ],
)
def test_canonical_text_comes_back(type_: str, element: str, id_: str) -> None:
    text = (
        f"<secret ephemeral='yes' private='no'>\n  <uuid>{UUID}</uuid>\n  <description>d</description>\n"
        f"  <usage type='{type_}'>\n    <{element}>{id_}</{element}>\n  </usage>\n</secret>\n"
    )
    secret = parse_secret(text)
    assert format_secret(secret) == text
    assert secret.usage is not None
    assert secret.usage.id == id_


def test_what_is_not_said_is_completed() -> None:
    secret = parse_secret("<secret private=''><usage type='none'><name>x</name></usage></secret>")
    assert (secret.ephemeral, secret.private, secret.usage) == (False, False, None)
    assert len(secret.uuid) == 36


def test_only_the_element_of_the_usage_type_counts() -> None:
    secret = parse_secret("<secret><usage type='iscsi'><name>n</name><target>t</target></usage></secret>")
    assert secret.usage is not None
    assert (secret.usage.target, secret.usage.name) == ("t", None)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ("<secret ephemeral='maybe'/>", 27, "invalid value of 'ephemeral'"),
        ("<secret><uuid>zz</uuid></secret>", 1, "malformed uuid element"),
        ("<secret><usage/></secret>", 27, "unknown secret usage type"),
        ("<secret><usage type='disk'/></secret>", 67, "unknown secret usage type disk"),
        ("<secret><usage type='ceph'/></secret>", 1, "Ceph usage specified, but name is missing"),
        ("<secret><usage type='volume'><name>n</name></usage></secret>", 1, "volume path is missing"),
        ("<domain/>", 27, "expecting root element of 'secret', not 'domain'"),
    ],
)
def test_complaints(body: str, code: int, message: str) -> None:
    with pytest.raises(ConfError, match=message) as caught:
        parse_secret(body)
    assert caught.value.code == code
