"""An ERP of another make, as `docs/customerp-profile-example.yaml` describes it."""

import copy
import json
from datetime import datetime, timedelta
from typing import Any

from talk_assets_tests.systems.loopback import Answer, Asked

SECRET = "nordlys-key"
START = datetime.fromisoformat("2024-02-14T09:30:00+01:00")
Row = dict[str, Any]


class Nordlys:
    """Keeps records in memory; a PUT replaces the whole record, rows included, and what it does not name is gone."""

    def __init__(self, page: int = 2) -> None:
        self.records: dict[str, dict[int, Row]] = {}
        self.page = page
        self.count = 0

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
        if not key:
            return self._list(kind, asked) if asked.method == "GET" else self._put(kind, None, asked)
        if int(key) not in self.records.get(kind, {}):
            return Answer(410, {"error": {"message": "gone"}})
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
        for place, row in enumerate(body.get("rows", [])):
            row.setdefault("rowId", 1000 * self.count + place)
            row["total"] = "computed"
        at = int((START + timedelta(minutes=self.count)).timestamp() * 1000)
        self.records.setdefault(kind, {})[key] = {**body, "id": key, "meta": {"updatedAt": at}}
        return self.records[kind][key]
