"""How each system is spoken to: Customerp, Exact Online, and what both connectors share."""
