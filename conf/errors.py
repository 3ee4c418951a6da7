# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can be wrong with an XML document.

`conf` imports nothing of the project, so it has a small exception family of its own; the daemon
turns each into the libvirt error whose number stands in `code`.
"""

from __future__ import annotations


class ConfError(Exception):
    """A document that cannot be accepted.

    Attributes:
        code: the `virErrorNumber` a client is told.
        of_domain: it is about a guest's definition, whatever document that stands in.
    """

    code = 1
    of_domain = False


class InternalError(ConfError):
    """VIR_ERR_INTERNAL_ERROR: libvirt's answer to some malformed input."""

    code = 1


class NoSupportError(ConfError):
    """VIR_ERR_NO_SUPPORT."""

    code = 3


class InvalidArgError(ConfError):
    """VIR_ERR_INVALID_ARG."""

    code = 8


class OSTypeError(ConfError):
    """VIR_ERR_OS_TYPE: `<os><type>` is missing or unknown."""

    code = 16


class XMLError(ConfError):
    """VIR_ERR_XML_ERROR: well-formed, but not what the format asks for."""

    code = 27


class XMLFormError(XMLError):
    """The same, found in reading any document: a root element, attribute or value that cannot be.

    libvirt's error domain is then XML, and not that of the object which is described.
    """


class XMLDetailError(ConfError):
    """VIR_ERR_XML_DETAIL: not well-formed; the text carries the place."""

    code = 35


class ConfigUnsupportedError(ConfError):
    """VIR_ERR_CONFIG_UNSUPPORTED: understood, but not possible."""

    code = 67


class SchemaError(ConfError):
    """VIR_ERR_XML_INVALID_SCHEMA: validation against the RNG schema failed."""

    code = 92


class NoSourceError(ConfError):
    """VIR_ERR_NO_SOURCE: a device that needs a source has none."""

    code = 19


class NoTargetError(ConfError):
    """VIR_ERR_NO_TARGET: a device without a target."""

    code = 20


class NoNameError(ConfError):
    """VIR_ERR_NO_NAME: an object without a name."""

    code = 21


class OverflowConfError(ConfError):
    """VIR_ERR_OVERFLOW: a number beyond its type."""

    code = 82


class SystemCallError(ConfError):
    """VIR_ERR_SYSTEM_ERROR: the answer to an address that no resolver knows."""

    code = 38


def of_domain(error: ConfError) -> ConfError:
    """The same complaint, as one about a guest's definition."""
    error.of_domain = True
    return error
