"""Codes that an administration of the sandbox knows, and what they mean."""

from collections.abc import Mapping

USER_ID = "5f0c1f1e-7d1a-4c52-9a3e-2b8f6f0d9c11"
USER_NAME = "Sandbox Gebruiker"
APP_NAME = "talk-assets"
CURRENCY = "EUR"

CURRENCIES = frozenset({"EUR", "USD", "GBP", "NOK", "SEK", "DKK", "CHF", "PLN"})

UNITS: Mapping[str, str] = {
    "pc": "Piece", "hour": "Hour", "day": "Day", "week": "Week", "month": "Month", "year": "Year", "min": "Minute",
    "kg": "Kilogram", "g": "Gram", "t": "Tonne", "l": "Litre", "m": "Metre", "cm": "Centimetre", "km": "Kilometre",
    "m2": "Square metre", "m3": "Cubic metre", "box": "Box", "set": "Set", "pack": "Pack",
}  # fmt: skip
UNIT_TYPES: Mapping[str, str] = {
    "hour": "T", "day": "T", "week": "T", "month": "T", "year": "T", "min": "T", "kg": "W", "g": "W", "t": "W",
    "l": "V", "m3": "V", "m2": "A", "m": "L", "cm": "L", "km": "L",
}  # fmt: skip
DEFAULT_UNIT = "pc"

VAT_RATES: Mapping[str, float] = {"0": 0.0, "1": 0.09, "2": 0.21, "3": 0.0, "4": 0.21}
VAT_NAMES: Mapping[str, str] = {
    "0": "Geen BTW", "1": "BTW laag", "2": "BTW hoog", "3": "BTW verlegd", "4": "BTW hoog, inclusief",
}  # fmt: skip
DEFAULT_VAT = "2"

ACCOUNT_STATUSES = frozenset("ASPC")

QUOTATION_REJECTED, QUOTATION_REVIEWED, QUOTATION_DRAFT, QUOTATION_OPEN, QUOTATION_PRINTED = 5, 6, 20, 25, 40
QUOTATION_ACCEPTED, QUOTATION_AWAITED, QUOTATION_ACCEPTED_WITH_ERROR = 50, 60, 70
QUOTATION_STATUSES: Mapping[int, str] = {
    5: "Rejected", 6: "Reviewed and closed", 10: "Recovery", 20: "Draft", 25: "Open", 35: "Processing", 40: "Printed",
    50: "Accepted", 60: "Awaiting online acceptance", 70: "Accepted with an error",
}  # fmt: skip

ORDER_OPEN, ORDER_PARTIAL, ORDER_COMPLETE, ORDER_CANCELLED = 12, 20, 21, 45
ORDER_STATUSES: Mapping[int, str] = {12: "Open", 20: "Partial", 21: "Complete", 45: "Cancelled"}
APPROVED_AUTOMATICALLY = 1
APPROVAL_STATUSES: Mapping[int, str] = {0: "Awaiting approval", 1: "Automatic", 2: "Approved"}

COUNTRIES: Mapping[str, str] = {
    "NL": "Nederland", "BE": "België", "DE": "Duitsland", "FR": "Frankrijk", "GB": "Verenigd Koninkrijk",
    "NO": "Noorwegen", "SE": "Zweden", "DK": "Denemarken", "FI": "Finland", "ES": "Spanje", "US": "Verenigde Staten",
}  # fmt: skip
