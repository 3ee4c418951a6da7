# SPDX-License-Identifier: LGPL-2.1-or-later
"""Definitions put together from parts of others: faults of one element often need another to show."""

from __future__ import annotations

import random
from pathlib import Path

from lxml import etree

_SAMPLES = [
    etree.fromstring(path.read_bytes())
    for path in sorted((Path(__file__).parents[1] / "data" / "conf").glob("domain-*.xml"))
]
#: What a definition can have but once, and says itself.
_OWN = ("name", "uuid", "memory", "currentMemory", "os", "devices")


def _texts(elements: list[etree._Element]) -> list[str]:
    """Each with a line end after each tag and values in single quotes, as `damage` wants them."""
    texts = {etree.tostring(element, encoding="unicode", with_tail=False) for element in elements}
    return sorted(text.replace('"', "'").replace("><", ">\n<") for text in texts if "'" not in text)


_DEVICES = _texts([device for root in _SAMPLES for device in root.iterfind("devices/*") if device.tag != "emulator"])
_SETTINGS = _texts([element for root in _SAMPLES for element in root.iterfind("*") if element.tag not in _OWN])


def assembled(rng: random.Random, system: str, virt_type: str) -> str:
    """A definition with some devices and settings of the samples; `system` is its `<os>`."""
    devices = "\n".join(rng.sample(_DEVICES, rng.randint(0, 6)))
    settings = "\n".join(rng.sample(_SETTINGS, rng.randint(0, 2)))
    return (
        f"<domain type='{virt_type}'>\n<name>g</name>\n<memory unit='KiB'>1048576</memory>\n"
        f"{system}\n{settings}\n<devices>\n{devices}\n</devices>\n</domain>\n"
    )


def device(rng: random.Random) -> str:
    """A device of the samples."""
    return f"{rng.choice(_DEVICES)}\n"
