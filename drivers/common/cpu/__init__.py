# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPU models of x86 by libvirt's map: what they have, which is nearest to a CPU, what several CPUs have in common."""
