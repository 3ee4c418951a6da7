# SPDX-License-Identifier: LGPL-2.1-or-later
"""The example of docs/writing-a-driver.md is what the document shows; the suite runs over it like over any driver."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conformance import hypervisors
from tests.conformance.conftest import EXAMPLE_DRIVER

DOCUMENT = EXAMPLE_DRIVER.parent / "writing-a-driver.md"
MOST_LINES = 100


def shown(language: str) -> str:
    """The document's blocks of code in this language, one after the other."""
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL))


def lines(code: str) -> list[str]:
    """The lines with something in them; a part of a class stands at the margin in a document."""
    return [line.strip() for line in code.splitlines() if line]


def test_the_document_shows_the_driver():
    assert lines(shown("python")) == lines((EXAMPLE_DRIVER / "program_driver.py").read_text())


def test_the_document_shows_its_package():
    assert lines(shown("toml")) == lines((EXAMPLE_DRIVER / "pyproject.toml").read_text())


def test_the_document_shows_its_line_of_the_suite():
    assert shown("py") in Path(hypervisors.__file__).read_text()


def test_the_driver_is_short():
    assert len((EXAMPLE_DRIVER / "program_driver.py").read_text().splitlines()) <= MOST_LINES
