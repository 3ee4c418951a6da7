# SPDX-License-Identifier: LGPL-2.1-or-later
"""The controller: a small program that holds one container and outlives the daemon.

It stands on the standard library alone, and on its light parts only: it starts in milliseconds and stays small.  The
daemon starts it with a socket for its standard input and sends the plan (`plan.py`) with the descriptors that the
plan speaks of.  The controller makes the container, answers, and from then on carries the terminals' data, does what
is asked of it over the socket `plan["socket"]`, and tells how the container ended.

    main       the program: from the plan to the end
    container  the container's first process: born, led to its place, made to run init
    rootfs     the mounts that it sees                devices    its /dev
    network    its network devices                    privileges what it may do
    terminals  its consoles                           meminfo    its share of the host's memory
    control    requests while it runs
    kernel, netlink, messages                         the kernel's and the daemon's languages
"""
