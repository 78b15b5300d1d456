// SPDX-License-Identifier: Apache-2.0
// Pools and workers from JavaScript, with what overrides/TvmSupport.js adds.
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import TvmSupport from 'gi://TvmSupport?version=1';

import {assert, assertEqual, assertRejects, run} from './tap.js';

const MODULE = GLib.build_filenamev([GLib.getenv('G_TEST_BUILDDIR'), 'worker-module.so']);
const {MapFlags, StatusKind, Task} = TvmSupport;

const spec = () => TvmSupport.WorkerSpec.new_module(MODULE);
const ints = (...values) => new GLib.Variant(`(${'i'.repeat(values.length)})`, values);
const value = result => result.get_value().deepUnpack();
const lives = pid => GLib.file_test(`/proc/${pid}`, GLib.FileTest.EXISTS);

async function withPool(body, maxWorkers = 2) {
    const pool = TvmSupport.PoolExecutor.new(spec(), maxWorkers);
    try {
        await body(pool);
    } finally {
        await pool.shutdown_async(TvmSupport.ShutdownMode.CANCEL);
    }
}

await run({
    'calls functions': () => withPool(async pool => {
        assertEqual(pool.call('add', ints(1, 2)).deepUnpack(), 3);
        const calls = Array.from({length: 20}, (_, i) => pool.call_async('add', ints(i, i)));
        const values = (await Promise.all(calls)).map(it => it.deepUnpack());
        assertEqual(values, values.map((_, i) => 2 * i));
        await assertRejects(pool.call_async('fail', new GLib.Variant('(s)', ['no luck'])),
            TvmSupport.error_quark(), TvmSupport.Error.TASK_FAILED);
    }),

    'unpacks results': () => withPool(async pool => {
        assertEqual((await pool.submit_async(Task.new('add', ints(1, 2)))).unpack(), 3);
        for (const result of pool.map('echo', [ints(4, 5)]))
            assertEqual(result.unpack(), [4, 5]);
        const failed = await pool.submit_async(Task.new('fail', new GLib.Variant('(s)', ['no luck'])));
        let thrown = null;
        try {
            failed.unpack();
        } catch (error) {
            thrown = error;
        }
        assert(thrown.matches(TvmSupport.Error, TvmSupport.Error.TASK_FAILED));
        assert(thrown.result === failed);
    }),

    'kills at the time limit': () => withPool(async pool => {
        const task = Task.new('spin_blocked');
        task.set_timeout(20);
        const result = await pool.submit_async(task);
        assertEqual(result.get_status(), StatusKind.TIMEOUT);
        assert(result.get_error().matches(TvmSupport.error_quark(), TvmSupport.Error.TIMED_OUT));
    }),

    'cancels': () => withPool(async pool => {
        const cancellable = new Gio.Cancellable();
        const call = pool.call_async('spin', null, cancellable);
        cancellable.cancel();
        await assertRejects(call, Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED);
        assertEqual((await pool.call_async('add', ints(1, 1))).deepUnpack(), 2);
    }),

    'maps an array': () => withPool(async pool => {
        const items = Array.from({length: 100}, (_, i) => ints(i, 1));
        assertEqual([...pool.map('add', items)].map(value), items.map((_, i) => i + 1));
        const seen = [];
        for await (const result of pool.map('add', items, MapFlags.UNORDERED))
            seen.push(value(result));
        assertEqual(seen.sort((a, b) => a - b), items.map((_, i) => i + 1));
    }),

    'maps what never ends': () => withPool(async pool => {
        let drawn = 0;
        const endless = (function* () {
            for (;;)
                yield ints(drawn++);
        })();
        const iterator = pool.map('echo', endless);
        iterator.set_look_ahead(3);
        let taken = 0;
        for await (const result of iterator) {
            assertEqual(value(result), [taken]);
            if (++taken === 10)
                break;
        }
        assert(drawn <= 13, `${drawn}`);
        assert(iterator.next() === null);
    }),

    'maps tasks, good and bad': () => withPool(async pool => {
        const tasks = [
            Task.new('add', ints(1, 2)),
            Task.new('crash'),
            Task.new_command(['true']),
            Task.new('add', ints(3, 4)),
        ];
        const errors = [...pool.map_tasks(tasks)].map(it => it.get_error() !== null);
        assertEqual(errors, [false, true, true, false]);

        const left = tasks.slice(0, 1);
        assertEqual([...pool.map_tasks(() => left.pop() ?? null)].map(value), [3]);
    }),

    'throws what the input of a map throws': () => withPool(async pool => {
        const tasks = (function* () {
            yield Task.new('add', ints(1, 2));
            throw new RangeError('no more');
        })();
        const got = [];
        let thrown = null;
        try {
            for await (const result of pool.map_tasks(tasks))
                got.push(value(result));
        } catch (error) {
            thrown = error;
        }
        assertEqual(got, [3]);
        assert(thrown instanceof RangeError, `${thrown}`);
    }),

    'notifies': () => withPool(async pool => {
        let notified = 0;
        pool.connect('notify::n-finished', () => notified++);
        await pool.call_async('add', ints(1, 2));
        while (notified === 0)
            await new Promise(resolve => GLib.timeout_add(0, 1, () => resolve() ?? false));
        assertEqual(pool.n_finished, 1);
    }),

    'sends and receives': async () => {
        const worker = TvmSupport.PopenWorker.new(spec());
        for (let i = 0; i < 3; i++)
            worker.send(Task.new('add', ints(i, 1)));
        const results = [];
        for (let i = 0; i < 3; i++)
            results.push(value(await worker.recv_async()));
        assertEqual(results, [1, 2, 3]);
        await assertRejects(worker.recv_async(), TvmSupport.error_quark(),
            TvmSupport.Error.INVALID_ARGUMENT);

        const pid = worker.get_pid();
        assert(worker.alive && lives(pid));
        worker.send(Task.new('spin_blocked'));
        worker.kill();
        assertEqual(worker.recv().get_status(), StatusKind.EXCEPTION);
        assert(await worker.join_async());
        assert(!lives(pid));
    },
});
