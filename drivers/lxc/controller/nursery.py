# SPDX-License-Identifier: LGPL-2.1-or-later
"""The nursery: the controller's program, loaded once, from which controllers are forked.

An interpreter takes longer to start than a container does.  So the daemon starts this process once and asks it for each
controller, by a message that brings the controller's socket and its log; the answer is the pid.  It ends with the
daemon; controllers do not.
"""

from __future__ import annotations

import os
import sys
from _signal import SIG_DFL, SIG_IGN, SIGCHLD, signal  # type: ignore[import-not-found]  # the light half of signal
from _socket import CMSG_SPACE, socket

from drivers.lxc.controller import main
from drivers.lxc.controller.messages import ancillary_descriptors

_PID_BYTES = 4
_ASKED_FOR = 2


def serve() -> None:
    """Run with the daemon's socket as standard input, until it closes that."""
    daemon = socket(fileno=0)
    signal(SIGCHLD, SIG_IGN)  # nobody waits for controllers here
    while True:
        data, ancillary, *_ = daemon.recvmsg(1, CMSG_SPACE(4 * _ASKED_FOR))
        if not data:
            return
        descriptors = ancillary_descriptors(ancillary)
        pid = os.fork()
        if pid == 0:
            _become_controller(daemon, *descriptors)
        for fd in descriptors:
            os.close(fd)
        daemon.sendall(pid.to_bytes(_PID_BYTES, "little"))


def _become_controller(daemon: socket, line: int, output: int) -> None:
    status = 1
    try:
        daemon.detach()
        signal(SIGCHLD, SIG_DFL)
        os.setsid()
        for source, target in ((line, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        os.close(line)
        os.close(output)
        main.main()
        status = 0
    except Exception:
        sys.excepthook(*sys.exc_info())  # whoever reads the log wants to know
    finally:
        os._exit(status)
