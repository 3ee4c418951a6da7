# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest that is its own boot sector: it counts, writes each number to its disk, and says which ones are written.

For n = 1, 2, … it writes a sector that begins and ends with n to sector FIRST + n % SECTORS by the BIOS
(int 13h), which returns when the disk has acknowledged the write, and only then prints n in hexadecimal on
COM1.  What is on COM1 is what the guest was told is safe.
"""

from __future__ import annotations

import struct
from pathlib import Path

SECTOR = 512
FIRST = 16
SECTORS = 256
SIZE = 8 << 20

_LOAD = 0x7C00
_BUFFER = 0x8000
_DRIVE = _LOAD + 0x1F0
_PACKET = _LOAD + 0x1E0


def _word(number: int) -> bytes:
    return struct.pack("<H", number)


def _jump(opcode: int, code: bytes, target: int) -> bytes:
    """A short jump, placed at the end of `code`, to the offset `target` in it."""
    return bytes([opcode]) + struct.pack("b", target - (len(code) + 2))


def _code() -> bytes:
    code = b"\x31\xc0\x8e\xd8\x8e\xc0\x8e\xd0"  # ds = es = ss = 0
    code += b"\xbc" + _word(_LOAD)  # sp = 7c00h
    code += b"\x88\x16" + _word(_DRIVE)  # [drive] = dl
    count = len(code)
    code += b"\x66\xff\x06" + _word(_BUFFER)  # inc dword [buffer]
    code += b"\x66\xa1" + _word(_BUFFER)  # eax = [buffer]
    code += b"\x66\xa3" + _word(_BUFFER + SECTOR - 4)  # [end of buffer] = eax
    code += b"\x66\x25" + struct.pack("<I", SECTORS - 1)  # eax &= SECTORS - 1
    code += b"\x66\x83\xc0" + bytes([FIRST])  # eax += FIRST
    code += b"\x66\xa3" + _word(_PACKET + 8)  # the packet's sector number = eax
    write = len(code)
    code += b"\xbe" + _word(_PACKET)  # si = packet
    code += b"\x8a\x16" + _word(_DRIVE)  # dl = [drive]
    code += b"\xb8\x00\x43\xcd\x13"  # ax = 4300h: extended write; int 13h
    code += _jump(0x72, code, write)  # jc write: until it is acknowledged
    code += b"\x66\x8b\x1e" + _word(_BUFFER)  # ebx = [buffer]
    code += b"\xb9\x08\x00\xba\xf8\x03"  # cx = 8; dx = COM1
    digit = len(code)
    code += b"\x66\xc1\xc3\x04\x88\xd8\x24\x0f"  # rol ebx, 4; al = bl & 0fh
    code += b"\x04\x30\x3c\x3a\x72\x02\x04\x27\xee"  # al to a hexadecimal digit; out dx, al
    code += _jump(0xE2, code, digit)  # loop digit
    code += b"\xb0\x0a\xee"  # newline
    return code + _jump(0xEB, code, count)  # jmp count


def make_disk(path: Path) -> None:
    """Write the guest's disk."""
    code = _code()
    packet = struct.pack("<BBHHHQ", 16, 0, 1, _BUFFER, 0, 0)
    sector = code.ljust(_PACKET - _LOAD, b"\x90") + packet
    with path.open("wb") as file:
        file.write(sector.ljust(510, b"\0") + b"\x55\xaa")
        file.truncate(SIZE)


def acknowledged(log: Path) -> list[int]:
    """The last numbers on COM1, oldest first; one that is not completely printed does not count."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 9 * (SECTORS + 2)))
        lines = file.read().split(b"\n")[1:-1]
    return [int(line, 16) for line in lines[-SECTORS:]]


def on_disk(path: Path) -> dict[int, int]:
    """Sector → the number that begins it; torn sectors have 0."""
    found = {}
    with path.open("rb") as file:
        file.seek(FIRST * SECTOR)
        for sector in range(FIRST, FIRST + SECTORS):
            data = file.read(SECTOR)
            first, last = data[:4], data[-4:]
            found[sector] = struct.unpack("<I", first)[0] if first == last else 0
    return found


def lost(log: Path, disk: Path) -> list[int]:
    """Numbers that the guest was told are on disk and that are not (nor anything newer in their place)."""
    told = acknowledged(log)
    found = on_disk(disk)
    return [n for n in told if found[FIRST + n % SECTORS] < n]
