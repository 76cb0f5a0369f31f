"""Writes schemas.json: what the google-beta provider takes, read from the CDK bindings that are generated from it.

The bindings are a Python package whose archive holds one JavaScript file for each resource. Comments there say which
attributes are required and computed, and the synthesis of each structure which of them are blocks. Only what
`terraform/` uses is kept: all of it would be slow to serve.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "cdktn-provider-google-beta==21.1.0"
"""Generated from google-beta 8.7.0."""
TERRAFORM = Path(__file__).parents[3] / "terraform"
SCHEMAS = Path(__file__).parent / "schemas.json"

_CLASS = re.compile(r"^class (\w+) extends .*?^}$", re.M | re.S)
_MEMBER = re.compile(
    r"// (\w+) - computed: (\w+), optional: (\w+), required: (\w+)\n(.*?)(?=    // \w+ - computed|    // ====|\Z)", re.S
)
_REFERENCE = re.compile(r'= new ([\w.]+)\(this, "\w+"(?:, (\w+))?\)')
_GETTER = re.compile(r"this\.get(\w+)Attribute\(")
_SYNTHESIS = re.compile(
    r"^ {8}(?:    )?(\w+): \{\n\s+value: (.*?),\n\s+isBlock: (true|false),\n\s+type: \"(\w+)\",\n"
    r"\s+storageClassType: \"(\w+)\",",
    re.M,
)
_SIMPLE = {"string": "string", "number": "number", "boolean": "bool"}
_COLLECTIONS = {"StringMap": ["map", "string"], "BooleanMap": ["map", "bool"], "NumberMap": ["map", "number"]}


def used() -> dict[str, set[str]]:
    """Types of resources and data sources that the configuration names, by kind."""
    kinds: dict[str, set[str]] = {"resource": set(), "data": set()}
    for path in TERRAFORM.rglob("*.tf"):
        for kind, name in re.findall(r'^(resource|data) "(google_\w+)"', path.read_text(encoding="utf-8"), re.M):
            kinds[kind].add(name)
    return kinds


class _Source:
    """One file of the bindings."""

    def __init__(self, text: str) -> None:
        text = text[: text.find("//# sourceMappingURL")]
        self._classes = {match[1]: match[0] for match in _CLASS.finditer(text)}
        self._structures = dict(re.findall(r"^function (\w+)ToHclTerraform\(struct\) \{(.*?)^}$", text, re.M | re.S))

    def root(self) -> dict[str, object]:
        """Schema of the resource or data source itself."""
        (name,) = (name for name, text in self._classes.items() if "extends cdktn.Terraform" in text)
        return self.block(name)

    def block(self, name: str) -> dict[str, object]:
        """Schema of the structure whose reference class, or resource class, has this name."""
        source = self._classes[name]
        structure = name.removesuffix("OutputReference")
        synthesis = source + self._structures.get(structure[0].lower() + structure[1:], "")
        shapes = {match[0]: match[1:] for match in _SYNTHESIS.findall(synthesis)}
        attributes: dict[str, object] = {}
        blocks: dict[str, object] = {}
        for member, *flags, body in _MEMBER.findall(source):
            computed, optional, required = (flag == "true" for flag in flags)
            value, is_block, kind, storage = shapes.get(member, ("", "false", "", ""))
            if is_block == "true":
                blocks[member] = self._nested(storage, kind, "listMapper" in value, required)
            else:
                use = "required" if required else "optional" if optional else ""
                attributes[member] = {
                    "type": self._type(kind, storage, body),
                    "use": " ".join(filter(None, [use, "computed" if computed else ""])),
                }
        return {"attributes": attributes, "blocks": blocks}

    def _nested(self, storage: str, kind: str, many: bool, required: bool) -> dict[str, object]:
        structure = storage if kind == "struct" else storage.removesuffix("List")
        bounds = {"min": int(required), "max": 0 if many or kind == "struct" else 1}
        return {
            "nesting": "single" if kind == "struct" else kind,
            **bounds,
            "block": self.block(f"{structure}OutputReference"),
        }

    def _type(self, kind: str, storage: str, body: str) -> object:
        if kind == "simple":
            return _SIMPLE[storage]
        if kind:
            element = re.sub("(List|Map)$", "", storage)
            return [kind, _SIMPLE.get(element, "string")]
        if reference := _REFERENCE.search(body):
            name, is_set = reference.groups()
            if known := _COLLECTIONS.get(name.removeprefix("cdktn.")):
                return known
            fields = self.block(name.removesuffix("List").removesuffix("OutputReference") + "OutputReference")
            return ["set" if is_set == "true" else "list", ["object", _types(fields)]]
        getter = _GETTER.search(body)
        name = getter[1] if getter else "String"
        if name.endswith("List"):
            element = name.removesuffix("List").lower() or "string"
            return ["set" if "Fn.tolist" in body else "list", _SIMPLE[element]]
        return _COLLECTIONS.get(name) or _SIMPLE[name.lower()]


def _types(block: dict[str, object]) -> dict[str, object]:
    attributes = block["attributes"]
    assert isinstance(attributes, dict)
    return {name: attribute["type"] for name, attribute in attributes.items()}


def extract(archive: tarfile.TarFile) -> dict[str, dict[str, object]]:
    """Schemas by kind and type."""
    schemas: dict[str, dict[str, object]] = {}
    for kind, names in used().items():
        for name in sorted(names):
            folder = ("data-" if kind == "data" else "") + name.replace("_", "-")
            member = archive.extractfile(f"package/lib/{folder}/index.js")
            if member is None:
                raise SystemExit(f"{PACKAGE} has no {kind} {name}")
            schemas.setdefault(kind, {})[name] = _Source(member.read().decode()).root()
    return schemas


def main() -> int:
    """Fetch the bindings and write the schemas."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["uv", "pip", "install", "--quiet", "--no-deps", "--target", folder, PACKAGE]
        subprocess.run(command, check=True)
        (bindings,) = Path(folder).glob("*/_jsii/*.tgz")
        with tarfile.open(bindings) as archive:
            schemas = extract(archive)
    note = f"Made by tests/terraform/standin/extract.py from {PACKAGE}; `make schemas` renews it."
    lines = [
        f"  {json.dumps(kind)}: {{\n"
        + ",\n".join(f"    {json.dumps(name)}: {json.dumps(schema, sort_keys=True)}" for name, schema in types.items())
        + "\n  }"
        for kind, types in schemas.items()
    ]
    SCHEMAS.write_text("{\n" + f'  "note": {json.dumps(note)},\n' + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
