# SPDX-License-Identifier: Apache-2.0
"""The module cc of the drop-in: names, signatures, attributes and exceptions of tvm.support.cc."""

import concurrent.futures
import ctypes
import multiprocessing
import os
import pathlib
import pickle
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
import weakref

import pytest

from conftest import needs, output_of
from signatures import signature as plain_signature

import tvmsupport
from tvmsupport import cc, tar, utils


@pytest.mark.parametrize(
    "name, signature",
    [
        ("get_cc", "()"),
        ("create_shared", "(output, objects, options=None, cc=None, cwd=None, ccache_env=None)"),
        ("create_staticlib", "(output, inputs, ar=None)"),
        (
            "create_executable",
            "(output, objects, options=None, cc=None, cwd=None, ccache_env=None)",
        ),
        ("get_global_symbol_section_map", "(path, *, nm=None)"),
        ("get_target_by_dump_machine", "(compiler)"),
        (
            "cross_compiler",
            "(compile_func, options=None, output_format=None, get_target_triple=None,"
            " add_files=None)",
        ),
    ],
)
def test_signatures(name, signature):
    assert plain_signature(getattr(cc, name)) == signature


def test_attributes():
    assert cc.create_shared.output_format == "so"
    triple = cc.create_shared.get_target_triple()
    assert triple == triple.strip() and triple.count("-") >= 2


def object_of(source):
    subprocess.run(
        ["gcc", "-fPIC", "-c", source, "-o", source.with_suffix(".o")], check=True
    )


def call_add(library):
    return ctypes.CDLL(os.fspath(library)).add(2, 3)


def test_get_cc(monkeypatch):
    assert cc.get_cc()
    monkeypatch.setenv("CXX", "ccache g++ -m64")
    assert cc.get_cc() == "ccache g++ -m64"
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("CC", "gcc -O1")
    assert cc.get_cc() == "gcc -O1"


