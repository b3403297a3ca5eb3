"""Loads replies that are as documented without marshmallow's long way through every field.

A patient with three connections has forty fields, at a microsecond and more each: more than the call itself
takes. msgspec reads the bytes and checks the types of all of them in two or three, by a plan made once of the
schema. Whatever is not plainly as the schema wants it is left to the schema's own `load`, so what is refused,
and why, is still decided in one place. Two things that `strict_json` refuses pass here: a key that comes
twice, of which the last one counts, and whole numbers of more than a thousand digits.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from marshmallow import Schema, ValidationError, fields, missing

from bff import strict_json
from bff.medblocks.replies import MAX_DEPTH, read_json

Load = Callable[[bytes], dict[str, Any]]


def quick_load(schema: Schema) -> Load:
    """Give what does to a body what the schema's `load` does to its JSON, for one that drops unknown fields.

    It raises marshmallow's ValidationError, for a body that is no JSON too. Raises TypeError for a schema
    with fields that need another plan.
    """
    decode = msgspec.json.Decoder(_struct(schema)).decode
    # There is no public list of a schema's hooks.
    hooks = [getattr(schema, hook[0]) for hook in schema._hooks["post_load"]]  # noqa: SLF001
    checks = [(name, field) for name, field in schema.load_fields.items() if field.validators]
    free = [name for name, field in schema.load_fields.items() if isinstance(field, fields.Dict)]

    def load(body: bytes) -> dict[str, Any]:
        try:
            value: dict[str, Any] = msgspec.to_builtins(decode(body))
            for name, field in checks:
                for check in field.validators:
                    check(value[name])
            # A body with fewer brackets can't be too deep; and msgspec takes no halves of surrogate pairs.
            if body.count(b"{") + body.count(b"[") > MAX_DEPTH:
                for name in free:
                    strict_json.check(value[name], MAX_DEPTH - 1)
        except (msgspec.MsgspecError, ValidationError, ValueError, RecursionError):
            loaded: dict[str, Any] = schema.load(read_json(body))  # type: ignore[arg-type]  # any JSON may come; load() refuses what is no object
            return loaded
        for hook in hooks:
            value = hook(value)
        return value

    return load


def _struct(schema: Schema) -> Any:
    """Make a msgspec type of a schema."""
    constants = {name: f.constant for name, f in schema.load_fields.items() if isinstance(f, fields.Constant)}
    plan = [_field(name, f) for name, f in schema.load_fields.items() if name not in constants]
    # Of an object's constant, msgspec makes the tag by which it tells types apart.
    tag_field, tag = next(iter(constants.items()), (None, None))
    # Those without a default first, as for any function.
    plan.sort(key=len)
    return msgspec.defstruct(type(schema).__name__, plan, tag_field=tag_field, tag=tag, gc=False)


def _field(name: str, field: fields.Field[Any]) -> Any:
    kind = _type(field)
    if field.allow_none:
        kind |= None
    default = field.load_default
    if default is missing:
        if not field.required:
            raise TypeError(f"no plan for {name}, which may be absent")
        return (name, kind)
    return (name, kind, msgspec.field(default_factory=default) if callable(default) else default)


def _type(field: fields.Field[Any]) -> Any:
    match field:
        case fields.Nested():
            return _struct(field.schema)
        case fields.List():
            return list[_type(field.inner)]  # type: ignore[misc]  # a type made while running
    types: dict[type, Any] = {fields.String: str, fields.Boolean: bool, fields.Dict: dict[str, Any]}
    if type(field) not in types:
        raise TypeError(f"no plan for {type(field).__name__}")
    return types[type(field)]
