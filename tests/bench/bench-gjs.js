// SPDX-License-Identifier: Apache-2.0
// Functions in workers of GJS, next to what people write by hand: a child of gjs that reads and
// writes lines of JSON, with bytes in base 64. The child knows its function, has no time limit, and
// nobody looks after it. Prints a table.
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';
import TvmSupport from 'gi://TvmSupport?version=1';

Gio._promisify(Gio.DataInputStream.prototype, 'read_line_async', 'read_line_finish_utf8');

const N_CALLS = 1000;
const N_BYTES = 20 * 1000 * 1000;

const CHILD = `
const {Gio, GLib} = imports.gi;
const input = new Gio.DataInputStream({base_stream: Gio.UnixInputStream.new(0, false)});
const output = Gio.UnixOutputStream.new(1, false);
let line;
while (([line] = input.read_line_utf8(null))[0] !== null) {
    const {number, bytes} = JSON.parse(line);
    const answer = bytes ? {bytes: GLib.base64_encode(GLib.base64_decode(bytes))} : {number: number + 1};
    output.write_all(JSON.stringify(answer) + '\\n', null);
}`;

class Child {
    constructor() {
        const [gjs] = TvmSupport.WorkerSpec.new_gjs().dup_argv();
        this.process = Gio.Subprocess.new([gjs, '-c', CHILD],
            Gio.SubprocessFlags.STDIN_PIPE | Gio.SubprocessFlags.STDOUT_PIPE);
        this.input = new Gio.DataInputStream({base_stream: this.process.get_stdout_pipe()});
    }

    async call(request) {
        this.process.get_stdin_pipe().write_all(`${JSON.stringify(request)}\n`, null);
        const [line] = await this.input.read_line_async(GLib.PRIORITY_DEFAULT, null);
        return JSON.parse(line);
    }

    async echo(bytes) {
        return GLib.base64_decode((await this.call({bytes: GLib.base64_encode(bytes)})).bytes);
    }
}

async function measure(body) {
    const start = GLib.get_monotonic_time();
    await body();
    return GLib.get_monotonic_time() - start;
}

// Of a single one: the machine may have other things to do.
async function median(body) {
    const times = [];
    for (let i = 0; i < N_CALLS; i++)
        times.push(await measure(() => body(i)));
    return times.sort((a, b) => a - b)[N_CALLS / 2];
}

function report(what, ours, peer, unit, per = 1) {
    const show = value => value === null ? '-' : (value / per).toFixed(1);
    const ratio = peer === null ? '-' : (ours / peer).toFixed(2);
    print(`${what.padEnd(44)} ${show(ours).padStart(10)} ${show(peer).padStart(10)} ${unit} ` +
        `${ratio.padStart(7)}`);
}

print(`${''.padEnd(44)} ${'ours'.padStart(10)} ${'by hand'.padStart(10)}      ratio`);

let child, pool;
const increment = number => number + 1;
let peer = await measure(async () => {
    child = new Child();
    await child.call({number: 1});
});
let ours = await measure(async () => {
    pool = TvmSupport.PoolExecutor.new(TvmSupport.WorkerSpec.new_gjs(), 1);
    pool.set_timeout(60000);
    await pool.call_async(increment, [1]);
});
report('from nothing to the first result', ours, peer, 'ms', 1000);

peer = await median(number => child.call({number}));
ours = await median(number => pool.call_async(increment, [number]));
report('a call that is awaited, median', ours, peer, 'µs');

ours = await median(number => pool.call(increment, [number]));
report('a call that blocks, median', ours, null, 'µs');

ours = await measure(() => Promise.all(Array.from({length: N_CALLS},
    (_, i) => pool.call_async(increment, [i]))));
report('1000 calls at a time, each', ours, null, 'µs', N_CALLS);

const bytes = new Uint8Array(N_BYTES);
System.gc();
peer = await measure(() => child.echo(bytes));
System.gc();
ours = await measure(() => pool.call_async(it => it, [bytes]));
report('20 MB of bytes, there and back', ours, peer, 'ms', 1000);
System.exit(0);
