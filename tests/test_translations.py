"""Languages: complete catalogs, no sentence outside them, and the choice of a request's language."""

import json
import re
from string import Formatter

import pytest
from flask import render_template_string

from bff import load_settings
from bff.config import SettingsError
from bff.messages import TEXTS, Message, wait
from bff.translations import ngettext
from tests import catalogs
from tests.factories import HOST, form_token, hidden_fields, make_app, patient, session, shared_app, variables

CATALOGS = sorted(catalogs.FOLDER.glob("*.po"))
TEMPLATES = sorted((catalogs.ROOT / "templates").glob("*.html"))
# What is translated, and what is no text: comments, expressions, statements, and the attributes of <main>.
MARKED = (
    r"\{% trans .*?\{% endtrans %\}|\{% block main_attributes %\}.*?\{% endblock %\}"
    r"|\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}"
)
PO = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: {};\\n"\n\n'
ASHA = {"name": "Asha Example", "email": "asha@example.com"}


@pytest.fixture
def browser():
    return shared_app(BFF_ACCESS="enforce").test_client()


def texts(message):
    return [message] if isinstance(message, str) else list(message)


def placeholders(text):
    fields = {name for _, name, _, _ in Formatter().parse(re.sub(r"%\(\w+\)s", "", text)) if name}
    return fields | set(re.findall(r"%\((\w+)\)s", text))


def test_the_template_for_translators_is_current():
    assert catalogs.text_of(catalogs.extracted()) == catalogs.TEMPLATE.read_bytes(), "run: make translations"


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.stem)
def test_a_catalog_is_complete(path):
    catalog, wanted = catalogs.read(path), {str(message.id) for message in catalogs.extracted() if message.id}

    assert {str(message.id) for message in catalog if message.id} == wanted
    assert [message.id for message in catalog if not all(texts(message.string)) or message.fuzzy] == []


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.stem)
def test_translations_have_the_placeholders_of_the_text(path):
    different = [
        message.id
        for message in catalogs.read(path)
        for text in texts(message.string)
        if message.id and not placeholders(text) <= placeholders(texts(message.id)[-1])
    ]

    assert different == []


@pytest.mark.parametrize(
    "path", sorted((catalogs.ROOT / "templates").glob("*.html")), ids=lambda path: path.stem
)
def test_no_sentence_is_outside_the_catalogs(path):
    source = re.sub(MARKED, "", path.read_text(), flags=re.DOTALL)
    visible = re.sub(r"<[^>]*>|&\w+;", "", source)

    assert re.findall(r"[A-Za-z]{2,}", visible) == []
    assert re.findall(r'(?:alt|title|placeholder|aria-label|data-[a-z]+)="[^"]*\w[^"]* [^"]*"', source) == []


def test_a_sentence_has_at_most_15_words():
    sentences = [sentence for text in TEXTS.values() for sentence in re.split(r"(?<=[.:?!])\s", text)]

    assert [sentence for sentence in sentences if len(sentence.split()) > 15] == []


@pytest.mark.parametrize(
    ("address", "headers", "code"),
    [
        ("", {}, "en"),
        ("", {"Accept-Language": "es-MX, en;q=0.5"}, "es"),
        ("", {"Accept-Language": "tlh, *;q=0.1"}, "en"),
        ("", {"Accept-Language": "\xff;;q=x,,"}, "en"),
        ("?lang=es", {"Accept-Language": "en"}, "es"),
        ("?lang=tlh", {"Accept-Language": "es"}, "es"),
        ("?lang=", {"Accept-Language": "es"}, "es"),
        ("", {"bff-lang": "es"}, "es"),
        ("", {"bff-lang": "xx", "Accept-Language": "es"}, "es"),
        ("?lang=en", {"bff-lang": "es"}, "en"),
        ("?lang=ES", {}, "es"),
        ("", {"bff-lang": "ES"}, "es"),
        ("", {"Accept-Language": "ES-mx"}, "es"),
        ("", {"Accept-Language": "es;q=0"}, "en"),
        ("", {"Accept-Language": "es-MX, ES;q=0"}, "en"),
        ("", {"Accept-Language": "es-MX;q=0, es"}, "es"),
        ("", {"Accept-Language": "en;q=0, *;q=0"}, "en"),
    ],
)
def test_address_cookie_and_browser_choose_the_language(browser, address, headers, code):
    if cookie := headers.get("bff-lang"):
        browser.set_cookie("bff-lang", cookie)

    page = browser.get(f"/intake{address}", headers=headers)

    assert page.headers["Content-Language"] == code
    assert {"Accept-Language", "Cookie"} <= set(page.vary)
    assert f'<html lang="{code}" dir="ltr">' in page.text
    assert ("Conecte su historia clínica" in page.text) is (code == "es")


