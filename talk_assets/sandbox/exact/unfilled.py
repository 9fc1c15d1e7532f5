"""What a property shows that nobody has filled: most show null, the ones listed here do not.

As recorded of records that were made with little more than a name (fretje/exactonline-api-dotnet-client,
APIResponse_Json_Object.txt, for Accounts; picqer/exact-php-client, tests/fixtures/item.json, for Items).
"""

from collections.abc import Mapping
from typing import Any

_NO = False
_SHOWN: Mapping[str, Mapping[str, Any]] = {
    "Accounts": {
        "Blocked": _NO, "CanDropShip": _NO, "IgnoreDatevWarningMessage": _NO, "IsBank": _NO, "IsMember": _NO,
        "IsPilot": _NO, "IsPurchase": _NO, "IsReseller": _NO, "IsSupplier": _NO, "RecepientOfCommissions": _NO,
        "ConsolidationScenario": 2, "CostPaid": 0, "CreditLinePurchase": 0.0, "CreditLineSales": 0.0,
        "DiscountPurchase": 0.0, "DiscountSales": 0.0, "InvoiceAttachmentType": 1, "InvoicingMethod": 0,
        "IsAccountant": 0, "IsAgency": 0, "IsCompetitor": 0, "IsMailing": 0, "PurchaseLeadDays": 0,
        "SecurityLevel": 10, "SeparateInvPerProject": 0, "SeparateInvPerSubscription": 0, "ShippingLeadDays": 0,
    },
    "Items": {
        "CopyRemarks": 0, "FreeBoolField_01": _NO, "FreeBoolField_02": _NO, "FreeBoolField_03": _NO,
        "FreeBoolField_04": _NO, "FreeBoolField_05": _NO, "IsBatchItem": 0, "IsBatchNumberItem": 0,
        "IsFractionAllowedItem": _NO, "IsMakeItem": 0, "IsNewContract": 0, "IsOnDemandItem": 0, "IsPackageItem": _NO,
        "IsPurchaseItem": _NO, "IsRegistrationCodeItem": 0, "IsSalesItem": _NO, "IsSerialItem": _NO,
        "IsStockItem": _NO, "IsSubcontractedItem": _NO, "IsTime": 0, "IsWebshopItem": 0, "SecurityLevel": 10,
        "Stock": 0.0,
    },
}  # fmt: skip


def unfilled(set_name: str) -> Mapping[str, Any]:
    """What the unfilled properties of a set show, by name; null where a name is absent."""
    return _SHOWN.get(set_name, {})
