"""Translates what patients read, with gettext catalogs, into the language of the request."""

from collections.abc import Iterator, Mapping
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from babel import Locale, negotiate_locale
from babel.numbers import format_decimal
from flask import Flask, Request, Response, current_app

from bff.access.cookies import first_cookie, set_cookie
from bff.config.catalogs import read_catalogs
from bff.messages import Message
from bff.request_context import RequestContext, request_context

SOURCE = "en"  # the language of the texts in the templates and in `bff.messages`
COOKIE = "bff-lang"
_KEY = "medblocks-bff languages"
_MAX_PREFERENCES = 1000  # characters: parsing a long header is expensive, and no browser sends one
_COOKIE_SECONDS = 365 * 24 * 60 * 60


class Language(NamedTuple):
    """A language: its code, its own name, its direction (`ltr` or `rtl`), its texts, and its formats."""

    code: str
    name: str
    direction: str
    texts: NullTranslations
    locale: Locale


class Number(int):
    """A number that a text shows as the language of the request writes it, such as `1,234`."""

    def __str__(self) -> str:
        return format_decimal(int(self), locale=language().locale)


class Languages:
    """English, the languages of this package, and those of the team, whose texts come before ours."""

    def __init__(self, *catalogs: Mapping[str, bytes], https: bool = False) -> None:
        self._https = https
        texts: dict[str, NullTranslations] = {SOURCE: NullTranslations()}
        for catalog in catalogs:
            for code, compiled in catalog.items():
                added = GNUTranslations(BytesIO(compiled))
                added.add_fallback(texts.get(code, NullTranslations()))
                texts[code] = added
        # Codes of languages have no case: `?lang=ES` and `lang=es` are the same.
        self._languages = {code.casefold(): _language(code, found) for code, found in texts.items()}

    def __iter__(self) -> Iterator[Language]:
        return iter(self._languages.values())

    def asked_for(self, request: Request) -> Language | None:
        """Return the language that the address asks for with `lang`, if it is one of these."""
        return self._named(request.args.get("lang"))

    def choose(self, request: Request) -> Language:
        """Return the language of a request: that of its address, its cookie or its browser, else English."""
        kept = self._named(first_cookie(request, COOKIE))
        return self.asked_for(request) or kept or self._preferred(request)

    def _named(self, code: str | None) -> Language | None:
        return self._languages.get((code or "").casefold())

    def _preferred(self, request: Request) -> Language:
        if len(request.headers.get("Accept-Language", "")) > _MAX_PREFERENCES:
            return self._languages[SOURCE]
        accepted = [(code.casefold(), quality) for code, quality in request.accept_languages]
        refused = {code for code, quality in accepted if not quality}
        available = [code for code in self._languages if refused.isdisjoint({code, code.partition("-")[0]})]
        wanted = [code for code, quality in accepted if quality]
        # Unlike Werkzeug's, it prefers Spanish for "es-MX, en;q=0.5" where there is no Mexican Spanish.
        code = negotiate_locale(wanted, available, sep="-")
        return self._languages[(code or SOURCE).casefold()]

    def finish(self, context: RequestContext, response: Response) -> None:
        """Name the language in a response that depends on it, and keep one that the address asked for."""
        if context.language is None:
            return
        response.headers["Content-Language"] = context.language.code
        response.vary.update(["Accept-Language", "Cookie"])
        if self.asked_for(context):
            set_cookie(response, COOKIE, context.language.code, _COOKIE_SECONDS, https=self._https)


def _language(code: str, texts: NullTranslations) -> Language:
    locale = Locale.parse(code, sep="-")
    return Language(code, (locale.display_name or code).capitalize(), locale.text_direction, texts, locale)


def init_app(app: Flask, catalogs: Mapping[str, bytes], *, https: bool) -> Languages:
    """Add the languages to an app: ours, and those in these compiled catalogs. Return them."""
    languages = Languages(read_catalogs(Path(__file__).parent), catalogs, https=https)
    app.extensions[_KEY] = languages
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    app.add_template_filter(translate)
    app.add_template_filter(Number, "number")
    app.context_processor(lambda: {"language": language(), "languages": languages})
    return languages


def language() -> Language:
    """Return the language of the current request, which is chosen when a text is first needed."""
    context = request_context()
    if context.language is None:
        languages: Languages = current_app.extensions[_KEY]
        context.language = languages.choose(context)
    return context.language


def gettext(text: str) -> str:
    """Return an English text in the language of the request."""
    return language().texts.gettext(text)


def ngettext(singular: str, plural: str, number: int) -> str:
    """Return the form of an English text for a number, in the language of the request."""
    return language().texts.ngettext(singular, plural, number)


def translate(message: Message) -> str:
    """Return a message in the language of the request."""
    return message.text(gettext)
