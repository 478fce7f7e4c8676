"""Compares `waterway check` with an independent validator of its JSON schema.

    schema.py WATERWAY

The tables are all that the repository has, right and wrong: files, blocks in documents, and texts in
tests that parse as TOML. A table that `check` accepts must fit the schema. A table that it refuses
must not, unless each of its mistakes is of a kind that no schema can find. `check` must accept each
default in the schema, and refuse each value beyond its bounds. Prints each disagreement, and how many tables it compared.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jsonschema

ROOT = Path(__file__).resolve().parent.parent.parent
BLOCK = re.compile(r"^```toml[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
LITERAL = re.compile(r'r(#+)"(.*?)"\1|"((?:[^"\\]|\\.)*)"', re.DOTALL)
ESCAPE = re.compile(r"\\(\n\s*|u\{([0-9a-fA-F]+)\}|.)", re.DOTALL)
SECTIONS = {"include", "server", "log", "auth", "limits", "queue", "consumer", "route"}

# Mistakes that no schema can find, because they compare one part of a table with another part, with
# the machine, with the features of the program, or with a syntax of their own.
BEYOND = [
    "cannot serve",
    "unknown (queue|consumer|auth)",
    "there is no file|is not a pattern|No such file",
    "without the name of a variable|is not set, and without it",
    "a page's origin is checked when",
    "takes? (one part|a part|\\d+ parts|no part|the part)",
    "this program was built without",
]


def main(waterway):
    schema = json.loads(run([waterway, "schema"]).stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    tables = list(dict.fromkeys(every_table()))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(judge, waterway, validator, table, Path(folder, str(number)))
                for number, table in enumerate(tables)]
        verdicts = [job.result() for job in jobs]
        sections = list(every_section(schema))
        more = [*refused_defaults(waterway, sections, Path(folder, "defaults")),
                *accepted_beyond(waterway, sections, Path(folder, "beyond"))]
    compared = [verdict for verdict in verdicts if verdict is not None]
    for disagreement in [*filter(None, compared), *more]:
        print(disagreement, "\n")
    print(f"compared {len(compared)} tables")


# The tables of the repository.


def every_table():
    names = run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT).stdout.split()
    for name in names:
        path = ROOT / name
        if not path.exists() or name.startswith("examples/own-crate"):
            continue
        if name.endswith(".toml"):
            yield path.read_text()
        elif name.endswith(".md"):
            yield from BLOCK.findall(path.read_text())
        elif name.startswith(("tests/", "src/config/")) and name.endswith(".rs"):
            for _, raw, text in LITERAL.findall(path.read_text()):
                yield raw or ESCAPE.sub(unescape, text)


def unescape(escape):
    plain = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
    if escape[2]:
        return chr(int(escape[2], 16))
    return "" if escape[1].startswith("\n") else plain.get(escape[1], escape[1])


# Verdicts.


def judge(waterway, validator, text, folder):
    """What is wrong with the verdicts on a text; empty if they agree, None if it is no table."""
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError):
        return None
    if not table or not SECTIONS & set(table):
        return None
    mistakes = check(waterway, text, folder)
    errors = list(validator.iter_errors(table))
    if not mistakes and errors:
        told = "\n".join(f"{list(error.absolute_path)}: {error.message[:300]}" for error in errors)
        return f"only the schema refuses\n{text}\n{told}"
    visible = [mistake for mistake in mistakes if not any(re.search(kind, mistake) for kind in BEYOND)]
    if visible and not errors:
        return f"only check refuses\n{text}\n" + "\n".join(visible)
    return ""


def check(waterway, text, folder):
    """The mistakes in a table."""
    folder.mkdir()
    (folder / "routing.toml").write_text(text)
    checked = run([waterway, "check", "--allow-missing-env"], cwd=folder)
    mistakes = re.findall(r"^routing\.toml:\d+:\d+: (?!warning: )(.*)$", checked.stderr, re.MULTILINE)
    assert bool(mistakes) == (checked.returncode != 0), checked.stderr
    return mistakes


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


# Defaults and bounds.


def every_section(schema):
    """Each section of a table: its beginning, with the keys that it needs, and its schema."""
    keys = schema["properties"]
    for name in ("server", "log", "limits"):
        yield f"[{name}]", keys[name]
    yield "[auth.a]\nsecret = 'a secret of more than thirty-two bytes'", keys["auth"]["additionalProperties"]
    yield "[queue.q]\nconsumer = 'close'", keys["queue"]["additionalProperties"]
    for name, options in schema["definitions"].items():
        yield f"[consumer.c]\nuse = {json.dumps(name)}", options


def refused_defaults(waterway, sections, folder):
    """Each section whose defaults, all written out, are refused."""
    folder.mkdir()
    for number, (beginning, section) in enumerate(sections):
        written = [f"{name} = {as_toml(key['default'])}" for name, key in every_key(section)
                   if "default" in key and not name.startswith("retention.")]
        table = "\n".join([beginning, *written])
        if mistakes := check(waterway, table, folder / str(number)):
            yield f"check refuses a default\n{table}\n" + "\n".join(mistakes)


def accepted_beyond(waterway, sections, folder):
    """Each section in which a value beyond the bounds of its key is accepted."""
    folder.mkdir()
    for number, (beginning, section) in enumerate(sections):
        wrong = [f"{name} = {as_toml(value)}" for name, key in every_key(section) for value in beyond(key)]
        table = "\n".join([beginning, *wrong])
        for each, line in enumerate(wrong):
            table = f"{beginning}\n{line}"
            if not check(waterway, table, folder / f"{number}-{each}"):
                yield f"check accepts a value beyond its bounds\n{table}"


def beyond(key):
    if "minimum" in key:
        yield key["minimum"] - 1
    if "maximum" in key:
        yield key["maximum"] + 1
    if any("const" in choice for choice in key.get("oneOf", [])):
        yield "no such choice"
    if key.get("type") == ["boolean", "string"]:
        yield "perhaps"
    if key.get("type") == "string":
        yield 1.5


def every_key(section, prefix=""):
    for name, key in section.get("properties", {}).items():
        if key is True:
            continue
        if "properties" in key and "default" not in key:
            yield from every_key(key, f"{prefix}{name}.")
        elif "const" not in key:
            yield prefix + name, key


def as_toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return json.dumps(value)


main(str(Path(sys.argv[1]).resolve()))
