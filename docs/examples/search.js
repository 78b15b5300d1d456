// SPDX-License-Identifier: Apache-2.0
// Tries settings of a function in processes of their own: gjs -m search.js SETTING…
// Each is a number of iterations; the one that hangs, the one that fails and the one that ends its
// process stand for what a search meets.
import GLib from 'gi://GLib';
import System from 'system';
import TvmSupport from 'gi://TvmSupport?version=1';

// [example]
// Runs in a worker: it sees its arguments, and nothing of this file.
function measure(setting) {
    if (setting === 'hang') {
        for (;;)
            ;
    }
    if (setting === 'crash')
        imports.system.exit(3);
    const iterations = Number(setting);
    if (!(iterations > 0))
        throw new RangeError(`“${setting}” is no number of iterations`);

    const {GLib} = imports.gi;
    const values = new Float64Array(iterations);
    const start = GLib.get_monotonic_time();
    for (let i = 0; i < iterations; i++)
        values[i] = Math.sqrt(i);
    return {microseconds: GLib.get_monotonic_time() - start, values};
}

async function search(settings) {
    const pool = TvmSupport.PoolExecutor.new(TvmSupport.WorkerSpec.new_gjs());
    pool.set_timeout(1000);
    return TvmSupport.using(pool, async () => {
        let nFailed = 0;
        for await (const result of pool.map(measure, settings)) {
            const setting = settings[result.get_index()];
            try {
                const {microseconds, values} = result.unpack();
                print(`${setting}: ${values.length} values, the last is ${values.at(-1)}`);
                printerr(`${setting}: ${microseconds} µs`);
            } catch (error) {
                nFailed++;
                print(`${setting}: ${error.message}`);
                if (error.remoteStack)
                    printerr(error.remoteStack);
            }
        }
        return nFailed;
    });
}
// [example]

System.exit(await search(ARGV) === 0 ? 0 : 1);