def test_only_an_address_sets_the_language_cookie(browser):
    assert not any("bff-lang" in value for value in browser.get("/intake").headers.getlist("Set-Cookie"))

    cookies = browser.get("/intake?lang=es").headers.getlist("Set-Cookie")

    (cookie,) = [value for value in cookies if value.startswith("bff-lang=es;")]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} < set(cookie.split("; "))


def test_the_language_holds_for_the_whole_journey(medblocks):
    medblocks.post(f"{HOST}/patients", json=patient())
    medblocks.post(f"{HOST}/patient-sessions", json=session())
    medblocks.get(f"{HOST}/patient-sessions/ps_1", json=session(status="complete"))
    browser = make_app(BFF_ACCESS="enforce").test_client()
    hidden = hidden_fields(browser.get("/intake?lang=es").text)

    left = browser.post("/intake", data={**hidden, **ASHA, "patient_id": "user_42", "action": "connect"})
    back = browser.get("/connected?patient_session_id=ps_1&patient_id=user_42")

    assert left.status_code == 303
    assert "No ha conectado ningún proveedor" in back.text


def test_errors_of_forms_are_translated(browser):
    hidden = hidden_fields(browser.get("/intake?lang=es").text)

    page = browser.post("/intake", data={**hidden, "email": "asha@", "action": "connect"}).text

    assert "Escriba un correo electrónico con el formato correcto" in page
    assert "Escriba su nombre o un número de paciente." in page


@pytest.mark.parametrize("path", ["/api/patients/user_42", "/api/nothing"])
def test_the_envelopes_message_is_translated(browser, path):
    reply = browser.get(path, headers={"Accept-Language": "es"})

    assert reply.headers["Content-Language"] == "es"
    assert reply.json["error"]["message"].startswith(("No hay ningún paciente", "No hay nada"))


def test_a_response_without_text_has_no_language(browser):
    reply = browser.get("/healthz?lang=es")

    assert "Content-Language" not in reply.headers
    assert "Set-Cookie" not in reply.headers


def test_a_page_links_to_the_other_languages(browser):
    page = browser.get("/intake?state=a%26b&_external=1&_scheme=javascript&other=1").text

    href = "/intake?state=a%26b&amp;lang=es"
    assert f'<a href="{href}" lang="es" hreflang="es">Español</a>' in page


def test_a_page_after_a_form_links_to_the_form(browser):
    page = browser.post("/intake", data={"form_token": form_token(browser), "action": "create"}).text

    assert 'href="/intake?lang=es"' in page


@pytest.fixture
def folder(tmp_path):
    """Write catalogs into a folder; return its path."""

    def write(**catalog):
        for code, entries in catalog.items():
            quoted = {
                json.dumps(text, ensure_ascii=False): json.dumps(string, ensure_ascii=False)
                for text, string in entries.items()
            }
            lines = [f"msgid {text}\nmsgstr {string}\n" for text, string in quoted.items()]
            header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
            (tmp_path / f"{code.replace('_', '-')}.po").write_text(header + "\n".join(lines))
        return str(tmp_path)

    return write


