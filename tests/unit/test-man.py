#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the manual says is there is there, and the other way round: keys of the configuration,
options, signals to journalctl (message ids, fields), and the environment of hooks.

Argument: the source directory."""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1])
problems = []


def read(path):
    return (ROOT / path).read_text()


def compare(what, where_a, a, where_b, b):
    """Both must be the same set, and not an empty one."""
    if not a:
        problems.append(f"{where_a}: no {what} found; has its form changed?")
    for name in sorted(set(a) - set(b)):
        problems.append(f"{where_b}: {what} {name} is missing, {where_a} has it")
    for name in sorted(set(b) - set(a)):
        problems.append(f"{where_b}: {what} {name} is too much, {where_a} has it not")


# --- keys ---

def keys_of_grammar():
    """{"Section/Key": default, None where there is none or it is a path of the build}"""
    found = re.findall(r'\{\s*SECTION_(\w+), "(\w+)", \w+, [^,]+,\s*([^}]+?)\s*\}',
                       read("src/config/grammar.c"))
    return {f"{section.lower()}/{key}": re.fullmatch(r'"([^"]*)"', default)
            for section, key, default in found}


def keys_of_manual():
    """{"Section/Key": text of its entry}"""
    keys, section, entry = {}, None, None
    for line in read("man/renewd.conf.5").splitlines():
        if m := re.match(r"\.Sh (.*)", line):
            m = re.match(r"\[(DAEMON|CA|CERTIFICATE)", m[1])
            section, entry = m and m[1].lower(), None
        elif section and (m := re.match(r"\.It Cm (\w+) Ns =", line)):
            entry = f"{section}/{m[1]}"
            keys[entry] = line + "\n"
        elif entry:
            keys[entry] += line + "\n"
    return keys


def keys_of_example():
    keys, section = set(), None
    for line in read("conf/renewd.conf").splitlines():
        if m := re.match(r"#?\[(\w+)", line):
            section = m[1].lower()
        elif m := re.match(r"#?([A-Z]\w+)=", line):
            keys.add(f"{section}/{m[1]}")
    return keys


def check_keys():
    grammar, manual = keys_of_grammar(), keys_of_manual()
    compare("key", "grammar.c", grammar, "renewd.conf.5", manual)
    compare("key", "grammar.c", grammar, "conf/renewd.conf", keys_of_example())
    for name in grammar.keys() & manual.keys():
        text = manual[name].partition("Default:")[2]
        default = grammar[name] and grammar[name][1]
        if not text:
            problems.append(f"renewd.conf.5: {name} has no 'Default:'")
        elif default and default not in text:
            problems.append(f"renewd.conf.5: the default of {name} is {default}")
        if "Default: none" in manual[name] and "Example:" not in manual[name]:
            problems.append(f"renewd.conf.5: {name} has neither a default nor an 'Example:'")


# --- the rest ---

def check_options(source, page):
    compare("option", source,
            set(re.findall(r'\{ "([a-z-]+)", (?:no|required|optional)_argument', read(source))),
            page, set(re.findall(r"^\.It Fl -([a-z-]+)", read(page), re.MULTILINE)))


def check_journal():
    header, page = read("include/renew/journal.h"), read("man/renewd.8")
    compare("message id", "journal.h", set(re.findall(r'"([0-9a-f]{32})"', header)),
            "renewd.8", set(re.findall(r"^\.It ([0-9a-f]{32})$", page, re.MULTILINE)))
    compare("field", "journal.h", set(re.findall(r'RENEW_FIELD_\w+\s+"(\w+)"', header)),
            "renewd.8", set(re.findall(r"^\.It Ev (RENEWD_\w+)$", page, re.MULTILINE)))


def check_hook():
    compare("variable", "hook.h",
            set(re.findall(r'"(RENEWD_\w+)"', read("include/renew/hook.h"))), "renewd-deploy.8",
            set(re.findall(r"^\.It Ev (RENEWD_\w+)$", read("man/renewd-deploy.8"), re.MULTILINE)))


check_keys()
check_options("src/daemon/options.c", "man/renewd.8")
check_options("src/deployd/main.c", "man/renewd-deploy.8")
check_journal()
check_hook()
print("\n".join(problems) or "the manual and the code agree")
sys.exit(1 if problems else 0)
