"""The JSON Schema of desired-state documents, generated from the kinds' models; for editors.

Draft 7, which is what editors' YAML servers know best. It is a help while typing: `validate` decides.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from vaultconf import __version__, catalogue
from vaultconf.kind import Kind

Schema = dict[str, Any]

_REFERENCE: Schema = {"type": "string", "pattern": r"\$\{[a-z]+:"}
_GUIDANCE: Schema = {
    "type": "object",
    "description": "How vaultconf treats the object; nothing of it reaches the server.",
    "additionalProperties": False,
    "properties": {
        "protect": {"type": "boolean", "description": "Delete and replace are refused, even with --allow."},
        "create_only": {"type": "boolean", "description": "Made where it is absent, then not compared."},
        "ignore": {"type": "array", "items": {"type": "string"}, "description": "Fields whose live value is kept."},
        "renamed_from": {"type": "string", "description": "Mounts: the old path, from which it is moved."},
        "allow_plaintext": {"type": "boolean", "description": "A secret may stand here in clear."},
        "rotate_root": {"enum": ["on_create"], "description": "The server changes its own password right after."},
        "show": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Fields of a `generic` object whose written value the plan shows.",
        },
    },
}


def text() -> str:
    """The schema as JSON text."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def document() -> Schema:
    """The schema of one YAML document."""
    kinds = catalogue.all_kinds().values()
    definitions: Schema = {"vaultconf": _GUIDANCE}
    for kind in kinds:
        definitions[kind.name] = _object(kind, definitions)
    properties: Schema = {
        "owner": {"type": "string", "description": "A label that goes onto every change of this document."},
        "namespace": {"type": "string", "description": "The namespace in which the document's objects live."},
    }
    sections = {
        section: _section(section, [kind for kind in kinds if kind.section == section])
        for section in sorted(catalogue.sections())
    }
    sections["policies_from"] = {
        "type": "string",
        "description": "A folder, relative to this file: every .hcl file in it is a policy, named after the file.",
    }
    definitions.update({f"section_{name}": value for name, value in sections.items()})
    properties |= _many(sections) | {name: {"$ref": f"#/definitions/section_{name}"} for name in sections}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"vaultconf {__version__}: desired state",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "definitions": definitions,
    }


def _many(sections: Iterable[str]) -> Schema:
    """Templates, which hold what a document holds, and their uses."""
    held: Schema = {name: {"$ref": f"#/definitions/section_{name}"} for name in sections}
    params: Schema = {"type": ["object", "null"], "description": "Parameters with their defaults; none: required."}
    template: Schema = {"type": "object", "additionalProperties": False, "properties": {"params": params, **held}}
    uses: Schema = {"type": ["array", "null"], "items": {"type": "object"}}
    return {
        "templates": {
            "type": ["object", "null"],
            "description": "Objects that are written once and used many times, by name.",
            "additionalProperties": template,
        },
        "use": {
            "type": ["object", "null"],
            "description": "Of each template the uses: a list of maps with its parameters.",
            "additionalProperties": uses,
        },
    }


def _object(kind: Kind, definitions: Schema) -> Schema:
    """The schema of one object's own fields."""
    schema = kind.model.model_json_schema(ref_template="#/definitions/{model}")
    for name, nested in schema.pop("$defs", {}).items():
        definitions[name] = _referable(nested)
    schema = _referable(schema)
    if kind.is_open:
        schema["additionalProperties"] = {"type": ["string", "number", "boolean", "array", "object"]}
    schema.setdefault("properties", {})["vaultconf"] = {"$ref": "#/definitions/vaultconf"}
    required = [name for name, spec in kind.fields.items() if spec.required]
    files = [name for name, spec in kind.fields.items() if spec.marks.from_file]
    if files:
        schema["properties"]["file"] = {"type": "string", "description": "The text's file, relative to this one."}
        schema["anyOf"] = [{"required": ["file"]}, {"required": files}]
    elif required and not kind.is_mount:
        schema["required"] = required
    return schema


def _referable(schema: Schema) -> Schema:
    """Every field may hold a reference in place of a number or a flag."""
    for name, field in schema.get("properties", {}).items():
        if field.get("type") in ("boolean", "integer", "object") or "enum" in field:
            kept = {key: field.pop(key) for key in list(field) if key not in _ABOUT}
            schema["properties"][name] = {**field, "anyOf": [kept, _REFERENCE]}
        field.pop("title", None)
    schema["additionalProperties"] = False
    return schema


_ABOUT = frozenset({"description", "default", "writeOnly", "title"})


def _section(section: str, kinds: list[Kind]) -> Schema:
    mounts = catalogue.mount_kind(section)
    if mounts is None:
        return _level([(kind, kind.yaml.split(".")[1:]) for kind in kinds])
    return {
        "description": f"{mounts.title}s by path.",
        "type": ["object", "null"],
        "additionalProperties": _mount(mounts, section),
    }


def _mount(kind: Kind, section: str) -> Schema:
    """A mount: its own fields, and what stands in it by its type."""
    own = {"$ref": f"#/definitions/{kind.name}/properties"}
    fields = {name.split(".")[0] for name in kind.fields} | {"vaultconf"}
    children = catalogue.children_of(section)
    return {
        "type": ["object", "null"],
        "description": kind.model.__doc__,
        "propertyNames": {"enum": sorted(fields | children.keys())},
        "properties": {name: {"$ref": f"{own['$ref']}/{name}"} for name in sorted(fields)},
        "allOf": [_of_type(section, name) for name in sorted(catalogue.known_types(section))],
    }


def _of_type(section: str, mount_type: str) -> Schema:
    children = catalogue.children_of(section, mount_type)
    inside = {key: _level([(kind, kind.yaml.split(".")[3:]) for kind in kinds]) for key, kinds in children.items()}
    mounts = catalogue.mount_kind(section)
    own = {name.split(".")[0] for name in mounts.fields} if mounts is not None else set()
    return {
        "if": {"properties": {"type": {"const": mount_type}}, "required": ["type"]},
        "then": {"properties": inside, "propertyNames": {"enum": sorted(own | inside.keys() | {"vaultconf"})}},
    }


def _level(kinds: Iterable[tuple[Kind, list[str]]]) -> Schema:
    """What stands below a key: an object, or a map by name, or a map by fixed keys."""
    kinds = list(kinds)
    for kind, parts in kinds:
        if not parts:
            return {"anyOf": [{"$ref": f"#/definitions/{kind.name}"}, {"type": "null"}], "description": kind.title}
    holes = [(kind, parts[1:]) for kind, parts in kinds if parts[0].startswith("{")]
    fixed = {parts[0] for _, parts in kinds if not parts[0].startswith("{")}
    schema: Schema = {"type": ["object", "null"]}
    if holes:
        schema["description"] = f"{holes[0][0].title}s by name."
    schema["additionalProperties"] = _level(holes) if holes else False
    if fixed:
        schema["properties"] = {
            key: _level([(kind, parts[1:]) for kind, parts in kinds if parts[0] == key]) for key in sorted(fixed)
        }
    return schema
