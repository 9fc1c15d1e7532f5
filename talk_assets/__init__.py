"""talk-assets keeps Customerp and Exact Online equal in both directions."""

import gc

# What modules define stays: to look for garbage among it every 700 objects took a fifth of the time of each start.
gc.set_threshold(20_000, 10, 10)
