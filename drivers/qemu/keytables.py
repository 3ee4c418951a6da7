# SPDX-License-Identifier: LGPL-2.1-or-later
"""The keys of the sets of `virKeycodeSet` that count otherwise than QEMU does.

A table has runs: the set's number of the first key → QEMU's numbers of this one and those that follow.
"""

from __future__ import annotations

from virtd.enums import KeycodeSet

RUNS: dict[int, dict[int, str]] = {
    # Linux input events.
    KeycodeSet.LINUX: {
        1: (
            "01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20 "
            "21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f 30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f 40 "
            "41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50 51 52 53 54 76 56 57 58 73 78 77 79 70 7b 5c 9c "
            "9d b5 54 b8 5b c7 c8 c9 cb cd cf d0 d1 d2 d3 ef a0 ae b0 de 59 ce c6 8b 7e 72 71 7d db dc dd e8 "
            "85 86 87 8c f8 64 65 c1 bc f5 9e a1 66 df e3 67 68 69 93 9f 97 82 6a 92 6b a6 ec e6 eb ea e9 a3 "
            "6c fd 99 a2 90 a4 b1 98 63 00 81 b2 e7 "
        ),
        176: (
            "88 75 8f f6 fb 89 8a 5d 5e 5f 55 83 f7 84 5a 74 f9 6d 6f 95 96 9a 9b a7 a8 a9 ab ac ad a5 af b3 "
            "b4 b6 b9 ba bb bd be bf c0 e5 c2 c3 c4 c5 94 ca cc d4 ed d6 d7 d8 d9 da e4 8e d5 f0 f1 f2 f3 f4 "
        ),
    },
    # The PC's second scan codes; those with a prefix from 0xE000 on.
    KeycodeSet.ATSET2: {
        1: "43 00 3f 3d 3b 3c 58 00 44 42 40 3e 0f 29 59 00 38 2a 70 1d 10 02",
        26: "2c 1f 1e 11 03",
        33: "2e 2d 20 12 05 04 5c 00 39 2f 21 14 13 06 5d 00 31 30 23 22 15 07 5e",
        58: "32 24 16 08 09 5f 00 33 25 17 18 0b 0a",
        73: "34 35 26 27 19 0c",
        81: "73 28 00 1a 0d",
        88: "3a 36 1c 1b 00 2b 00 76 00 56 77 78 79 00 0e 7b 00 4f 7d 4b 47 7e",
        112: "52 53 50 4c 4d 48 01 45 57 4e 51 4a 37 49 46 54",
        131: "41",
        0xE010: "e5 b8",
        0xE014: "9d 90",
        0xE018: "e6",
        0xE01F: "db e7 ae 00 a0",
        0xE027: "dc e8",
        0xE02B: "a1",
        0xE02F: "dd e9 00 b0 00 a2",
        0xE037: "de ea 00 b2 a4",
        0xE03F: "df eb",
        0xE048: "ec 00 b5",
        0xE04D: "99",
        0xE050: "ed",
        0xE05A: "9c",
        0xE05E: "e3",
        0xE069: "cf 00 cb c7",
        0xE06F: "ef d2 d3 d0 00 cd c8 00 c6 00 ce d1",
        0xE07D: "c9",
    },
    # The PC's third scan codes.
    KeycodeSet.ATSET3: {
        7: (
            "3b 01 f5 e8 85 86 0f 29 3c 87 1d 2a 56 3a 10 02 3d f8 38 2c 1f 1e 11 03 3e 64 2e 2d 20 12 05 04 "
            "3f 65 39 2f 21 14 13 06 40 c1 31 30 23 22 15 07 41 bc b8 32 24 16 08 09 42 00 33 25 17 18 0b 0a "
            "43 00 34 35 26 27 19 0c 44 "
        ),
        82: (
            "28 00 1a 0d 57 54 9d 36 1c 1b 2b 7d 58 46 d0 cb c6 c8 d3 cf 0e d2 00 4f cd 4b 47 d1 c7 c9 52 53 "
            "50 4c 4d 48 45 "
        ),
        121: "9c 51 00 4e 49 37 5d 5e 5f 55 83 00 7b 79 77",
        139: "db dc dd ef",
        145: "9e 00 99 90 b0 92 b2 a4 00 a3 a6 a0 ae b1 98 9f 97 93 a1",
    },
    # macOS.
    KeycodeSet.OSX: {
        0: (
            "1e 1f 20 21 23 22 2c 2d 2e 2f 00 30 10 11 12 13 15 14 02 03 04 05 07 06 0d 0a 08 0c 09 0b 1b 18 "
            "16 1a 17 19 1c 26 24 28 25 27 2b 33 35 31 32 34 0f 39 29 0e 00 01 dc db 2a 3a 38 1d 36 b8 9d 00 "
            "83 53 00 37 00 4e 00 45 b0 ae a0 b5 9c 00 4a f7 84 59 52 4f 50 51 4b 4c 4d 47 5a 48 49 7d 73 5c "
            "3f 40 41 3d 42 43 71 57 72 5d 55 5e 00 44 dd 58 00 5f f5 c7 c9 d3 3e cf 3c d1 3b cb cd d0 c8 "
        ),
    },
    # The keyboard page of USB.
    KeycodeSet.USB: {
        4: (
            "1e 30 2e 20 12 21 22 23 17 24 25 26 32 31 18 19 10 13 1f 14 16 2f 11 2d 15 2c 02 03 04 05 06 07 "
            "08 09 0a 0b 1c 01 0e 0f 39 0c 0d 1a 1b 00 2b 27 28 29 33 34 35 3a 3b 3c 3d 3e 3f 40 41 42 43 44 "
            "57 58 54 46 c6 d2 c7 c9 d3 cf d1 cd cb d0 c8 45 b5 37 4a 4e 9c 4f 50 51 4b 4c 4d 47 48 49 52 53 "
            "56 dd de 59 5d 5e 5f 55 83 f7 84 5a 74 f9 6d 6f 64 f5 9e 8c 00 85 87 bc f8 65 "
        ),
        133: "7e 00 73 70 7d 79 7b 5c",
        144: "72 71 78 77 76",
        182: "f6 fb",
        224: "1d 2a 38 db 9d 36 b8 dc a2 a4 90 99 6c b0 ae a0 82 ea e9 e8 c1 75 8f 88 df 92 e7 a1",
    },
    # Windows' virtual keys.
    KeycodeSet.WIN32: {
        8: "0e 0f",
        13: "1c",
        17: "1d 38 c6 3a 78 72",
        26: "71 01 79 7b",
        32: "39 c9 d1 cf c7 cb c8 cd d0 00 b9 00 54 d2 d3 f5 0b 02 03 04 05 06 07 08 09 0a",
        65: (
            "1e 30 2e 20 12 21 22 23 17 24 25 26 32 31 18 19 10 13 1f 14 16 2f 11 2d 15 2c db dc dd 00 df 52 "
            "4f 50 51 4b 4c 4d 47 48 49 37 4e 7e 4a 53 b5 3b 3c 3d 3e 3f 40 41 42 43 44 57 58 5d 5e 5f 55 83 "
            "f7 84 5a 74 f9 6d 6f "
        ),
        144: "45 46",
        160: "2a 36 00 9d 00 b8 ea e9 e7 e8 e5 00 b2 a0 ae b0 99 90 a4 a2 bf",
        186: "27 0d 33 0c 34 35 29",
        219: "1a 2b 1b 28",
        226: "56",
        242: "70",
        250: "b3",
    },
}
