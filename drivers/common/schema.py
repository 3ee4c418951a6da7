# SPDX-License-Identifier: LGPL-2.1-or-later
"""Documents against libvirt's own schemas, for clients that ask for it (`…_VALIDATE`)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from lxml import etree

from virtd.errors import Code, From, VirtError
from virtd.threads import in_thread

#: Where libvirt's client library keeps its schemas.
FOLDER = Path("/usr/share/libvirt/schemas")
#: Schema → the element that libvirt wants to see before it looks at the schema.
ROOTS = {"domain.rng": "domain"}


P = ParamSpec("P")
R = TypeVar("R")


@cache
def _schema(path: Path) -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(path))


async def validate(xml: str, name: str) -> None:
    """Check a document against the schema `name` ("domain.rng").

    Raises:
        VirtError: XML_INVALID_SCHEMA, it does not fit; INTERNAL_ERROR, there is no such schema here.
    """
    await in_thread(_validate, xml, FOLDER / name)


def validated(
    name: str, flag: int | None, *, xml: int = 0
) -> Callable[[Callable[P, R]], Callable[P, R | Coroutine[Any, Any, R]]]:
    """Decorator of an API method: its document is checked first where `flag` (the last argument's) asks for it.

    Args:
        name: the schema.
        flag: None: always.
        xml: which argument is the document, not counting `self`.
    """

    def decorate(method: Callable[P, R]) -> Callable[P, R | Coroutine[Any, Any, R]]:
        async def after_validation(*args: P.args, **kwargs: P.kwargs) -> R:
            await validate(str(args[1 + xml]), name)
            return method(*args, **kwargs)

        @functools.wraps(method)
        def call(*args: P.args, **kwargs: P.kwargs) -> R | Coroutine[Any, Any, R]:
            asked = flag is None or (isinstance(args[-1], int) and args[-1] & flag)
            return (after_validation if asked else method)(*args, **kwargs)

        return call

    return decorate


def _validate(xml: str, path: Path) -> None:
    try:
        schema = _schema(path)
    except (OSError, etree.LxmlError) as error:
        text = f"Unable to parse RNG {path}: {error}"
        raise VirtError(Code.INTERNAL_ERROR, text, source=From.XML) from error
    try:
        # As bytes: a document may say how it is encoded.
        data = xml.encode("utf-8", "surrogateescape")
        document = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return  # not well-formed: parsing it complains, in other words
    if document.tag != ROOTS.get(path.name, document.tag):
        return  # parsing says so, too
    if not schema.validate(document):
        told = "".join(f"{entry.message}\n" for entry in schema.error_log)
        text = f"Unable to validate doc against {path}\n{told}"
        raise VirtError(Code.XML_INVALID_SCHEMA, text, source=From.XML)