def test_get_cc_without_any(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cc.get_cc() is None
    with pytest.raises(FileNotFoundError):
        cc.create_shared(tmp_path / "x.so", [tmp_path / "x.c"])


def test_cxx_with_wrapper_and_arguments(add_c, tmp_path, monkeypatch):
    needs("ccache")
    needs("g++")
    monkeypatch.setenv("CXX", "ccache g++ -DSTILL_C")
    monkeypatch.setenv("CCACHE_DIR", str(tmp_path / "cache"))
    cc.create_shared(str(tmp_path / "libadd.so"), [str(add_c)])
    # The file is C, whatever the driver: its name is not mangled.
    assert call_add(tmp_path / "libadd.so") == 5


@pytest.mark.parametrize("kind", [str, pathlib.Path, os.fsencode, lambda path: [str(path)]])
def test_create_shared_takes_one_or_many(kind, add_c, tmp_path):
    output = tmp_path / "libadd.so"
    assert cc.create_shared(output, kind(add_c)) is None
    assert call_add(output) == 5


def test_create_shared_of_objects_and_tars(add_c, tmp_path):
    (tmp_path / "main.c").write_text("int add (int, int); int five (void) { return add (2, 3); }")
    for name in ("add", "main"):
        object_of(tmp_path / f"{name}.c")
    tar.tar(tmp_path / "objects.tar", [tmp_path / "add.o"])
    cc.create_shared(tmp_path / "libfive.so", [tmp_path / "objects.tar", tmp_path / "main.o"])
    assert ctypes.CDLL(str(tmp_path / "libfive.so")).five() == 5


def test_options(tmp_path):
    source = tmp_path / "root.c"
    source.write_text("#include <math.h>\ndouble root (void) { return sqrt (NUMBER); }\n")
    options = ["-DNUMBER=4", "-fno-builtin", "-lm", "-Wl,--no-undefined"]
    before = list(options)
    cc.create_shared(tmp_path / "a.so", [str(source)], options=options)
    assert options == before
    cc.create_shared(tmp_path / "b.so", [str(source)], options=shlex.join(options))
    cc.create_shared(tmp_path / "c.so", [str(source)], options=tuple(options))
    for name in ("a", "b", "c"):
        library = ctypes.CDLL(str(tmp_path / f"{name}.so"))
        library.root.restype = ctypes.c_double
        assert library.root() == 2.0


def test_an_option_among_the_objects(add_c, tmp_path):
    """The seed put them on the same command line, so that -lm could stand among the objects."""
    source = tmp_path / "cosine.c"
    source.write_text("#include <math.h>\ndouble cosine(double x) { return cos(x); }\n")
    cc.create_shared(str(tmp_path / "cosine.so"), [str(source), "-lm"])
    library = ctypes.CDLL(str(tmp_path / "cosine.so"))
    library.cosine.restype = ctypes.c_double
    library.cosine.argtypes = [ctypes.c_double]
    assert library.cosine(0.0) == 1.0


def test_a_static_library_among_the_options(add_c, tmp_path):
    object_of(add_c)
    cc.create_staticlib(tmp_path / "libfoo.a", [tmp_path / "add.o"])
    source = tmp_path / "main.c"
    source.write_text("int add (int, int); int main (void) { return add (2, 3); }")
    cc.create_executable(tmp_path / "main", source, options=[f"-L{tmp_path}", "-lfoo"])
    assert subprocess.run([tmp_path / "main"], check=False).returncode == 5


def test_working_directory(add_c, tmp_path):
    cc.create_shared("libadd.so", ["add.c"], cwd=tmp_path)
    assert call_add(tmp_path / "libadd.so") == 5


def test_odd_names(tmp_path):
    folder = tmp_path / "it's \"a\"\nfolder"
    folder.mkdir()
    source = folder / "-dash.c"
    source.write_text("int add (int a, int b) { return a + b; }")
    cc.create_shared("-dash out.so", ["-dash.c"], cwd=folder)
    assert call_add(folder / "-dash out.so") == 5


def test_a_source_that_does_not_compile(tmp_path):
    source = tmp_path / "a broken.c"
    source.write_text("int f (void) { return missing; }\n")
    (tmp_path / "out.so").write_text("as it was")
    with pytest.raises(RuntimeError) as error:
        cc.create_shared(tmp_path / "out.so", [source], cc="gcc", options=["-O1"])
    text = str(error.value)
    assert text.startswith("Compilation error:\n")
    assert "missing" in text and "a broken.c" in text
    command = shlex.split(text.split("\nCommand line: ")[1])
    assert pathlib.Path(command[0]).name == "gcc"
    assert str(source) in command and "-O1" in command
    assert (tmp_path / "out.so").read_text() == "as it was"


def test_a_link_that_fails(tmp_path):
    source = tmp_path / "main.c"
    source.write_text("int missing (void); int main (void) { return missing (); }")
    with pytest.raises(RuntimeError, match="missing") as error:
        cc.create_executable(tmp_path / "main", source)
    assert str(error.value).startswith("Compilation error:\n")
    assert "\nCommand line: " in str(error.value)


def test_a_log_that_is_not_utf8(tmp_path):
    source = tmp_path / "latin1.c"
    source.write_bytes(b'#error "caf\xe9"\n')
    with pytest.raises(RuntimeError, match="caf"):
        cc.create_shared(tmp_path / "x.so", source)


def test_missing_things(add_c, tmp_path):
    with pytest.raises(FileNotFoundError, match="no-such-compiler"):
        cc.create_shared(tmp_path / "x.so", add_c, cc="no-such-compiler")
    with pytest.raises(RuntimeError, match="nowhere.c"):
        cc.create_shared(tmp_path / "x.so", tmp_path / "nowhere.c")
    with pytest.raises(FileNotFoundError, match="no-such-ar"):
        cc.create_staticlib(tmp_path / "x.a", add_c, ar="no-such-ar")
    with pytest.raises((ValueError, TypeError)):
        cc.create_shared("x\0.so", add_c)


def test_nothing_to_link(tmp_path):
    with pytest.raises(RuntimeError):
        cc.create_shared(tmp_path / "x.so", [])
    with pytest.raises(RuntimeError):
        cc.create_staticlib(tmp_path / "x.a", [])


def test_output_that_is_a_directory(add_c, tmp_path):
    (tmp_path / "x.so").mkdir()
    with pytest.raises(RuntimeError):
        cc.create_shared(tmp_path / "x.so", add_c)
    assert list((tmp_path / "x.so").iterdir()) == []


def test_an_executable_whatever_its_name(tmp_path):
    source = tmp_path / "main.c"
    source.write_text("int main (void) { return 7; }")
    cc.create_executable(tmp_path / "main.so", [str(source)])
    assert subprocess.run([tmp_path / "main.so"], check=False).returncode == 7
    assert (tmp_path / "main.so").read_bytes()[16] in (2, 3)


def test_staticlib(add_c, tmp_path):
    object_of(add_c)
    cc.create_staticlib(tmp_path / "one.a", str(tmp_path / "add.o"))
    tar.tar(tmp_path / "add.tar", [tmp_path / "add.o"])
    os.utime(tmp_path / "add.o", (0, 0))
    cc.create_staticlib(tmp_path / "two.a", [tmp_path / "add.tar"])
    assert (tmp_path / "one.a").read_bytes() == (tmp_path / "two.a").read_bytes()
    assert output_of("ar", "t", tmp_path / "one.a").split() == ["add.o"]


def test_staticlib_of_what_is_none(tmp_path):
    with pytest.raises(RuntimeError):
        cc.create_staticlib(tmp_path / "x.a", [tmp_path / "nowhere.o"])
    assert not (tmp_path / "x.a").exists()


def test_symbols(add_c, tmp_path):
    cc.create_shared(tmp_path / "libadd.so", add_c)
    assert cc.get_global_symbol_section_map(tmp_path / "libadd.so")["add"] == "T"
    assert cc.get_global_symbol_section_map(str(tmp_path / "libadd.so"), nm="nm")["add"] == "T"
    spaced = tmp_path / "a space" / "nm"
    spaced.parent.mkdir()
    spaced.symlink_to(shutil.which("nm"))
    assert cc.get_global_symbol_section_map(tmp_path / "libadd.so", nm=spaced)["add"] == "T"
    subprocess.run(["strip", tmp_path / "libadd.so"], check=True)
    assert cc.get_global_symbol_section_map(tmp_path / "libadd.so")["add"] == "T"


def test_symbols_that_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError):
        cc.get_global_symbol_section_map(tmp_path / "nowhere.so")
    (tmp_path / "text").write_text("this is no object file")
    with pytest.raises(RuntimeError):
        cc.get_global_symbol_section_map(tmp_path / "text")


