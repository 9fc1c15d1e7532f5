"""What is synchronised and what the entities can take, as an installation's settings say."""

from talk_assets.mappings.capabilities import Capabilities, EntityCapability
from talk_assets.mappings.load import load_capabilities, load_mappings
from talk_assets.mappings.model import Mappings
from talk_assets.settings import Settings
from talk_assets.systems.customerp.profile import Profile
from talk_assets.systems.customerp.profile_file import load_profile

_CUSTOMERP = "customerp."


def load_declared(settings: Settings) -> tuple[Mappings, Capabilities]:
    """Read the mappings, and the capabilities as the connector profile changes them.

    Raises:
        MappingError: a mapping file or the profile is missing or wrong; the text names file, line and field.
        ConfigurationError: a flow to leave out is unknown, or the only one of its subject.
    """
    capabilities = _as_profiled(load_capabilities(), load_profile(settings.customerp_profile))
    return load_mappings(settings.talk_mappings, capabilities, settings.talk_leave_out), capabilities


def _as_profiled(capabilities: Capabilities, profile: Profile) -> Capabilities:
    """The capabilities with those of Customerp as its connector profile says."""
    return {
        entity: _profiled(entity, capability, profile) if entity.startswith(_CUSTOMERP) else capability
        for entity, capability in capabilities.items()
    }


def _profiled(entity: str, capability: EntityCapability, profile: Profile) -> EntityCapability:
    changed: dict[str, object] = {}
    if not profile.deletes(entity):
        reason = f"Customerp removes no such records by its API (`delete.allowed` in {profile.source})."
        changed["no_delete"] = reason
    own = {f"{_CUSTOMERP}{name}": each for name, each in profile.entities.items()}.get(entity)
    if own is not None and own.limits:
        limited = {
            name: capability.properties[name].model_copy(
                update={field: getattr(limit, field) for field in limit.model_fields_set}
            )
            for name, limit in own.limits.items()
        }
        changed["properties"] = {**capability.properties, **limited}
    return capability.model_copy(update=changed)
