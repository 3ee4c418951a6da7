# SPDX-License-Identifier: LGPL-2.1-or-later
"""Damaged snapshots, checkpoints, backups, ports and save images: only refusals come of them."""

from __future__ import annotations

import io
import random
import re
import time

import pytest

from conf.errors import ConfError
from drivers.qemu.saveimage import HEADER_SIZE, SaveImage, pack_image, parse_cookie, read_image, settled
from tests.fakes.moments import KINDS, SAMPLES, kind_of
from tests.fuzz.damage import damage
from virtd.errors import VirtError

SECONDS = 3
SEED = 20230115
ZERO = r"""['">]\s*0*['"<]"""


@pytest.mark.parametrize("name", KINDS)
def test_only_conf_errors_come_of_damaged_documents(name: str) -> None:
    rng = random.Random(SEED)
    samples = [(path.read_text(), kind_of(path)[1]) for path in SAMPLES if path.stem.startswith(name)]
    kind = KINDS[name]
    end = time.monotonic() + SECONDS
    accepted = refused = 0
    while time.monotonic() < end:
        text, internal = rng.choice(samples)
        source = damage(text, rng)
        try:
            found = kind.parse(source, internal)
        except ConfError:
            refused += 1
            continue
        accepted += 1
        written = kind.format(found, internal)
        if re.search(ZERO, source):
            continue  # a zero is not written, even where there has to be a number
        # What was accepted is accepted again, and written alike.
        again = kind.format(kind.parse(written, internal), internal)
        assert kind.format(kind.parse(again, internal), internal) == again
    assert accepted > 20
    assert refused > 20


def test_only_refusals_come_of_damaged_save_images() -> None:
    rng = random.Random(SEED)
    cookie = "<cookie><cpu mode='custom'><model>m</model></cpu><slirpHelper/></cookie>"
    sound = pack_image(settled(SaveImage("<domain/>", cookie, was_running=True, compression=1)), complete=True)
    accepted = refused = 0
    for _ in range(3000):
        data = bytearray(sound[: rng.choice((len(sound), HEADER_SIZE + 120, rng.randrange(len(sound))))])
        for _ in range(rng.randint(0, 4)):
            if data:
                data[rng.randrange(min(len(data), HEADER_SIZE + 100))] = rng.randrange(256)
        try:
            image = read_image(io.BytesIO(data))
            _ = image.compression_name
            if image.cookie is not None:
                parse_cookie(image.cookie)
        except (VirtError, ConfError):
            refused += 1
        else:
            accepted += 1
    assert accepted > 100
    assert refused > 100
