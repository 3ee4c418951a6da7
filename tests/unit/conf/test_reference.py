# SPDX-License-Identifier: LGPL-2.1-or-later
"""The reference of the formats says what the declarations say."""

from __future__ import annotations

from pathlib import Path

import pytest

from conf import reference
from conf.binding import Model, YesNo, attr, child_text
from conf.binding.fields import on

FOLDER = Path(__file__).parents[3] / "docs" / "formats"


@pytest.mark.parametrize("name", reference.FORMATS)
def test_the_reference_is_up_to_date(name: str) -> None:
    written = (FOLDER / f"{name}.md").read_text()
    assert written == reference.document(name), "run: python -m conf.reference docs/formats"


class Sample(Model):
    """`<sample>`: of everything something."""

    kind: str = attr(required=True)
    shown: YesNo = attr(default=True, at="part")
    path: str | None = child_text(when=on("kind", "file", "dir"), live=True)


def test_a_section_tells_values_defaults_and_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(reference.FORMATS, "sample", ("samples", (Sample,)))
    assert reference.document("sample").splitlines()[-3:] == [
        "| `@kind` | text |  | required |",
        r"| `part/@shown` | `yes` \| `no` | `yes` |  |",
        "| `path` | text |  | live; where `kind` is `file` or `dir` |",
    ]
