"""talk-assets keeps Customerp and Exact Online equal in both directions."""