def test_a_team_adds_languages(folder):
    app = make_app(
        BFF_TRANSLATIONS=folder(ar={"Connect your health records": "صل سجلاتك"}, pt_BR={"Name": "Nome"})
    )
    arabic, portuguese = (app.test_client().get(f"/intake?lang={code}").text for code in ("ar", "pt-BR"))

    assert '<html lang="ar" dir="rtl">' in arabic
    assert "صل سجلاتك" in arabic
    assert "Email address" in arabic  # what is not translated is English
    assert "Nome" in portuguese
    assert 'hreflang="es"' in arabic


def test_a_teams_wording_comes_before_ours(folder):
    app = make_app(BFF_TRANSLATIONS=folder(en={"Name": "Full name"}, es={"Name": "Nombre completo"}))
    english, spanish = (app.test_client().get(f"/intake?lang={code}").text for code in ("en", "es"))

    assert "Full name" in english
    assert "Nombre completo" in spanish
    assert "Correo electrónico" in spanish


def test_translations_are_escaped(folder):
    app = make_app(BFF_TRANSLATIONS=folder(en={"Enter your name, or a patient number.": "<b>Name</b>"}))
    browser = app.test_client()
    hidden = hidden_fields(browser.get("/intake").text)

    page = browser.post("/intake", data={**hidden, "email": "asha@example.com", "action": "create"})

    assert "&lt;b&gt;Name&lt;/b&gt;" in page.text
    assert "<b>" not in page.text


def problems_of(path):
    with pytest.raises(SettingsError) as caught:
        load_settings(variables(BFF_TRANSLATIONS=str(path)))
    (problem,) = caught.value.problems
    assert problem.startswith("BFF_TRANSLATIONS ")
    return problem.splitlines()[1:] or problem


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("xx-yy-zz.po", 'msgid ""\nmsgstr ""\n', "xx-yy-zz.po is not named after a language"),
        ("fr.po", "\xff\xfe not a catalog", "fr.po is not a gettext catalog"),
        ("fr.po", PO.format("nplurals=2; plural=foo"), "fr.po is not a gettext catalog (ValueError)"),
        ("fr.po", PO.format("nplurals=many; plural=n"), "fr.po is not a gettext catalog (ValueError)"),
        (
            "fr.po",
            PO.format("nplurals=2; plural=n/(n-5)"),
            "fr.po is not a gettext catalog (ZeroDivisionError)",
        ),
        ("fr.po", PO.format("").replace("utf-8", "utf-9"), "fr.po is not a gettext catalog (LookupError)"),
    ],
)
def test_a_file_that_can_not_be_used_is_named(tmp_path, name, text, said):
    (tmp_path / name).write_bytes(text.encode("latin-1"))

    (problem,) = problems_of(tmp_path)

    assert problem.strip().startswith(said)


def test_a_folder_without_catalogs_is_refused(tmp_path):
    (tmp_path / "fr.txt").write_text("")

    assert "must be a folder with gettext catalogs" in problems_of(tmp_path)


@pytest.mark.parametrize(
    ("text", "translation", "wanted"),
    [
        ("Step %(current)s of 3", "Étape %(courante)s de 3", "%(current)s"),
        ("Step %(current)s of 3", "Étape 1 de 3", "%(current)s"),
        ("Step %(current)s of 3", "Étape %(current) de 3", "%(current)s"),
        ("Step %(current)s of 3", "Étape %(current)s de 3, 50 %", "%(current)s"),
        ("Name", "Nom 100 %", "none"),
        ("This return_url can't be used. {reason}", "Non. {raison}", "{reason}"),
        ("This return_url can't be used. {reason}", "Non. {}", "{reason}"),
        ("This return_url can't be used. {reason}", "Non. {reason.code}", "{reason}"),
        ("This return_url can't be used. {reason}", "Non. {reason", "{reason}"),
        ("This return_url can't be used. {reason}", "Non.", "{reason}"),
        (TEXTS["state_too_long"], "Non : {max:.}", "{max:,}"),
        (TEXTS["form_too_large"], "Trop long }", "none"),
    ],
)
def test_other_placeholders_than_those_of_the_text_are_refused(folder, text, translation, wanted):
    (problem,) = problems_of(folder(fr={text: translation}))

    assert f'fr.po: the translation of "{text}" must keep its placeholders ({wanted})' in problem


