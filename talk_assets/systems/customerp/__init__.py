"""Customerp: a company's own ERP, spoken to by the published contract or by a connector profile."""
