# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a guest comes to life, what befalls it, how it ends, how a new daemon finds it again."""