def test_all_catalogs_problems_are_reported_at_once(folder):
    lines = problems_of(
        folder(fr={"Name": "Nom %", "Step %(current)s of 3": "Étape"}, de={"Name": "%s"}, zz={})
    )

    assert [line.split()[0] for line in lines] == ["de.po:", "fr.po:", "fr.po:", "zz.po"]


@pytest.mark.parametrize(
    ("text", "translation"),
    [
        ("Name", "Nom, 100 %%"),
        ("Step %(current)s of 3", "3 étapes : %(current)s (%(current)s)"),
        (TEXTS["patient_id_path_syntax"], "Sans / \\ % ? ni #."),
        (TEXTS["form_too_large"], "Trop long {{}}"),
        ("", ""),
    ],
)
def test_usable_translations_are_accepted(folder, text, translation):
    assert load_settings(variables(BFF_TRANSLATIONS=folder(fr={text: translation}))).translations


def test_a_plural_may_leave_out_what_the_singular_does(tmp_path):
    more = 'msgid "One more is not listed here."\nmsgid_plural "%(count)s more are not listed here."\n'
    text = PO.format("nplurals=2; plural=(n > 1)") + more
    (tmp_path / "fr.po").write_text(text + 'msgstr[0] "Un autre."\nmsgstr[1] "%(count)s autres."\n')
    assert load_settings(variables(BFF_TRANSLATIONS=str(tmp_path))).translations

    (tmp_path / "fr.po").write_text(text + 'msgstr[0] "Un autre."\nmsgstr[1] "%(number)s autres."\n')
    (problem,) = problems_of(tmp_path)

    assert "(%(count)s)" in problem


def test_one_language_has_one_file_in_any_case(folder):
    (problem,) = problems_of(folder(es={"Name": "Nombre"}, ES={"Name": "NOMBRE"}))

    assert problem.strip() == "es.po is for the same language as ES.po: keep one of them"


@pytest.mark.parametrize("name", ["ES", "Es"])
def test_a_files_name_has_any_case(folder, name):
    browser = make_app(BFF_TRANSLATIONS=folder(**{name: {"Name": "Nombre completo"}})).test_client()

    page = browser.get("/intake?lang=es")

    assert page.headers["Content-Language"] == "es"
    assert "Nombre completo" in page.text
    assert '<html lang="es" dir="ltr">' in page.text
    assert page.text.casefold().count('hreflang="es"') == 0


def test_a_region_is_written_as_usual(folder):
    browser = make_app(BFF_TRANSLATIONS=folder(pt_br={"Name": "Nome"})).test_client()

    assert browser.get("/intake?lang=PT-BR").headers["Content-Language"] == "pt-BR"


def test_plurals_that_are_not_translated_stay_spanish(tmp_path):
    (tmp_path / "es.po").write_bytes(catalogs.TEMPLATE.read_bytes())
    app = make_app(BFF_TRANSLATIONS=str(tmp_path))

    with app.test_request_context("/?lang=es"):
        assert ngettext("You connected one provider.", "You connected %(count)s providers.", 2).startswith(
            "Ha"
        )


@pytest.mark.parametrize(
    ("code", "number", "written"),
    [
        ("en", 1, "One more is"),
        ("en", 1234, "1,234 more"),
        ("es", 1234, "1.234 más"),
    ],
)
def test_numbers_are_written_as_in_the_language(code, number, written):
    app = make_app()
    template = "{% trans count=number|number %}One more is not listed here.{% pluralize %}"
    template += "{{ count }} more are not listed here.{% endtrans %}"

    with app.test_request_context(f"/?lang={code}"):
        assert written in render_template_string(template, number=number)


def test_a_nested_message_is_translated():
    message = Message("form_too_many_requests", {"wait": wait(5)})

    assert message.text(lambda text: f"<{text}>").endswith(" <Try again in 5 seconds.>>")
    assert str(message) == "There were too many attempts from your network. Try again in 5 seconds."
    assert str(wait(1)) == "Try again in one second."
