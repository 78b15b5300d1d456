// SPDX-License-Identifier: Apache-2.0
// Compiles with options, a time limit, a lock, and a way to cancel:
// gjs -m limits.js SOURCE OUTPUT
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';
import TvmSupport from 'gi://TvmSupport?version=1';

const SIGINT = 2;

async function compileFile(source, output) {
    const request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.SHARED);
    request.add_input(source);
    request.set_output(output);
    request.set_options(['-O2', '-Wall']);
    request.set_timeout(60 * 1000);

    // Ctrl-C kills the compiler and everything behind it.
    const cancellable = new Gio.Cancellable();
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, SIGINT, () => {
        cancellable.cancel();
        return GLib.SOURCE_CONTINUE;
    });

    // Whoever else makes this output waits until this program is done.
    const lock = TvmSupport.FileLock.new(`${output}.lock`);
    await lock.acquire_async(-1, cancellable);
    try {
        const result = await TvmSupport.Compiler.new().compile_async(request, cancellable);
        for (const diagnostic of result.get_diagnostics())
            printerr(diagnostic.format());
        if (result.get_timed_out())
            printerr('gave up after a minute');
        if (result.get_successful())
            print(`made ${result.get_output()}`);
        return result.get_successful() ? 0 : 1;
    } finally {
        lock.release();
    }
}

if (ARGV.length !== 2) {
    printerr('usage: limits.js SOURCE OUTPUT');
    System.exit(2);
}
try {
    System.exit(await compileFile(...ARGV));
} catch (error) {
    // After a cancel, this is Gio.IOErrorEnum.CANCELLED.
    printerr(error.message);
    System.exit(1);
}
