"""A sensor's looks, one after another as Dagster's daemon takes them, and the runs that they start."""

from dataclasses import dataclass, field

import dagster as dg
import sqlalchemy as sa

from talk_assets.definitions import SYNC, build_defs
from talk_assets.ledger.database import open_ledger
from talk_assets_tests.assets.runs import QUIET
from talk_assets_tests.installed import Home


@dataclass
class Sensor:
    """A sensor of an installation, with the cursor that Dagster keeps for it."""

    place: Home
    instance: dg.DagsterInstance
    name: str
    cursor: str | None = None
    used: set[str] = field(default_factory=set)

    def look(self, **changes: str) -> dg.RunRequest | str:
        """Look once; the run that is asked for and was not asked for before, or why there is none."""
        with self.place.environment(**changes):
            definitions = build_defs()
            sensor = definitions.get_sensor_def(self.name)
            context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor, definitions=definitions)
            result = sensor(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        if not result.run_requests:
            return str(result.skip_reason.skip_message) if result.skip_reason is not None else ""
        (request,) = result.run_requests
        assert request.run_key is not None
        if request.run_key in self.used:
            return f"{request.run_key} ran already"
        self.used.add(request.run_key)
        return request

    def run(self, request: dg.RunRequest, **changes: str) -> bool:
        """Run what was asked for; whether every step came through."""
        with self.place.environment(**changes):
            return (
                build_defs()
                .resolve_job_def(SYNC)
                .execute_in_process(
                    instance=self.instance,
                    asset_selection=None if request.asset_selection is None else list(request.asset_selection),
                    run_config=dict(QUIET),
                    partition_key=request.partition_key,
                    tags=dict(request.tags),
                    raise_on_error=False,
                )
                .success
            )

    def begun(self) -> list[str]:
        """The steps of the latest run, in the order in which they began."""
        (run,) = self.instance.get_runs(limit=1)
        found = self.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_START)
        return [str(each.step_key) for each in found]


def names(request: dg.RunRequest | str) -> set[str]:
    """The assets that a run is to materialize."""
    assert isinstance(request, dg.RunRequest), request
    return {key.to_user_string() for key in request.asset_selection or ()}


def query(place: Home, statement: str) -> list[tuple[object, ...]]:
    """What the ledger answers."""
    ledger = open_ledger(place.settings["TALK_DATABASE_URL"])
    with ledger.begin() as connection:
        found = connection.execute(sa.text(statement))
        rows = [tuple(row) for row in found] if found.returns_rows else []
    ledger.close()
    return rows
