# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks of guests as QEMU sees them: nodes, chains of images, block jobs, the safe pivot."""
