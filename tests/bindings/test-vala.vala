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
    request.add_input (source);
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
    var result = yield new Compiler ().compile_async (request);
    assert_true (result.get_successful ());
    assert_true (FileUtils.test (result.get_output (), FileTest.IS_REGULAR));

    var symbols = yield cc_get_global_symbol_section_map_async (result.get_output ());
    assert_cmpstr (symbols["add"], CompareOperator.EQ, "T");
}

async void reads_a_diagnostic () throws GLib.Error {
    var source = write_file ("broken.c", "int f (void)\n{\n  return missing;\n}\n");
    var request = request_for (source, "broken.o", CompileKind.OBJECT);
    var result = yield new Compiler ().compile_async (request);
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
    new Compiler ().compile_async.begin (request, cancellable, (object, result) => {
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

string built_file (string name) {
    return Path.build_filename (Environment.get_variable ("G_TEST_BUILDDIR"), name);
}

async void runs_a_pool () throws GLib.Error {
    var pool = new PoolExecutor (new WorkerSpec.module (built_file ("worker-module.so")), 2);
    var sum = yield pool.call_async ("add", new Variant ("(ii)", 1, 2));
    assert_cmpint (sum.get_int32 (), CompareOperator.EQ, 3);

    var n = 0;
    var iterator = pool.map_tasks (() => {
        return n == 20 ? null : new Tvm.Task ("add", new Variant ("(ii)", n++, 1));
    });
    MapResult? result;
    var expected = 0;
    while ((result = yield iterator.next_async ()) != null) {
        assert_cmpint ((int) result.get_index (), CompareOperator.EQ, expected);
        assert_cmpint (result.get_value ().get_int32 (), CompareOperator.EQ, ++expected);
    }
    assert_cmpint (expected, CompareOperator.EQ, 20);

    var endless = new Tvm.Task ("spin_blocked");
    endless.set_timeout (20);
    var late = yield pool.submit_async (endless);
    assert_true (late.get_status () == StatusKind.TIMEOUT);
    yield pool.shutdown_async ();
}

async void runs_a_module_in_vala () throws GLib.Error {
    var module = built_file (Path.build_filename ("bindings", "vala-worker-module.so"));
    var pool = new PoolExecutor (new WorkerSpec.module (module), 1);
    var sum = yield pool.call_async ("vala_add", new Variant ("(ii)", 1, 2));
    assert_cmpint (sum.get_int32 (), CompareOperator.EQ, 3);

    var table = new VariantDict ();
    table.insert ("one", "i", 1);
    var keys = yield pool.call_async ("vala_keys", table.end ());
    assert_cmpstrv (keys.get_strv (), { "one" });

    var failed = yield pool.submit_async (new Tvm.Task ("vala_fail", "this"));
    assert_true (failed.get_error () is Tvm.Error.TASK_FAILED);
    assert_true (failed.get_error ().message.contains ("cannot do “this”"));
    assert_cmpstr (failed.get_remote_type (), CompareOperator.EQ, "g-io-error-quark:15");

    var patient = new Tvm.Task ("vala_wait");
    patient.set_soft_timeout (10);
    var stopped = yield pool.submit_async (patient);
    assert_no_error (stopped.get_error ());
    assert_true (stopped.get_value ().get_boolean ());
    yield pool.shutdown_async ();
}

// What main() adds with a closure, the workers have too, as they are this program.
async void runs_itself () throws GLib.Error {
    var pool = new PoolExecutor (new WorkerSpec.self (), 2);
    for (var i = 0; i < 4; i++) {
        var sum = yield pool.call_async ("add_offset", i);
        assert_cmpint (sum.get_int32 (), CompareOperator.EQ, OFFSET + i);
    }

    var crash = yield pool.submit_async (new Tvm.Task ("crash"));
    assert_true (crash.get_status () == StatusKind.EXCEPTION);
    assert_true (crash.get_error () is Tvm.Error.WORKER_DIED);
    yield pool.shutdown_async (ShutdownMode.CANCEL);
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
    assert_true (yield worker.join_async ());
}

// A compiler of one's own: what it adds to the command line is what the compiler gets.
class DefiningCompiler : Compiler {
    public int n_compiles;

    public override async CompileResult compile_async (CompileRequest request,
                                                       Cancellable? cancellable = null)
        throws GLib.Error {
        n_compiles++;
        return yield base.compile_async (request, cancellable);
    }

    public override string[] build_argv (Toolchain toolchain, CompileRequest request) throws GLib.Error {
        var argv = base.build_argv (toolchain, request);
        if (request.get_arch () != null) {
            throw new Tvm.Error.UNSUPPORTED ("no “%s” here", request.get_arch ());
        }
        argv += "-DVALUE=7";
        return argv;
    }
}

async void derives_a_compiler () throws GLib.Error {
    var source = write_file ("value.c", "int value (void) { return VALUE; }\n");
    var request = request_for (source, "value.o", CompileKind.OBJECT);
    var compiler = new DefiningCompiler ();
    var result = yield compiler.compile_async (request);
    assert_true (result.check ());
    assert_true ("-DVALUE=7" in result.dup_argv ());

    request.arch = "sm_90";
    result = yield compiler.compile_async (request);
    assert_false (result.successful);
    try {
        result.check ();
        assert_not_reached ();
    } catch (Tvm.Error.UNSUPPORTED error) {
        assert_cmpstr (error.message, CompareOperator.EQ, "no “sm_90” here");
    }
    assert_cmpint (compiler.n_compiles, CompareOperator.EQ, 2);
}

async void compiles_many () throws GLib.Error {
    var requests = new GLib.ListStore (typeof (CompileRequest));
    for (var i = 0; i < 4; i++) {
        var source = write_file (@"many-$i.c", i == 2 ? "int broken\n" : @"int value_$i = $i;\n");
        requests.append (request_for (source, @"many-$i.o", CompileKind.OBJECT));
    }

    var compiler = new Compiler () { max_jobs = 2 };
    uint n_done = 0;
    compiler.job_finished.connect ((request, result) => {
        n_done++;
        assert_cmpstr (result.output, CompareOperator.EQ,
                       result.successful ? request.output : null);
    });
    var results = yield compiler.compile_all_async (requests);
    assert_cmpuint (n_done, CompareOperator.EQ, 4);
    for (var i = 0; i < 4; i++) {
        assert_true (((CompileResult) results.get_item (i)).get_successful () == (i != 2));
    }
}

async void locks () throws GLib.Error {
    var path = temp.build_path ("lock");
    var first = new FileLock (path);
    var second = new FileLock (path);
    yield first.acquire_async ();
    assert_true (first.get_held ());

    try {
        yield second.acquire_async (0);
        assert_not_reached ();
    } catch (Tvm.Error.TIMED_OUT error) {
        assert_true (error.message.contains (path));
    }

    GLib.Error? thrown = null;
    var begun = new Cancellable ();
    second.acquire_async.begin (-1, null, (object, result) => {
        try {
            second.acquire_async.end (result);
        } catch (GLib.Error error) {
            thrown = error;
        }
        locks.callback ();
    });
    first.release ();
    yield;
    assert_no_error (thrown);
    assert_true (second.get_held ());

    try {
        begun.cancel ();
        yield first.acquire_async (-1, begun);
        assert_not_reached ();
    } catch (IOError.CANCELLED error) {
    }
}

async void keeps_nothing () throws GLib.Error {
    var folder = new TempDirectory ();
    var path = folder.get_path ();
    FileUtils.set_contents (folder.build_path ("file"), "text");
    assert_cmpstrv (folder.list (), { "file" });
    yield folder.remove_async ();
    assert_false (FileUtils.test (path, FileTest.EXISTS));

    folder = new TempDirectory ();
    path = folder.get_path ();
    folder = null;
    assert_false (FileUtils.test (path, FileTest.EXISTS));
}

const int OFFSET = 100;

delegate void Begin (owned AsyncReadyCallback callback);
delegate void End (AsyncResult result) throws GLib.Error;

// Waits for what begin() starts; what end() throws is a failure.
void add_test (string name, owned Begin begin, owned End end) {
    Test.add_data_func ("/vala/" + name, () => {
        var loop = new MainLoop ();
        AsyncResult? result = null;
        begin ((object, it) => {
            result = it;
            loop.quit ();
        });
        loop.run ();
        try {
            end (result);
        } catch (GLib.Error error) {
            assert_no_error (error);
        }
    });
}

int main (string[] args) {
    var offset = OFFSET;
    Tvm.worker_add_function ("add_offset", (args, cancellable) => offset + args.get_int32 ());
    Tvm.worker_add_function ("crash", () => { Process.abort (); });
    Tvm.worker_main (args);

    Test.init (ref args);
    try {
        temp = new TempDirectory ();
    } catch (GLib.Error error) {
        GLib.error ("%s", error.message);
    }

    add_test ("compiles", (it) => compiles.begin ((owned) it), (it) => compiles.end (it));
    add_test ("compiles-many",
              (it) => compiles_many.begin ((owned) it), (it) => compiles_many.end (it));
    add_test ("derives-a-compiler",
              (it) => derives_a_compiler.begin ((owned) it), (it) => derives_a_compiler.end (it));
    add_test ("reads-a-diagnostic",
              (it) => reads_a_diagnostic.begin ((owned) it), (it) => reads_a_diagnostic.end (it));
    add_test ("cancels-a-compile",
              (it) => cancels_a_compile.begin ((owned) it), (it) => cancels_a_compile.end (it));
    add_test ("runs-a-pool", (it) => runs_a_pool.begin ((owned) it), (it) => runs_a_pool.end (it));
    add_test ("runs-a-module-in-vala", (it) => runs_a_module_in_vala.begin ((owned) it),
              (it) => runs_a_module_in_vala.end (it));
    add_test ("runs-itself", (it) => runs_itself.begin ((owned) it), (it) => runs_itself.end (it));
    add_test ("runs-a-worker",
              (it) => runs_a_worker.begin ((owned) it), (it) => runs_a_worker.end (it));
    add_test ("locks", (it) => locks.begin ((owned) it), (it) => locks.end (it));
    add_test ("keeps-nothing",
              (it) => keeps_nothing.begin ((owned) it), (it) => keeps_nothing.end (it));

    var status = Test.run ();
    temp = null;
    return status;
}
