"""An ERP of another make, as `docs/customerp-profile-example.yaml` describes it."""

import copy
import json
import threading
import time
from datetime import datetime, timedelta
from typing import Any

from talk_assets_tests.systems.loopback import Answer, Asked

SECRET = "nordlys-key"
START = datetime.fromisoformat("2024-02-14T09:30:00+01:00")
Row = dict[str, Any]
# What the ERP has places for; what else it is sent, it drops without a word.
_PERSON = "firstName middleName lastName email phone mobile jobTitle birthDate"
_DOCUMENT = "number relation contactId customerReference description currency remarks status internalNote rows"
_KNOWN = {
    "relations": "relationNo companyName organizationNumber vatNumber email phone website address creditLimit notes",
    "persons": f"relation {_PERSON} newsletter notes",
    "staff": f"number {_PERSON} privateEmail startDate endDate department",
    "articles": "articleNo name description barcode unit costPrice price weight",
    "offers": f"{_DOCUMENT} quoteDate validUntil",
    "sales-orders": f"{_DOCUMENT} quoteId orderDate deliveryDate",
}
_KNOWN_OF_ROWS = "rowId articleId description quantity unitPrice discountPercent deliveryDate remark total"
# Characters of an article's name.
_LONGEST_ARTICLE = 40
# Of the ERP's own, which no profile and no mapping names.
_OWN = "colour tags mood depth"


class Nordlys:
    """Keeps records in memory; a PUT replaces the whole record, rows included, and what it does not name is gone.

    Args:
        page: how many records it gives at most, whatever it is asked for.
        real_time: whether records are of now; else each is a minute younger than the one before.
    """

    def __init__(self, page: int = 2, *, real_time: bool = False) -> None:
        self.records: dict[str, dict[int, Row]] = {}
        self.page = page
        self.count = 0
        self._real_time = real_time
        self._alone = threading.Lock()

    def add(self, kind: str, **values: Any) -> int:
        """Add a record as a user of the ERP."""
        self.count += 1
        return int(self._save(kind, self.count, copy.deepcopy(values))["id"])

    def __call__(self, asked: Asked) -> Answer:
        if asked.headers.get("X-Api-Key") != SECRET or asked.headers.get("X-Company") != "7":
            return Answer(401, {"error": {"message": "who are you"}})
        path = asked.path.removeprefix("/api/v2/")
        if path == "me":
            return Answer(body={"data": {"product": "Nordlys"}})
        kind, _, key = path.partition("/")
        with self._alone:
            return self._answer(kind, key, asked)

    def _answer(self, kind: str, key: str, asked: Asked) -> Answer:
        if kind not in _KNOWN:
            return Answer(404, {"error": {"message": "no such kind"}})
        if not key:
            return self._list(kind, asked) if asked.method == "GET" else self._put(kind, None, asked)
        if int(key) not in self.records.get(kind, {}):
            # It does not tell what is gone from what one may not see.
            return Answer(403, {"error": {"message": "not yours"}})
        if asked.method == "DELETE":
            del self.records[kind][int(key)]
            return Answer(body={"data": None})
        return self._shown(self.records[kind][int(key)]) if asked.method == "GET" else self._put(kind, int(key), asked)

    def _list(self, kind: str, asked: Asked) -> Answer:
        if kind == "relations" and asked.query.get("kind") != "customer":
            return Answer(400, {"error": {"message": "which kind?"}})
        since = int(asked.query.get("updatedAfter", "0"))
        changed = [row for row in self.records.get(kind, {}).values() if row["meta"]["updatedAt"] >= since]
        changed.sort(key=lambda row: (row["meta"]["updatedAt"], row["id"]))
        start = int(asked.query.get("cursor", "0"))
        more = str(start + self.page) if start + self.page < len(changed) else None
        return Answer(body={"data": changed[start : start + self.page], "paging": {"next": more}})

    def _put(self, kind: str, key: int | None, asked: Asked) -> Answer:
        body: Row = json.loads(asked.body)["data"]
        refused: list[str] = [name for name in ("id", "meta") if name in body]
        refused += ["total" for row in body.get("rows", []) if "total" in row]
        if refused:
            return Answer(400, {"error": {"message": "no", "fields": [{"field": refused[0], "reason": "computed"}]}})
        if kind == "relations" and not body.get("companyName"):
            fields = [{"field": "companyName", "reason": "required"}]
            return Answer(400, {"error": {"message": "incomplete", "fields": fields}})
        if len(body.get("name") or "") > _LONGEST_ARTICLE:
            fields = [{"field": "name", "reason": "too long"}]
            return Answer(400, {"error": {"message": "no", "fields": fields}})
        if key is not None and asked.headers.get("If-Match", self._tag(kind, key)) != self._tag(kind, key):
            return Answer(412, {"error": {"message": "changed"}})
        if key is None:
            self.count += 1
        return self._shown(self._save(kind, key if key is not None else self.count, body))

    def _tag(self, kind: str, key: int) -> str:
        return f'"{self.records[kind][key]["meta"]["updatedAt"]}"'

    def _shown(self, row: Row) -> Answer:
        return Answer(body={"data": row}, headers={"ETag": f'"{row["meta"]["updatedAt"]}"'})

    def _save(self, kind: str, key: int, body: Row) -> Row:
        self.count += 1
        kept = _only(body, f"{_KNOWN[kind]} {_OWN}")
        if "rows" in kept:
            kept["rows"] = [_only(row, f"{_KNOWN_OF_ROWS} {_OWN}") for row in kept["rows"]]
        for place, row in enumerate(kept.get("rows", [])):
            row.setdefault("rowId", 1000 * self.count + place)
            row["total"] = "computed"
        moment = time.time() if self._real_time else (START + timedelta(minutes=self.count)).timestamp()
        self.records.setdefault(kind, {})[key] = {**kept, "id": key, "meta": {"updatedAt": int(moment * 1000)}}
        return self.records[kind][key]


def _only(values: Row, names: str) -> Row:
    return {name: value for name, value in values.items() if name in names.split()}
