# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's own Python binding at a distance: reads calls from its input, one JSON object a line, and answers each so.

Run by the system's Python, which has the binding; `tests/conformance/client.py` is the other end.
"""

import json
import sys
import threading

import libvirt

#: libvirt's objects by the number under which the other end knows them; 0 is the module.
objects = [libvirt]
#: Domain events as (guest's name, kind, arguments), in the order in which they came.
events = []


def shown(value):
    """A result as JSON can carry it."""
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if value is None or isinstance(value, (str, int, float)):
        return value
    objects.append(value)
    return {"object": len(objects) - 1}


def given(value):
    """An argument of the other end."""
    if isinstance(value, list):
        return [given(item) for item in value]
    if isinstance(value, dict) and "object" in value:
        return objects[value["object"]]
    if isinstance(value, dict) and "bytes" in value:
        return bytes.fromhex(value["bytes"])
    return value


def watch(connection, kinds):
    """Note what happens to this connection's domains from now on; the answer is how many kinds the driver tells of."""
    told = 0
    for kind in kinds:

        def note(_connection, domain, *args, kind=kind):
            events.append((domain.name(), kind, *(arg for arg in args[:-1])))

        connection.domainEventRegisterAny(None, kind, note, None)
        told += 1
    return told


def answer(question):
    if question["method"] == "events!":
        taken, events[:] = events[:], []
        return taken
    target = objects[question["object"]]
    args = [given(arg) for arg in question["args"]]
    if question["method"] == "watch!":
        return watch(target, *args)
    if question["method"] == "listed":  # names alone: objects would be kept here for ever
        return [domain.name() for domain in target.listAllDomains(*args)]
    return getattr(target, question["method"])(*args)


def run_events():
    while True:
        libvirt.virEventRunDefaultImpl()


def main():
    libvirt.registerErrorHandler(lambda *_: None, None)
    libvirt.virEventRegisterDefaultImpl()
    threading.Thread(target=run_events, daemon=True).start()
    for line in sys.stdin:
        try:
            told = {"result": shown(answer(json.loads(line)))}
        except libvirt.libvirtError as error:
            told = {
                "refused": [error.get_error_code(), error.get_error_domain(), error.get_error_message() or str(error)]
            }
        except Exception as error:
            told = {"wrong": repr(error)}
        print(json.dumps(told), flush=True)


main()