def test_target_triple(monkeypatch):
    triple = cc.get_target_by_dump_machine("gcc")()
    assert triple == output_of("gcc", "-dumpmachine").strip()
    monkeypatch.setenv("CXX", "gcc")
    assert cc.create_shared.get_target_triple() == triple
    assert cc.get_target_by_dump_machine(None)() is None
    assert cc.get_target_by_dump_machine("false")() is None
    with pytest.raises(FileNotFoundError):
        cc.get_target_by_dump_machine("no-such-compiler")()


def test_cross_compiler_of_a_command(add_c, tmp_path):
    needs("aarch64-linux-gnu-gcc")
    fcompile = cc.cross_compiler("aarch64-linux-gnu-gcc")
    assert fcompile.output_format == "so"
    assert fcompile.get_target_triple() == "aarch64-linux-gnu"
    fcompile(str(tmp_path / "libadd.so"), [str(add_c)])
    machine = (tmp_path / "libadd.so").read_bytes()[18:20]
    assert int.from_bytes(machine, "little") == 183
    assert cc.get_global_symbol_section_map(tmp_path / "libadd.so")["add"] == "T"


def test_cross_compiler_changes_no_list():
    calls = []

    def compile_func(outputs, objects, options=None):
        calls.append((outputs, objects, options))
        objects.append("mine")
        options.append("mine")

    options, add_files, objects, more = ["-O2"], ["b.o"], ["a.o"], ["-lm"]
    fcompile = cc.cross_compiler(compile_func, options, add_files=add_files)
    for _ in range(2):
        fcompile("x", objects, more)
        fcompile("x", "a.o")
    assert (options, add_files, objects, more) == (["-O2"], ["b.o"], ["a.o"], ["-lm"])
    expected = ("x", ["a.o", "b.o", "mine"], ["-O2", "-lm", "mine"])
    assert calls[0] == calls[2] == expected
    assert calls[1] == calls[3] == ("x", ["a.o", "b.o", "mine"], ["-O2", "mine"])


def test_cross_compiler_attributes():
    def compile_func(outputs, objects, options=None):
        pass

    assert cc.cross_compiler(compile_func).output_format == "so"
    assert cc.cross_compiler(compile_func).get_target_triple is None
    compile_func.output_format = "wasm"
    compile_func.get_target_triple = lambda: "wasm32"
    fcompile = cc.cross_compiler(compile_func)
    assert (fcompile.output_format, fcompile.get_target_triple()) == ("wasm", "wasm32")
    fcompile = cc.cross_compiler(compile_func, output_format="o", get_target_triple=lambda: "x")
    assert (fcompile.output_format, fcompile.get_target_triple()) == ("o", "x")


