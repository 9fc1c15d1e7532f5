"""How assets are called, as people write them: `merged/organisation`."""

from talk_assets.mappings.capabilities import Capabilities

# What comes before the name of a column of lines: they are read, decided and written with their document.
LINES = "lines."


def source_path(entity: str) -> str:
    """What lives in the other system."""
    return f"source/{feed_path(entity)}"


def feed_path(entity: str) -> str:
    """What was read of an entity."""
    return entity.replace(".", "/", 1)


def pair_path(flow: str) -> str:
    """The matched pairs of a flow."""
    return f"pairs/{flow}"


def merged_path(subject: str) -> str:
    """The golden records of a subject."""
    return f"merged/{subject}"


def sink_path(entity: str) -> str:
    """What was written to an entity."""
    return f"written/{feed_path(entity)}"


def shown_with(entity: str, capabilities: Capabilities) -> str:
    """The entity whose assets show an entity: of lines their document's."""
    return capabilities[entity].document or entity
