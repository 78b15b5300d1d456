// SPDX-License-Identifier: Apache-2.0
// Runs programs, one at a time, in an isolated worker
import GLib from 'gi://GLib';
import TvmSupport from 'gi://TvmSupport?version=1';

const MEMORY_LIMIT = 1024 * 1024 * 1024;

const decode = bytes => new TextDecoder().decode(bytes).trim();

// What the program printed, or why it did not get there
function interpret(result, timeoutMsec) {
    if (result.get_status() === TvmSupport.StatusKind.TIMEOUT)
        return {reason: 'Time limit', detail: `no end after ${timeoutMsec / 1000} s`};

    const signal = result.get_term_signal();
    if (signal !== 0)
        return {reason: 'Crashed', detail: GLib.strsignal(signal)};

    if (result.get_error() !== null)
        return {reason: 'Failed', detail: result.get_error().message};
    if (result.get_exit_status() !== 0) {
        const said = decode(result.get_stderr());
        return {reason: 'Wrong', detail: said || `exit status ${result.get_exit_status()}`};
    }
    try {
        // A kernel may print, too.
        return JSON.parse(decode(result.get_stdout()).split('\n').at(-1));
    } catch {
        return {reason: 'Failed', detail: 'It ended before it was measured'};
    }
}

export class Measurer {
    constructor() {
        const spec = TvmSupport.WorkerSpec.new_command();
        spec.set_address_space_limit(MEMORY_LIMIT);
        // Two at a time would measure each other.
        this._pool = TvmSupport.PoolExecutor.new(spec, 1);
    }

    /** Resolves to {milliseconds, gflops}, or to {reason, detail} if there are no figures. */
    async measure(program, timeoutMsec, cancellable = null) {
        const task = TvmSupport.Task.new_command([program]);
        task.set_timeout(timeoutMsec);
        return interpret(await this._pool.submit_async(task, cancellable), timeoutMsec);
    }

    async close() {
        await this._pool.shutdown_async(TvmSupport.ShutdownMode.CANCEL);
    }
}