def test_cross_compiler_takes_what_create_shared_takes(add_c, tmp_path):
    fcompile = cc.cross_compiler("gcc", add_files=["more.c"])
    (tmp_path / "more.c").write_text("int more;\n")
    fcompile("libadd.so", "add.c", cwd=tmp_path)
    symbols = cc.get_global_symbol_section_map(tmp_path / "libadd.so")
    assert {"add", "more"} <= set(symbols)


def test_ccache(add_c, tmp_path):
    needs("ccache")
    environment = {"CCACHE_DIR": str(tmp_path / "cache")}
    before = dict(environment)
    for name in ("one", "two"):
        cc.create_shared(tmp_path / f"{name}.so", [str(add_c)], ccache_env=environment)
        assert call_add(tmp_path / f"{name}.so") == 5
    assert environment == before
    statistics = subprocess.run(
        ["ccache", "--print-stats"], env={**os.environ, **environment},
        check=True, stdout=subprocess.PIPE, universal_newlines=True,
    ).stdout
    counters = dict(line.split("\t") for line in statistics.splitlines())
    hits = int(counters["direct_cache_hit"]) + int(counters["preprocessed_cache_hit"])
    assert (hits, counters["cache_miss"], counters["called_for_link"]) == (1, "1", "0")


def test_ccache_that_is_not_there(add_c, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="^ccache not found$"):
        cc.create_shared(tmp_path / "x.so", add_c, ccache_env={})


def test_from_threads(add_c, tmp_path):
    outputs = [tmp_path / f"lib{number}.so" for number in range(4)]
    with concurrent.futures.ThreadPoolExecutor() as executor:
        list(executor.map(lambda output: cc.create_shared(output, add_c), outputs))
    assert [call_add(output) for output in outputs] == [5] * 4


def test_ctrl_c(endless, tmp_path):
    program = textwrap.dedent(
        """
        import sys
        from tvmsupport import cc
        try:
            cc.create_shared(sys.argv[1], [sys.argv[2]])
        except KeyboardInterrupt:
            print("interrupted")
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "x.so", endless.source],
        stdout=subprocess.PIPE, universal_newlines=True,
    ) as process:
        pipe = endless.wait_for_compiler()
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[0] == "interrupted\n"
        assert process.returncode == 0
    with pytest.raises(BrokenPipeError):
        os.write(pipe, b"\n")
    os.close(pipe)
    assert endless.processes() == []
    assert not (tmp_path / "x.so").exists()


def test_package(capsys):
    facts = tvmsupport.libinfo()
    assert facts and all(isinstance(value, str) for value in facts.values())
    assert tvmsupport.describe() is None
    assert f"Python: {sys.version.split()[0]}" in capsys.readouterr().out


def test_in_a_fork_of_a_program_that_has_compiled(add_c, tmp_path):
    """As in multiprocessing: the threads of the library are not in the child, and it needs none of them."""
    cc.create_shared(tmp_path / "parent.so", [add_c])
    context = multiprocessing.get_context("fork")
    children = [
        context.Process(target=cc.create_shared, args=(tmp_path / f"child{i}.so", [add_c]))
        for i in range(3)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        child.kill()
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert cc.get_global_symbol_section_map(tmp_path / "child2.so") == {"add": "T"}


def test_errors_can_be_pickled(tmp_path):
    """As those of tvm.support can; what has become of a compile stays where it was."""
    source = tmp_path / "broken.c"
    source.write_text("int f (void) { return g; }\n")
    for name, kind in (("broken.c", RuntimeError), ("missing.c", FileNotFoundError)):
        with pytest.raises(kind) as caught:
            cc.create_shared(tmp_path / "a.so", [tmp_path / name])
        error = pickle.loads(pickle.dumps(caught.value))
        assert type(error) is type(caught.value) and str(error) == str(caught.value)
        assert getattr(error, "errno", None) == getattr(caught.value, "errno", None)
        assert (error.result, error.diagnostics) == (None, [])


def test_nothing_of_the_caller_stays_behind_an_error(tmp_path, is_forgotten):
    (tmp_path / "bad.c").write_text("int f( {\n")

    def fail(function, *args):
        lock = utils.FileLock(tmp_path / "lock")
        with pytest.raises(RuntimeError):
            function(*args)
        return weakref.ref(lock)

    assert is_forgotten(fail(cc.create_shared, tmp_path / "bad.so", [tmp_path / "bad.c"]))
    assert is_forgotten(fail(cc.create_staticlib, tmp_path / "none.a", [tmp_path / "none.o"]))
    assert is_forgotten(fail(tar.tar, tmp_path / "none.tar", [tmp_path / "none.o"]))
