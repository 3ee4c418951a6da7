# SPDX-License-Identifier: LGPL-2.1-or-later
"""Linux containers by the kernel's own means: namespaces and control groups."""
