"""Where Dagster keeps its own storage for this installation."""

import os
from pathlib import Path

from ruamel.yaml import YAML

from talk_assets.settings import Settings

_PACKAGE = Path(__file__).parent
# What the webserver and the daemon load; the location keeps its name wherever it is started.
_WORKSPACE = {
    "load_from": [{"python_module": {"module_name": "talk_assets.definitions", "location_name": "talk_assets"}}]
}


def write_workspace(settings: Settings) -> Path:
    """Write the file that says what the webserver and the daemon load, and give its path."""
    path = settings.talk_home.resolve() / "dagster" / "workspace.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        YAML().dump(_WORKSPACE, file)
    return path


def dagster_home(settings: Settings) -> Path:
    """The folder for DAGSTER_HOME, with a `dagster.yaml` in it.

    Returns:
        DAGSTER_HOME where it is set; otherwise `TALK_HOME/dagster`, whose configuration is written anew from the
        shipped one, with absolute paths. In a checkout that is where plain `dg dev` keeps its storage, too.
    """
    chosen = os.environ.get("DAGSTER_HOME")
    if chosen:
        return Path(chosen)
    home = (settings.talk_home / "dagster").resolve()
    home.mkdir(parents=True, exist_ok=True)
    yaml = YAML()
    shipped = next(path for path in (_PACKAGE / "dagster.yaml", _PACKAGE.parent / "dagster.yaml") if path.exists())
    config = yaml.load(shipped)
    config["storage"]["sqlite"]["base_dir"] = str(home)
    config["local_artifact_storage"]["config"]["base_dir"] = str(home)
    config["compute_logs"]["config"]["base_dir"] = str(home / "storage")
    unfinished = home / f".dagster.yaml.{os.getpid()}"
    with unfinished.open("w") as file:
        yaml.dump(config, file)
    unfinished.replace(home / "dagster.yaml")
    return home
