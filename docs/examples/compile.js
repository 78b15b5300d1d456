// SPDX-License-Identifier: Apache-2.0
// Compiles a source file into a shared library: gjs -m compile.js SOURCE OUTPUT
import System from 'system';
import TvmSupport from 'gi://TvmSupport?version=1';

async function compileFile(source, output) {
    const request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.SHARED);
    request.add_input(source);
    request.set_output(output);
    request.set_timeout(60 * 1000);

    const result = await TvmSupport.Compiler.new().compile_async(request);
    for (const diagnostic of result.get_diagnostics())
        printerr(diagnostic.format());
    if (result.get_successful())
        print(`made ${result.get_output()}`);
    return result.get_successful() ? 0 : 1;
}

if (ARGV.length !== 2) {
    printerr('usage: compile.js SOURCE OUTPUT');
    System.exit(2);
}
try {
    System.exit(await compileFile(...ARGV));
} catch (error) {
    printerr(error.message);
    System.exit(1);
}
