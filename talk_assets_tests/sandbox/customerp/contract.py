"""The published contract, read once."""

from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
CONTRACT = YAML(typ="safe").load(ROOT / "docs/customerp-openapi.yaml")
