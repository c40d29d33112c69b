"""OpenSSL's own configuration: what lets in plain text is refused, anything else is noted."""

from __future__ import annotations

from pathlib import Path

import pytest

import envconn

URL = "postgresql://u:p@db.example.com/d"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("CipherString = DEFAULT:@SECLEVEL=0\n", "openssl-weak"),
        ("[s]\nCipherString=ALL:NULL\n", "openssl-weak"),
        ("  cipherstring = eNULL@SECLEVEL=0", "openssl-weak"),
        ("system_default.CipherString = NULL-SHA256\n", "openssl-weak"),
        ("CipherString = \\\nALL:eNULL\n", "openssl-weak"),
        ("CipherString = ALL:eN\\\nULL\n", "openssl-weak"),
        ("CipherString = DEFAULT:@SECLEVEL =0\n", "openssl-weak"),
        (".include weak.cnf # a note\n", "openssl-weak"),
        ("word = eNULL\nCipherString = $default::word\n", "openssl-weak"),
        ("CipherString = \"A\"'LL:eN'ULL\n", "openssl-weak"),
        ("CipherString = ALL:COMPLEMENTOFALL\n", "openssl-weak"),
        ("Ciphersuites = TLS_AES_128_GCM_SHA256:TLS_SHA256_SHA256\n", "openssl-weak"),
        (".include weak.cnf\n", "openssl-weak"),
        (".include = weak.cnf\n", "openssl-weak"),
        (".include weak\n", "openssl-weak"),
        (".include twice.cnf\n", "openssl-weak"),
        ("[other]\nsystem_default::CipherString = eNULL\n", "openssl-weak"),
        ("[other]\n system_default:: 1.Ciphersuites = TLS_SHA384_SHA384\n", "openssl-weak"),
        ('.include "weak.cnf"\n', "openssl-weak"),
        (".include 'weak'.cnf\n", "openssl-weak"),
        (".pragma includedir:deep\n.include inner.cnf\n", "openssl-weak"),
        (".pragma = includedir: deep\n.include = inner.cnf\n", "openssl-weak"),
        (".pragma includedir:deep\n.include middle.cnf\n", "openssl-weak"),
        (".include inner.cnf\n", "openssl-conf"),
        ("[CipherString]\nword = eNULL\n", "openssl-conf"),
        ("#.pragma includedir:deep\n.include inner.cnf\n", "openssl-conf"),
        (".include nul\0l.cnf\n", "openssl-conf"),
        (".include nowhere.cnf\n", "openssl-conf"),
        (".include circle.cnf\n", "openssl-conf"),
        ("#.include weak.cnf\n", "openssl-conf"),
        ("CipherString = HIGH:!aNULL:!eNULL:-NULL\n", "openssl-conf"),
        ("CipherString = DEFAULT:@SECLEVEL=2\n", "openssl-conf"),
        ("# CipherString = NULL\n", "openssl-conf"),
        ("CipherString = DEFAULT # not NULL\n", "openssl-conf"),
        ("", "openssl-conf"),
        (".include $ENV::WEAK_FOLDER/a.cnf\n", "openssl-weak"),
        (".include ${ENV::WEAK_FOLDER}/a.cnf\n", "openssl-weak"),
        (".include $(ENV::DEEP_FOLDER)/other.cnf\n", "openssl-conf"),
        (".include $ENV::NOWHERE/a.cnf\n", "openssl-weak"),
        ("folder = weak\n.include $folder/a.cnf\n", "openssl-weak"),
        ("folder = deep\n.include $folder/other.cnf\n", "openssl-conf"),
        ("folder = deep\nfolder = weak\n.include $folder/a.cnf\n", "openssl-weak"),
        ("[s]\nfolder = we\nrest = ${s::folder}ak\n.include $s::rest/a.cnf\n", "openssl-weak"),
        ("other::folder = weak\n.include ${other::folder}/a.cnf\n", "openssl-weak"),
        ("folder = $folder\n.include $folder/a.cnf\n", "openssl-weak"),
        (".include $folder/a.cnf\n", "openssl-weak"),
        (".include some$.cnf\n", "openssl-weak"),
        (".include ${a*b}\n", "openssl-weak"),
        (".pragma includedir:$folder\n", "openssl-weak"),
        (".include notes\n", "openssl-conf"),
        (".include more\n", "openssl-weak"),
        (".include moves.cnf\n.include inner.cnf\n", "openssl-weak"),
        (".include /dev/null\n", "openssl-weak"),
        (".include /dev/zero\n", "openssl-weak"),
        ("#" * 1_048_576, "openssl-conf"),
        ("#" * 1_048_577, "openssl-weak"),
        ("# \xff\nCipherString = eNULL\n", "openssl-weak"),
    ],
)
def test_a_configuration(text: str, code: str) -> None:
    Path("openssl.cnf").write_text(text, encoding="latin-1")
    Path("weak").mkdir()
    Path("deep").mkdir()
    Path("deep/middle.cnf").write_text(".include inner.cnf\n", encoding="utf-8")
    for name in ("weak.cnf", "weak/a.cnf", "deep/inner.cnf"):
        Path(name).write_text("CipherString = eNULL\n", encoding="utf-8")
    Path("twice.cnf").write_text(".include weak.cnf\n", encoding="utf-8")
    Path("circle.cnf").write_text(".include circle.cnf\n", encoding="utf-8")
    Path("moves.cnf").write_text(".pragma includedir:deep\n", encoding="utf-8")
    Path("deep/other.cnf").touch()
    Path("notes").mkdir()
    Path("notes/README").write_text("CipherString = eNULL\n", encoding="utf-8")
    Path("more").mkdir()
    Path("more/A.CNF").write_text("CipherString = eNULL\n", encoding="utf-8")
    folders = {"WEAK_FOLDER": "weak", "DEEP_FOLDER": "deep"}
    assert codes_for({"OPENSSL_CONF": "openssl.cnf", **folders}) == [(code, "OPENSSL_CONF")]


