// SPDX-License-Identifier: Apache-2.0
// Compiles kernels beside each other and runs them in other processes: kernels LOCK SOURCE…
//
// A source is in C and has a function `double kernel (void)`, which may well crash or not end.
using Tvm;

[CCode (has_target = false)]
delegate double Kernel ();

// Called in a worker. What a kernel breaks is the worker.
Variant run_kernel (Variant args, Cancellable? cancellable) throws GLib.Error {
    var library = Module.open (args.get_string (), ModuleFlags.LOCAL);
    void* symbol = null;
    if (library == null || !library.symbol ("kernel", out symbol)) {
        throw new IOError.NOT_FOUND ("%s", Module.error ());
    }
    var kernel = (Kernel) symbol;
    return kernel ();
}

ListModel make_requests (string[] sources, TempDirectory folder) throws GLib.Error {
    var requests = new GLib.ListStore (typeof (CompileRequest));
    for (var i = 0; i < sources.length; i++) {
        var request = new CompileRequest (CompileKind.SHARED) {
            output = folder.build_path (@"kernel-$i.so"),
            options = { "-O2", "-Wall" },
            timeout = 60 * 1000
        };
        request.add_input (sources[i]);
        requests.append (request);
    }
    return requests;
}

// Gives the names of the libraries, and null for what could not be compiled.
async string?[] compile (string[] sources, TempDirectory folder) throws GLib.Error {
    var compiler = new Compiler ();
    compiler.job_finished.connect ((request, result) => {
        stderr.printf ("%s: compiled in %.0f ms\n", request.dup_inputs ()[0],
                       result.elapsed / 1000.0);
    });

    string?[] libraries = {};
    var results = yield compiler.compile_all_async (make_requests (sources, folder));
    for (var i = 0; i < results.get_n_items (); i++) {
        var result = (CompileResult) results.get_item (i);
        for (var j = 0; j < result.diagnostics.get_n_items (); j++) {
            print ("%s\n", ((Diagnostic) result.diagnostics.get_item (j)).format ());
        }
        libraries += result.output;
        try {
            result.check ();
        } catch (Tvm.Error.COMPILE_FAILED error) {
            print ("%s: does not compile\n", sources[i]);
        } catch (GLib.Error error) {
            print ("%s: %s\n", sources[i], error.message);
        }
    }
    return libraries;
}

// Says whether the kernel gave a number.
async bool run (PoolExecutor pool, string source, string library) {
    try {
        var value = yield pool.call_async ("run_kernel", library);
        print ("%s: %g\n", source, value.get_double ());
        return true;
    } catch (Tvm.Error.TIMED_OUT error) {
        print ("%s: does not end\n", source);
    } catch (Tvm.Error.WORKER_DIED error) {
        print ("%s: crashed: %s\n", source, error.message);
    } catch (GLib.Error error) {
        print ("%s: %s\n", source, error.message);
    }
    return false;
}

async int compile_and_run (string lock_path, string[] sources) throws GLib.Error {
    // Whoever else measures on this machine would be in the way.
    var file_lock = new FileLock (lock_path);
    yield file_lock.acquire_async (60 * 1000);

    // Goes with the last reference, as everything below it.
    var folder = new TempDirectory ();
    var libraries = yield compile (sources, folder);

    var pool = new PoolExecutor (new WorkerSpec.self (), 1) { timeout = 500 };
    var n_failed = 0;
    for (var i = 0; i < sources.length; i++) {
        if (libraries[i] == null || !yield run (pool, sources[i], libraries[i])) {
            n_failed++;
        }
    }
    yield pool.shutdown_async ();
    file_lock.release ();
    return n_failed;
}

int main (string[] args) {
    // The workers are this program too: in a worker, the second line does not return.
    Tvm.worker_add_function ("run_kernel", run_kernel);
    Tvm.worker_main (args);
    Intl.setlocale ();

    if (args.length < 3) {
        stderr.printf ("usage: kernels LOCK SOURCE…\n");
        return 2;
    }

    var loop = new MainLoop ();
    var status = 1;
    compile_and_run.begin (args[1], args[2:args.length], (object, result) => {
        try {
            status = compile_and_run.end (result) == 0 ? 0 : 1;
        } catch (GLib.Error error) {
            stderr.printf ("%s\n", error.message);
        }
        loop.quit ();
    });
    loop.run ();
    return status;
}
