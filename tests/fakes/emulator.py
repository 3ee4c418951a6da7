#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An emulator without an emulation: it answers QMP from a file beside it, or misbehaves as that file says.

Beside the executable `NAME` stands `NAME.json`: {"mode": "answer" | "crash" | "hang" | "garbage", "answers": {command: answer}}.
Each start appends a line to `NAME.starts`.
"""

import json
import re
import socket
import sys
import time
from pathlib import Path

GREETING = {"QMP": {"version": {"qemu": {"major": 8, "minor": 1, "micro": 2}, "package": ""}, "capabilities": []}}


def monitor_socket(argv: list[str]) -> socket.socket:
    fd = next(int(m[1]) for word in argv if (m := re.search(r"socket,id=monitor,fd=(\d+)", word)))
    return socket.socket(fileno=fd)


def answer(command: dict, answers: dict) -> dict:
    name = command["execute"]
    if name == "qmp_capabilities":
        return {"return": {}}
    if name not in answers:
        return {"error": {"class": "CommandNotFound", "desc": f"The command {name} has not been found"}}
    found = answers[name]
    if isinstance(found, dict) and "typename" in command.get("arguments", {}):
        found = found.get(command["arguments"]["typename"], [])
    return {"return": found}


def serve(sock: socket.socket, answers: dict) -> None:
    decoder, pending = json.JSONDecoder(), ""
    while data := sock.recv(65536):
        pending += data.decode()
        while pending.strip():
            try:
                command, end = decoder.raw_decode(pending.lstrip())
            except ValueError:
                break
            pending = pending.lstrip()[end:]
            reply = answer(command, answers) | ({"id": command["id"]} if "id" in command else {})
            sock.sendall(json.dumps(reply).encode() + b"\n")


def main() -> None:
    me = Path(sys.argv[0])
    with open(f"{me}.starts", "a") as log:
        print(" ".join(sys.argv[1:]), file=log)
    play = json.loads(Path(f"{me}.json").read_text())
    if play["mode"] == "crash":
        sys.exit("fake: cannot load its firmware")
    sock = monitor_socket(sys.argv)
    if play["mode"] == "hang":
        time.sleep(60)
    if play["mode"] == "garbage":
        sock.sendall(b"this is not QMP\n")
        time.sleep(60)
    sock.sendall(json.dumps(GREETING).encode() + b"\n")
    serve(sock, play["answers"])


main()
