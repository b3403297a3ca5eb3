"""What must hold between settings: each may be fine by itself, and all of them not safe together."""

from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import Schema, ValidationError, validates_schema

from bff.config.names import no_setting, unknown_names
from bff.config.settings import looks_live

_ALGORITHMS = {
    "jwks_url": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"),
    "secret": ("HS256", "HS384", "HS512"),
}

_OF_IDENTITY = {"jwt": "BFF_JWT_", "header": "BFF_HEADER_"}


def key_of(data: Mapping[str, Any]) -> str:
    """Give the key, from wherever it comes."""
    return str(data["api_key"] or data["api_key_file"])


class SettingsChecks(Schema):
    """The checks, for the schema that has the fields."""

    @validates_schema(skip_on_field_errors=False)
    def check_one_key(self, data: Mapping[str, Any], **_: object) -> None:
        """Refuse to be without a key, or with two."""
        given = [name for name in ("api_key", "api_key_file") if data.get(name, "?")]
        if not given:
            raise ValidationError(
                "is not set. Set it to your Medblocks key (or set MEDBLOCKS_API_KEY_FILE), "
                "or try `medblocks-bff demo`, which needs none.",
                "MEDBLOCKS_API_KEY",
            )
        if len(given) > 1:
            raise ValidationError(
                "is set, and MEDBLOCKS_API_KEY too. Keep one of them.", "MEDBLOCKS_API_KEY_FILE"
            )

    @validates_schema
    def check_key(self, data: Mapping[str, Any], **_: object) -> None:
        """Refuse a live key where it would be sent in clear, or would open every patient to everybody."""
        if not looks_live(key_of(data)):
            return
        if data["base_url"].startswith("http://"):
            raise ValidationError(
                "is http://, but MEDBLOCKS_API_KEY is a live key. Use a sandbox key (mb_sk_sbx_…) here.",
                "MEDBLOCKS_BASE_URL",
            )
        if data["access"] == "report":
            raise ValidationError(
                "is report, but MEDBLOCKS_API_KEY is a live key. Set it to enforce or auto.", "BFF_ACCESS"
            )

    @validates_schema(pass_original=True)
    def check_identity(self, data: Mapping[str, Any], values: Mapping[str, str], **_: object) -> None:
        """Refuse a way of telling callers apart that lacks what makes it safe."""
        problems = {}
        if data["identity"] == "jwt":
            problems = _jwt_problems(data)
        elif data["identity"] == "header":
            for name in ("header_secret", "header_networks"):
                if not data[name]:
                    problems[f"BFF_{name.upper()}"] = "is not set, and BFF_IDENTITY=header needs it."
        elif data["identity"] == "invite" and (data["processes"] or 1) > 1 and not data["redis_url"]:
            needs = f"BFF_IDENTITY=invite with BFF_PROCESSES={data['processes']} needs it"
            problems["BFF_REDIS_URL"] = f"is not set, and {needs}: each process would let an invite in once."
        problems |= _idle_problems(data["identity"], self._set(values))
        if problems:
            raise ValidationError(problems)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def check_names(self, _: object, values: Mapping[str, str], **__: object) -> None:
        """Refuse what is nearly the name of a setting: left out silently, it could leave a door open."""
        unknown = unknown_names(values, self.names())
        problems = {name: no_setting(meant) for name, meant in unknown.items() if meant}
        if problems:
            raise ValidationError(problems)

    def names(self) -> tuple[str, ...]:
        """Give the names of all settings."""
        return tuple(str(field.data_key) for field in self.fields.values())

    def _set(self, values: Mapping[str, str]) -> set[str]:
        """Give the names of those that are set to something."""
        return {name for name in self.names() if values.get(name, "").strip()}


def _idle_problems(chosen: str, names: Iterable[str]) -> dict[str, str]:
    """Tell what is set for another way of telling callers apart than the one that is chosen."""
    return {
        name: f"is set, but BFF_IDENTITY is {chosen}. Set BFF_IDENTITY={identity}, or remove this."
        for identity, prefix in _OF_IDENTITY.items()
        for name in names
        if name.startswith(prefix) and identity != chosen
    }


def _jwt_problems(data: Mapping[str, Any]) -> dict[str, str]:
    needs = "is not set, and BFF_IDENTITY=jwt needs it."
    problems = {f"BFF_JWT_{n.upper()}": needs for n in ("issuer", "audience") if not data[f"jwt_{n}"]}
    kinds = [kind for kind in _ALGORITHMS if data[f"jwt_{kind}"]]
    if not kinds:
        problems["BFF_JWT_JWKS_URL"] = "is not set, and BFF_IDENTITY=jwt needs it, or BFF_JWT_SECRET."
    elif len(kinds) > 1:
        problems["BFF_JWT_JWKS_URL"] = "is set, and BFF_JWT_SECRET too. Keep one of them."
    elif wrong := set(data["jwt_algorithms"]) - set(_ALGORITHMS[kinds[0]]):
        allowed = ", ".join(_ALGORITHMS[kinds[0]])
        problems["BFF_JWT_ALGORITHMS"] = f"has {len(wrong)} that can't be used here. Choose from: {allowed}."
    return problems
