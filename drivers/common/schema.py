# SPDX-License-Identifier: LGPL-2.1-or-later
"""Documents against libvirt's own schemas, for clients that ask for it (`…_VALIDATE`)."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path

from lxml import etree

from virtd.errors import Code, From, VirtError

#: Where libvirt's client library keeps its schemas.
FOLDER = Path("/usr/share/libvirt/schemas")


@cache
def _schema(path: Path) -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(path))


async def validate(xml: str, name: str) -> None:
    """Check a document against the schema `name` ("domain.rng").

    Raises:
        VirtError: XML_INVALID_SCHEMA, it does not fit; INTERNAL_ERROR, there is no such schema here.
    """
    await asyncio.to_thread(_validate, xml, FOLDER / name)


def _validate(xml: str, path: Path) -> None:
    try:
        schema = _schema(path)
    except (OSError, etree.LxmlError) as error:
        text = f"Unable to parse RNG {path}: {error}"
        raise VirtError(Code.INTERNAL_ERROR, text, source=From.XML) from error
    try:
        document = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return  # not well-formed: parsing it complains, in other words
    if not schema.validate(document):
        told = "".join(f"{entry.message}\n" for entry in schema.error_log)
        text = f"Unable to validate doc against {path}\n{told}"
        raise VirtError(Code.XML_INVALID_SCHEMA, text, source=From.XML)
