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

string module_path () {
    return Path.build_filename (Environment.get_variable ("G_TEST_BUILDDIR"), "worker-module.so");
}

async void runs_a_pool () throws GLib.Error {
    var pool = new PoolExecutor (new WorkerSpec.module (module_path ()), 2);
    var sum = yield pool.call_async ("add", new Variant ("(ii)", 1, 2));
    assert_cmpint (sum.get_int32 (), CompareOperator.EQ, 3);

    var n = 0;
    var iterator = pool.map_tasks (() => {
        return n == 20 ? null : new Tvm.Task ("add", new Variant ("(ii)", n++, 1));
    }, MapFlags.NONE);
    MapResult? result;
    var expected = 0;
    while ((result = yield iterator.next_async ()) != null) {
        assert_cmpint ((int) result.get_index (), CompareOperator.EQ, expected);
        assert_cmpint (result.get_value ().get_int32 (), CompareOperator.EQ, ++expected);
    }
    assert_cmpint (expected, CompareOperator.EQ, 20);

    var endless = new Tvm.Task ("spin_blocked", null);
    endless.set_timeout (20);
    var late = yield pool.submit_async (endless);
    assert_true (late.get_status () == StatusKind.TIMEOUT);
    yield pool.shutdown_async (ShutdownMode.DRAIN);
}

async void runs_a_worker () throws GLib.Error {
    var worker = new PopenWorker (new WorkerSpec.command ());
    worker.send (new Tvm.Task.command ({ "sh", "-c", "echo yes; exit 3" }));
    var result = yield worker.recv_async ();
    assert_cmpint (result.get_exit_status (), CompareOperator.EQ, 3);
    assert_true (result.get_stdout ().compare (new Bytes ("yes\n".data)) == 0);
    try {
        result.check ();
        assert_not_reached ();
    } catch (Tvm.Error.FAILED error) {
    }
    worker.kill ();
    assert_true (yield worker.join_async (-1));
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
    Test.add_func ("/vala/runs-a-pool", () => {
        wait_for ((callback) => runs_a_pool.begin ((owned) callback), (object, result) => {
            try {
                runs_a_pool.end (result);
            } catch (GLib.Error error) {
                assert_no_error (error);
            }
        });
    });
    Test.add_func ("/vala/runs-a-worker", () => {
        wait_for ((callback) => runs_a_worker.begin ((owned) callback), (object, result) => {
            try {
                runs_a_worker.end (result);
            } catch (GLib.Error error) {
                assert_no_error (error);
            }
        });
    });

    var status = Test.run ();
    temp = null;
    return status;
}
