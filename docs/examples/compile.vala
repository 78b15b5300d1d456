// SPDX-License-Identifier: Apache-2.0
// Compiles a source file into a shared library: compile SOURCE OUTPUT
using Tvm;

async int compile_file (string source, string output) {
    var request = new CompileRequest (CompileKind.SHARED);
    request.add_input (source);
    request.set_output (output);
    request.set_timeout (60 * 1000);

    try {
        var result = yield new Compiler ().compile_async (request);
        var diagnostics = result.get_diagnostics ();
        for (uint i = 0; i < diagnostics.get_n_items (); i++) {
            stderr.printf ("%s\n", ((Diagnostic) diagnostics.get_item (i)).format ());
        }
        if (result.get_successful ()) {
            print ("made %s\n", result.get_output ());
        }
        return result.get_successful () ? 0 : 1;
    } catch (GLib.Error error) {
        stderr.printf ("%s\n", error.message);
        return 1;
    }
}

int main (string[] args) {
    if (args.length != 3) {
        stderr.printf ("usage: compile SOURCE OUTPUT\n");
        return 2;
    }

    var loop = new MainLoop ();
    var status = 1;
    compile_file.begin (args[1], args[2], (object, result) => {
        status = compile_file.end (result);
        loop.quit ();
    });
    loop.run ();
    return status;
}
