// SPDX-License-Identifier: Apache-2.0
// The library from Vala.
using Tvm;

TempDirectory temp;

string write_file (string name, string text) {
    try {
        var path = temp.build_path (name);
        FileUtils.set_contents (path, text);
        return path;
    } catch (GLib.Error error) {
        GLib.error ("%s", error.message);
    }
}

CompileRequest request_for (string source, string output, CompileKind kind) throws GLib.Error {
    var request = new CompileRequest (kind);
    request.add_input (source, Language.AUTO);
    request.set_output (temp.build_path (output));
    return request;
}

bool compiler_runs (string source) throws GLib.Error {
    var proc = Dir.open ("/proc");
    string? name;
    while ((name = proc.read_name ()) != null) {
        uint8[] command;
        try {
            FileUtils.get_data ("/proc/%s/cmdline".printf (name), out command);
        } catch (FileError error) {
            continue;
        }
        for (var i = 0; i < command.length; i++) {
            if (command[i] == 0) {
                command[i] = ' ';
            }
        }
        command += 0;
        if (((string) command).contains (source)) {
            return true;
        }
    }
    return false;
}

async void compiles () throws GLib.Error {
    var source = write_file ("add.c", "int add (int a, int b) { return a + b; }\n");
    var request = request_for (source, "libadd.so", CompileKind.SHARED);
    var result = yield new Compiler (null).compile_async (request);
    assert_true (result.get_successful ());
    assert_true (FileUtils.test (result.get_output (), FileTest.IS_REGULAR));

    var symbols = yield cc_get_global_symbol_section_map_async (result.get_output ());
    assert_cmpstr (symbols["add"], CompareOperator.EQ, "T");
}

async void reads_a_diagnostic () throws GLib.Error {
    var source = write_file ("broken.c", "int f (void)\n{\n  return missing;\n}\n");
    var request = request_for (source, "broken.o", CompileKind.OBJECT);
    var result = yield new Compiler (null).compile_async (request);
    assert_false (result.get_successful ());

    var diagnostic = (Diagnostic) result.get_diagnostics ().get_item (0);
    assert_true (diagnostic.get_severity () == DiagnosticSeverity.ERROR);
    assert_cmpstr (diagnostic.get_file (), CompareOperator.EQ, source);
    assert_cmpuint (diagnostic.get_line (), CompareOperator.EQ, 3);
    assert_true (diagnostic.get_message ().contains ("missing"));

    try {
        result.check ();
        assert_not_reached ();
    } catch (Tvm.Error.COMPILE_FAILED error) {
        assert_true (error.message.contains ("missing"));
    }
}

async void cancels_a_compile () throws GLib.Error {
    var fifo = temp.build_path ("endless.h");
    assert_cmpint (Posix.mkfifo (fifo, 0600), CompareOperator.EQ, 0);
    var source = write_file ("endless.c", "#include \"%s\"\n".printf (fifo));
    var request = request_for (source, "endless.o", CompileKind.OBJECT);
    var cancellable = new Cancellable ();

    GLib.Error? thrown = null;
    SourceFunc resume = cancels_a_compile.callback;
    var waiting = false;
    var ended = false;
    new Compiler (null).compile_async.begin (request, cancellable, (object, result) => {
        try {
            ((Compiler) object).compile_async.end (result);
        } catch (GLib.Error error) {
            thrown = error;
        }
        ended = true;
        if (waiting) {
            resume ();
        }
    });

    // The open of the pipe ends when the compiler opens it too.
    var pipe = yield File.new_for_path (fifo).append_to_async (FileCreateFlags.NONE);
    assert_true (compiler_runs (source));
    cancellable.cancel ();
    if (!ended) {
        waiting = true;
        yield;
    }
    assert_true (thrown is IOError.CANCELLED);
    assert_false (compiler_runs (source));
    pipe.close ();
}

delegate void Begin (owned AsyncReadyCallback callback);

void wait_for (Begin begin, owned AsyncReadyCallback end) {
    var loop = new MainLoop ();
    AsyncResult? result = null;
    begin ((object, it) => {
        result = it;
        loop.quit ();
    });
    loop.run ();
    end (null, result);
}

int main (string[] args) {
    Test.init (ref args);
    try {
        temp = new TempDirectory (null);
    } catch (GLib.Error error) {
        GLib.error ("%s", error.message);
    }

    Test.add_func ("/vala/compiles", () => {
        wait_for ((callback) => compiles.begin ((owned) callback), (object, result) => {
            try {
                compiles.end (result);
            } catch (GLib.Error error) {
                assert_no_error (error);
            }
        });
    });
    Test.add_func ("/vala/reads-a-diagnostic", () => {
        wait_for ((callback) => reads_a_diagnostic.begin ((owned) callback), (object, result) => {
            try {
                reads_a_diagnostic.end (result);
            } catch (GLib.Error error) {
                assert_no_error (error);
            }
        });
    });
    Test.add_func ("/vala/cancels-a-compile", () => {
        wait_for ((callback) => cancels_a_compile.begin ((owned) callback), (object, result) => {
            try {
                cancels_a_compile.end (result);
            } catch (GLib.Error error) {
                assert_no_error (error);
            }
        });
    });

    var status = Test.run ();
    temp = null;
    return status;
}
