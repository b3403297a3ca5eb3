"""The front-end module as an npm package: packed, installed, imported in Node, type-checked and bundled."""

import json
import re
import shutil
import subprocess

import pytest

from bff import __version__
from tests.examples import example as documented
from tests.examples import run_shell
from tests.npm import EXAMPLE, STATIC, find_npm, install_example, npm, pack

PACKAGE = json.loads((STATIC / "package.json").read_text())
NODE = shutil.which("node") or "node"
TSC = [NODE, "node_modules/typescript/bin/tsc"]
OPTIONS = ["--ignoreConfig", "--strict", "--target", "ES2022", "--lib", "ES2022,DOM"]
OPTIONS += ["--module", "ESNext", "--moduleResolution", "bundler"]
COMPARISON = """
import * as code from "./code.js";
import * as types from "./medblocks-bff.js";

// What the class assigns in its constructor is left out: the browser tests read these fields.
type Code = Omit<typeof code, "MedblocksError">;
type Types = Omit<typeof types, "MedblocksError">;
type Details<T extends abstract new (...values: never) => unknown> = ConstructorParameters<T>;
({}) as Code satisfies Types;
({}) as Types satisfies Code;
({}) as Details<typeof code.MedblocksError> satisfies Details<typeof types.MedblocksError>;
({}) as Details<typeof types.MedblocksError> satisfies Details<typeof code.MedblocksError>;
"""
USES = """
import { configure, getConnections, MedblocksError, parseReturn, startPatientSession } from "medblocks-bff";

configure({ baseUrl: "https://bff.example.com", headers: async () => ({ Authorization: "Bearer x" }) });
const url: string = (await startPatientSession({ patientId: "user_42" })).url;
const names: (string | null)[] =
  (await getConnections("user_42", { hydrate: true })).map((each) => each.name);
const scopes: string[] = (await getConnections("user_42"))[0].scopes;
const id: string | null = parseReturn(new URL(url)).patient_id;
const param = (error: unknown) => error instanceof MedblocksError && error.param;
// @ts-expect-error - the patient's id is required
await startPatientSession({});
// @ts-expect-error - hydrated facilities have no scopes
(await getConnections("user_42", { hydrate: true }))[0].scopes;
export { id, names, param, scopes };
"""
IN_NODE = """
import * as mb from "medblocks-bff";

const failure = ({ code, status }) => `${code} ${status}`;
mb.configure({ baseUrl: "http://127.0.0.1:9" });
console.log(Object.keys(mb).join(" "));
console.log(await mb.getPatient("user_42").catch(failure), await mb.getPatient("..").catch(failure));
console.log(mb.parseReturn("/done?patient_id=user_42").patient_id);
"""


def test_version_is_that_of_the_server():
    assert PACKAGE["version"] == __version__


def test_package_runs_nothing_and_needs_nothing():
    kept = {"name", "version", "description", "license", "type", "exports", "types", "files", "sideEffects"}

    assert PACKAGE.keys() == kept


def test_lock_of_the_example_has_hashes_and_no_addresses():
    lock = (EXAMPLE / "package-lock.json").read_text()
    packages = json.loads(lock)["packages"]
    ours = {"", "node_modules/medblocks-bff"}

    assert "://" not in re.sub(r'"url": "[^"]+"', "", lock)
    assert [name for name, each in packages.items() if name not in ours and "integrity" not in each] == []


@pytest.mark.slow
def test_package_has_the_module_and_its_types(tmp_path):
    (packed,) = json.loads(npm(STATIC, "pack", "--dry-run", "--json"))

    assert {file["path"] for file in packed["files"]} == {*PACKAGE["files"], "package.json"}


@pytest.mark.slow
def test_package_is_imported_in_node(tmp_path):
    archive = pack(tmp_path)
    npm(tmp_path, "install", "--offline", str(archive))
    (tmp_path / "use.mjs").write_text(IN_NODE)

    printed = subprocess.check_output([NODE, "use.mjs"], cwd=tmp_path, text=True).splitlines()

    code = (STATIC / "medblocks-bff.js").read_text()
    exported = re.findall(r"^export (?:async )?(?:function\*?|class|const) (\w+)", code, re.MULTILINE)
    assert sorted(printed[0].split()) == sorted(exported)
    assert printed[1:] == ["network_error 0 not_found 404", "user_42"]


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """Install the packed module in the Vite and TypeScript app, from its archive as a team does."""
    folder = tmp_path_factory.mktemp("example")
    installed = install_example(folder)
    npm(installed, "install", "--no-save", "--prefer-offline", str(pack(folder)))
    return installed


def tsc(folder, *arguments):
    """Run the TypeScript compiler, and return the errors that it prints."""
    done = subprocess.run([*TSC, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout


@pytest.mark.slow
def test_app_is_type_checked_and_built(example):
    assert tsc(example, "--noEmit") == ""
    npm(example, "run", "build")

    (bundle,) = (example / "dist" / "assets").glob("*.js")
    assert "network_error" in bundle.read_text()
    assert "/api/" in bundle.read_text()


@pytest.mark.slow
def test_types_say_what_callers_may_do(example):
    (example / "uses.ts").write_text(USES)

    assert tsc(example, *OPTIONS, "--noEmit", "uses.ts") == ""


@pytest.mark.slow
@pytest.mark.parametrize("beginning", ["import { createPatient, type", "configure({", "  configure({"])
def test_examples_of_the_page_are_type_checked(example, beginning):
    names = "" if "import" in beginning else 'import { configure } from "medblocks-bff";\n'
    code = documented("docs/frontend.md", beginning)
    (example / "documented.ts").write_text(f"{names}declare const getToken: () => Promise<string>;\n{code}")

    assert tsc(example, *OPTIONS, "--noEmit", "documented.ts") == ""


@pytest.mark.slow
def test_commands_of_the_page_install_the_package(tmp_path):
    find_npm()
    shutil.copytree(STATIC, tmp_path / "medblocks-bff" / "static")
    app = tmp_path / "app"
    app.mkdir()
    commands = documented("docs/frontend.md", "npm pack")
    assert f"medblocks-bff-{__version__}.tgz" in commands

    run_shell(commands, app, npm_config_offline="true")

    assert (app / "node_modules" / "medblocks-bff" / "medblocks-bff.d.ts").exists()


@pytest.mark.slow
def test_types_are_those_of_the_code(example):
    for source, name in (("js", "code.js"), ("d.ts", "medblocks-bff.d.ts")):
        shutil.copy(STATIC / f"medblocks-bff.{source}", example / name)
    (example / "comparison.ts").write_text(COMPARISON)
    emit = ["--allowJs", "--checkJs", "--noImplicitAny", "false", "--declaration", "--emitDeclarationOnly"]

    assert tsc(example, *OPTIONS, *emit, "code.js") == ""
    (example / "code.js").unlink()  # its declarations are compared
    assert tsc(example, *OPTIONS, "--noEmit", "comparison.ts") == ""


@pytest.mark.slow
def test_a_wrong_type_is_found(example):
    (example / "wrong.ts").write_text('import { getPatient } from "medblocks-bff"; await getPatient(42);')

    assert "error TS2345" in tsc(example, *OPTIONS, "--noEmit", "wrong.ts")
