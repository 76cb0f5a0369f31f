"""A provider that knows Google's schemas and nothing else, for `validate` and for `test` with mocked providers.

Terraform meets it as a provider that runs already (TF_REATTACH_PROVIDERS), so one process serves every run, and
nothing is installed, signed or locked. https://developer.hashicorp.com/terraform/plugin/debugging describes that, and
https://developer.hashicorp.com/terraform/plugin/terraform-plugin-protocol the calls. What only the real provider knows,
such as the form of a name or which of two arguments exclude each other, passes here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from tf.gen import tfplugin_pb2 as wire

_HERE = Path(__file__).parent
_REGISTRY = "registry.terraform.io/hashicorp/"
_NESTING = {
    "list": wire.Schema.NestedBlock.NestingMode.LIST,
    "set": wire.Schema.NestedBlock.NestingMode.SET,
    "single": wire.Schema.NestedBlock.NestingMode.SINGLE,
}


def schemas() -> dict[str, Any]:
    """The schemas by kind and type, as extracted and then mended by `overrides.json`.

    An override is addressed by the path to a part of the schema, and its fields replace those of that part; null
    takes the part away.
    """
    known: dict[str, Any] = json.loads((_HERE / "schemas.json").read_text(encoding="utf-8"))
    overrides = json.loads((_HERE / "overrides.json").read_text(encoding="utf-8"))
    known["provider"] = overrides["provider"]
    for path, fields in overrides["mend"].items():
        *above, last = path.split("/")
        part = known
        for step in above:
            part = part[step]
        if fields is None:
            del part[last]
        else:
            part[last] = part.get(last, {}) | fields
    return known


def _block(schema: Mapping[str, Any]) -> wire.Schema.Block:
    return wire.Schema.Block(
        attributes=[
            wire.Schema.Attribute(
                name=name,
                type=json.dumps(attribute["type"]).encode(),
                required="required" in attribute["use"],
                optional="optional" in attribute["use"],
                computed="computed" in attribute["use"],
                sensitive=attribute.get("sensitive", False),
            )
            for name, attribute in schema["attributes"].items()
        ],
        block_types=[
            wire.Schema.NestedBlock(
                type_name=name,
                block=_block(nested["block"]),
                nesting=_NESTING[nested["nesting"]],
                min_items=nested["min"],
                max_items=nested["max"],
            )
            for name, nested in schema["blocks"].items()
        ],
    )


def _answer(known: Mapping[str, Any], beta: bool) -> bytes:
    hidden = set() if beta else set(known["provider"]["beta_only"])

    def served(kind: str) -> dict[str, wire.Schema]:
        return {name: wire.Schema(block=_block(schema)) for name, schema in known[kind].items() if name not in hidden}

    response = wire.GetProviderSchema.Response(
        provider=wire.Schema(block=_block({"blocks": {}, **known["provider"]})),
        resource_schemas=served("resource"),
        data_source_schemas=served("data"),
    )
    return bytes(response.SerializeToString())


class _Provider(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers what Terraform asks of a provider that it only needs for its schema.

    A generic handler, because the schema is the same for every run: it is encoded once, and sent as bytes.
    """

    def __init__(self, answer: bytes) -> None:
        nothing = wire.StopProvider.Response().SerializeToString()
        self._answers = {
            "/tfplugin6.Provider/GetProviderSchema": answer,
            # None of these has anything to say: the messages are empty, and read the same whatever their type.
            "/tfplugin6.Provider/ValidateProviderConfig": nothing,
            "/tfplugin6.Provider/ValidateResourceConfig": nothing,
            "/tfplugin6.Provider/ValidateDataResourceConfig": nothing,
            "/tfplugin6.Provider/StopProvider": nothing,
        }

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        answer = self._answers.get(details.method)
        return answer if answer is None else grpc.unary_unary_rpc_method_handler(lambda request, context: answer)


@contextmanager
def serving() -> Iterator[str]:
    """Serve google and google-beta on loopback; gives the value of TF_REATTACH_PROVIDERS."""
    known = schemas()
    servers, addresses = [], {}
    for name in ("google", "google-beta"):
        server = grpc.server(ThreadPoolExecutor(max_workers=4))
        server.add_generic_rpc_handlers((_Provider(_answer(known, beta=name == "google-beta")),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        addresses[_REGISTRY + name] = {
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": os.getpid(),
            "Test": True,
            "Addr": {"Network": "tcp", "String": f"127.0.0.1:{port}"},
        }
    try:
        yield json.dumps(addresses)
    finally:
        for server in servers:
            server.stop(grace=None)
