"""The published contract, read once."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
CONTRACT = yaml.load((ROOT / "docs/customerp-openapi.yaml").read_text(), Loader=yaml.CSafeLoader)
