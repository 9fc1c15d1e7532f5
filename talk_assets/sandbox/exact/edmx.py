"""`$metadata`: what a service offers, as an EDMX document (Exact reference, Hosts, paths, headers).

No complete document of the real service is on record; this one tells the same as `model`, in the form of OData 2.
"""

from collections.abc import Iterable, Mapping
from xml.etree import ElementTree

from talk_assets.sandbox.exact.model import EntitySet, Family, Property
from talk_assets.sandbox.exact.render import NAMESPACE

_EDMX = "http://schemas.microsoft.com/ado/2007/06/edmx"
_EDM = "http://schemas.microsoft.com/ado/2008/09/edm"
_META = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"
_CONTAINER = "Container"


def edmx(sets: Mapping[str, tuple[EntitySet, Family]]) -> str:
    """The document of a service.

    Args:
        sets: its entity sets with the family that they belong to, by name.
    """
    for prefix, space in (("edmx", _EDMX), ("m", _META), ("", _EDM)):
        ElementTree.register_namespace(prefix, space)
    document = ElementTree.Element(f"{{{_EDMX}}}Edmx", Version="1.0")
    services = _add(document, f"{{{_EDMX}}}DataServices", {f"{{{_META}}}DataServiceVersion": "2.0"})
    schema = _add(services, "Schema", {"Namespace": NAMESPACE.rstrip(".")})
    declared: set[str] = set()
    for entity_set, family in sets.values():
        declared.add(entity_set.type_name)
        inner, _, name = entity_set.type_name.rpartition(".")
        # A name holds no dot: `System.Division` lies in a namespace of its own.
        place = _add(services, "Schema", {"Namespace": NAMESPACE + inner}) if inner else schema
        _add_type(place, name, entity_set, entity_set.visible(family).values())
    for name in sorted(_collected(sets) - declared):
        _add_stub(schema, name)
    _add_associations(schema, sets)
    _add_container(schema, sets)
    return ElementTree.tostring(document, encoding="unicode", xml_declaration=True)


def _add(parent: ElementTree.Element, tag: str, attributes: Mapping[str, str]) -> ElementTree.Element:
    return ElementTree.SubElement(parent, tag if tag.startswith("{") else f"{{{_EDM}}}{tag}", dict(attributes))


def _add_type(schema: ElementTree.Element, name: str, entity_set: EntitySet, properties: Iterable[Property]) -> None:
    kind = _add(schema, "EntityType", {"Name": name})
    _add(_add(kind, "Key", {}), "PropertyRef", {"Name": entity_set.key})
    for prop in properties:
        if prop.is_collection:
            owner = entity_set.type_name
            relation = {"Relationship": f"{NAMESPACE}{owner}_{prop.name}", "FromRole": owner, "ToRole": prop.name}
            _add(kind, "NavigationProperty", {"Name": prop.name} | relation)
            continue
        facets = {"Name": prop.name, "Type": f"Edm.{prop.type}", "Nullable": str(prop.name != entity_set.key).lower()}
        if prop.max_length is not None:
            facets["MaxLength"] = str(prop.max_length)
        _add(kind, "Property", facets)


def _add_stub(schema: ElementTree.Element, name: str) -> None:
    """A type of which nothing is known here but that some property is a collection of it."""
    kind = _add(schema, "EntityType", {"Name": name})
    _add(_add(kind, "Key", {}), "PropertyRef", {"Name": "ID"})
    _add(kind, "Property", {"Name": "ID", "Type": "Edm.Guid", "Nullable": "false"})


def _add_associations(schema: ElementTree.Element, sets: Mapping[str, tuple[EntitySet, Family]]) -> None:
    for entity_set, prop in _collections(sets):
        owner = entity_set.type_name
        association = _add(schema, "Association", {"Name": f"{owner}_{prop.name}"})
        for role, name, multiplicity in ((owner, owner, "0..1"), (prop.name, _item(prop), "*")):
            _add(association, "End", {"Role": role, "Type": f"{NAMESPACE}{name}", "Multiplicity": multiplicity})


def _add_container(schema: ElementTree.Element, sets: Mapping[str, tuple[EntitySet, Family]]) -> None:
    container = _add(schema, "EntityContainer", {"Name": _CONTAINER, f"{{{_META}}}IsDefaultEntityContainer": "true"})
    for name, (entity_set, _) in sets.items():
        _add(container, "EntitySet", {"Name": name, "EntityType": f"{NAMESPACE}{entity_set.type_name}"})
    names = {entity_set.type_name: name for name, (entity_set, _) in sets.items()}
    for entity_set, prop in _collections(sets):
        owner, item = entity_set.type_name, _item(prop)
        if item not in names:
            continue
        relation = f"{owner}_{prop.name}"
        related = _add(container, "AssociationSet", {"Name": relation, "Association": f"{NAMESPACE}{relation}"})
        for role, name in ((owner, names[owner]), (prop.name, names[item])):
            _add(related, "End", {"Role": role, "EntitySet": name})


def _collections(sets: Mapping[str, tuple[EntitySet, Family]]) -> list[tuple[EntitySet, Property]]:
    return [
        (entity_set, prop)
        for entity_set, family in sets.values()
        for prop in entity_set.visible(family).values()
        if prop.is_collection
    ]


def _collected(sets: Mapping[str, tuple[EntitySet, Family]]) -> set[str]:
    return {_item(prop) for _, prop in _collections(sets)}


def _item(prop: Property) -> str:
    return prop.type.removeprefix("Collection(").removesuffix(")")