def test_more_files_than_are_checked() -> None:
    Path("many").mkdir()
    for number in range(256):
        Path(f"many/{number}.conf").touch()
    Path("openssl.cnf").write_text(".include many\n", encoding="utf-8")
    assert codes_for({"OPENSSL_CONF": "openssl.cnf"}) == [("openssl-weak", "OPENSSL_CONF")]
    Path("many/0.conf").unlink()
    Path("many/1.conf").unlink()
    assert codes_for({"OPENSSL_CONF": "openssl.cnf"}) == [("openssl-conf", "OPENSSL_CONF")]


@pytest.mark.parametrize(
    ("directory", "code"), [("deep", "openssl-weak"), ("./deep/", "openssl-weak"), ("other", "openssl-conf")]
)
def test_where_relative_names_begin(directory: str, code: str) -> None:
    """OPENSSL_CONF_INCLUDE says so (config(5))."""
    Path("openssl.cnf").write_text(".include inner.cnf\n", encoding="utf-8")
    Path("deep").mkdir()
    Path("deep/inner.cnf").write_text("CipherString = ALL:eNULL\n", encoding="utf-8")
    assert codes_for({"OPENSSL_CONF": "openssl.cnf", "OPENSSL_CONF_INCLUDE": directory}) == [(code, "OPENSSL_CONF")]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"OPENSSL_CONF": "a\0b"}, [("openssl-conf", "OPENSSL_CONF")]),
        ({"OPENSSL_CONF": "/nowhere"}, [("openssl-conf", "OPENSSL_CONF")]),
        ({"OPENSSL_CONF": "/"}, [("openssl-conf", "OPENSSL_CONF")]),
        ({"OPENSSL_CONF": "/dev/null"}, [("openssl-weak", "OPENSSL_CONF")]),
        ({"OPENSSL_CONF": ""}, []),
        ({}, []),
    ],
)
def test_no_configuration(variables: dict[str, str], expected: list[tuple[str, str]]) -> None:
    assert codes_for(variables) == expected


@pytest.mark.parametrize(("path", "words"), [("openssl.cnf", "in addition to envconn"), ("nowhere", "which OpenSSL")])
def test_a_note_says_whether_the_file_is_read(path: str, words: str) -> None:
    Path("openssl.cnf").touch()
    (found,) = envconn.load({"DATABASE_URL": URL, "OPENSSL_CONF": path}, env_file=None).report().notes
    assert words in found.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CipherString = eNULL\n.include more\n", "NULL ciphers"),
        (".include $nowhere\n", "has a variable"),
        (".include /dev/null\n", "a pipe or a device"),
        (".include large.cnf\n", "more than 1 MB"),
        (".include many\n", "more files than"),
    ],
)
def test_a_problem_says_what_cannot_be_checked(text: str, words: str) -> None:
    Path("openssl.cnf").write_text(text, encoding="utf-8")
    Path("large.cnf").write_text("#" * 1_048_577, encoding="utf-8")
    Path("many").mkdir()
    for number in range(256):
        Path(f"many/{number}.cnf").touch()
    with pytest.raises(envconn.ConfigurationError) as caught:
        envconn.load({"DATABASE_URL": URL, "OPENSSL_CONF": "openssl.cnf"}, env_file=None)
    assert [words in found.message for found in caught.value.problems] == [True]


def codes_for(variables: dict[str, str]) -> list[tuple[str, str]]:
    try:
        report = envconn.load({"DATABASE_URL": URL, **variables}, env_file=None).report()
    except envconn.ConfigurationError as refusal:
        return [(found.code, found.variable) for found in refusal.problems]
    return [(found.code, found.variable) for found in report.notes]
