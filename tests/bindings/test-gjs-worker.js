// SPDX-License-Identifier: Apache-2.0
// Functions of JavaScript in workers of GJS
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';
import TvmSupport from 'gi://TvmSupport?version=1';

import {assert, assertEqual, assertRejects, run} from './tap.js';

const {MapFlags, StatusKind, Task, WorkerOutput} = TvmSupport;
const MODULE = import.meta.url.replace(/[^/]*$/, 'gjs-tasks.js');
const lives = pid => GLib.file_test(`/proc/${pid}`, GLib.FileTest.EXISTS);
const pidOf = () => Number(imports.gi.GLib.file_read_link('/proc/self'));

async function withPool(body, adjust = () => {}, maxWorkers = 2) {
    const spec = TvmSupport.WorkerSpec.new_gjs();
    adjust(spec);
    const pool = TvmSupport.PoolExecutor.new(spec, maxWorkers);
    try {
        await body(pool);
    } finally {
        await pool.shutdown_async(TvmSupport.ShutdownMode.CANCEL);
    }
}

async function caught(promise) {
    try {
        await promise;
    } catch (error) {
        return error;
    }
    throw new Error('nothing was thrown');
}

const decode = bytes => new TextDecoder().decode(bytes);

await run({
    'calls functions of every form': () => withPool(async pool => {
        function sum(...numbers) {
            return numbers.reduce((a, b) => a + b, 0);
        }
        const {method, asyncMethod, 'a name': named} = {
            method(a) {
                return a + 1;
            },
            async asyncMethod(a) {
                return a + 2;
            },
            'a name'(a) {
                return a + 3;
            },
        };
        assertEqual(await pool.call_async(sum, [1, 2, 3]), 6);
        assertEqual(await pool.call_async(a => a * 2, [4]), 8);
        assertEqual(await pool.call_async(async a => a, [5]), 5);
        assertEqual(await pool.call_async(method, [1]), 2);
        assertEqual(await pool.call_async(asyncMethod, [1]), 3);
        assertEqual(await pool.call_async(named, [1]), 4);
        assertEqual(await pool.call_async(() => undefined), undefined);
        assertEqual(pool.call(sum, [1, 2]), 3);
    }),

    'calls what a module exports': () => withPool(async pool => {
        const add = {module: MODULE, name: 'addLater'};
        assertEqual(await pool.call_async(add, [1, 2]), 3);
        assertEqual(await pool.call_async({module: MODULE}, ['a']), 'A');
        const file = Gio.File.new_for_uri(MODULE);
        assertEqual(await pool.call_async({module: file, name: 'addLater'}, [1, 4]), 5);
        assertEqual(await pool.call_async({module: file.get_path()}, ['b']), 'B');
        const counts = [];
        for (let i = 0; i < 3; i++)
            counts.push(await pool.call_async({module: MODULE, name: 'count'}));
        assertEqual(counts, [1, 2, 3]);

        const missing = await caught(pool.call_async({module: MODULE, name: 'nothing'}));
        assert(missing instanceof ReferenceError && missing.message.includes('nothing'));
        assert(await caught(pool.call_async({module: MODULE, name: 'number'})));
        assertEqual(Task.new_gjs(add).dup_description(), 'gjs-tasks.js: addLater');
        assert((await caught(pool.call_async({module: 'file:///no/such.js'}))).message.includes('such'));
    }, undefined, 1),

    'sends values of many types': () => withPool(async pool => {
        const echo = async value => pool.call_async(it => it, [value]);
        for (const value of [null, true, 'a “text”', 1.5, [1, [2, {a: [3]}]], {}, {$: 1, b: {$: [2]}},
            {a: {b: {c: null}}}, [[]], '']) {
            assertEqual(await echo(value), value);
            assert(typeof await echo(value) === typeof value);
        }
        for (const value of [undefined, NaN, Infinity, -Infinity, -0, 12345678901234567890n])
            assert(Object.is(await echo(value), value), `${value}`);
        const {list, map, set, date} = await echo({
            list: [undefined, 1], map: new Map([['a', new Set([1])]]), set: new Set([NaN]),
            date: new Date(5),
        });
        assert(list.length === 2 && list[0] === undefined);
        assert(map.get('a').has(1) && set.has(NaN) && date.getTime() === 5);
        const error = await echo(new RangeError('as a value'));
        assert(error instanceof RangeError && error.message === 'as a value');
        const [tricky] = await echo([JSON.parse('{"__proto__": {"a": [1]}}')]);
        assertEqual(Object.keys(tricky), ['__proto__']);
        assert(tricky.a === undefined);
    }),

    'refuses a callback': () => withPool(async pool => {
        const error = await caught((async () => pool.call_async(() => 1, [], null, () => {}))());
        assert(error instanceof TypeError && error.message.includes('promise'), `${error}`);
    }),

    'refuses what cannot be sent': () => withPool(async pool => {
        const cycle = {};
        cycle.cycle = cycle;
        for (const value of [() => 1, Symbol('a'), Promise.resolve(1), new Gio.Cancellable(),
            new GLib.Variant('s', 'a'), cycle, [{a: () => 1}], /a/, new WeakMap(),
            (function* () {})()]) {
            let thrown = null;
            try {
                Task.new_gjs(it => it, [value]);
            } catch (error) {
                thrown = error;
            }
            assert(thrown instanceof TypeError, `${thrown}`);
        }
        let thrown = null;
        try {
            Task.new_gjs(it => it, 5);
        } catch (error) {
            ({message: thrown} = error);
        }
        assertEqual(thrown, 'The arguments of a function go in an array');
        for (const func of [Math.max, (() => 1).bind(null), Gio.File.new_for_path, null, {}]) {
            let thrown = null;
            try {
                Task.new_gjs(func);
            } catch (error) {
                thrown = error;
            }
            assert(thrown instanceof TypeError, `${func} ${thrown}`);
        }
        const back = await caught(pool.call_async(() => ({f: () => 1})));
        assert(back instanceof TypeError && back.message.includes('function'));
        assertEqual(await pool.call_async(() => 1), 1);
    }),

    'sends bytes': () => withPool(async pool => {
        const bytes = Uint8Array.from({length: 1000}, (_, i) => i);
        const floats = Float64Array.of(0.5, -0, NaN);
        const part = bytes.subarray(3, 10);
        const got = await pool.call_async((...args) => args, [bytes, floats, part, new Uint8Array()]);
        assert(got[0] instanceof Uint8Array && got[1] instanceof Float64Array);
        assertEqual([...got[0]], [...bytes]);
        assert(Object.is(got[1][1], -0));
        assertEqual([...got[2]], [...part]);
        assertEqual(got[3].length, 0);
        const sum = await pool.call_async(({data}) => {
            let total = 0;
            for (const byte of new Uint8Array(data))
                total += byte;
            return total;
        }, [{data: Uint8Array.of(1, 2, 3).buffer}]);
        assertEqual(sum, 6);
        const kind = await pool.call_async(it => it.constructor.name, [new GLib.Bytes([1, 2])]);
        assertEqual(kind, 'Uint8Array');

        const large = new Uint8Array(5000001);
        large[5000000] = 7;
        const answer = await pool.call_async(it => [it.length, it], [large]);
        assertEqual([answer[0], answer[1].length, answer[1][5000000]], [5000001, 5000001, 7]);
        const both = await pool.call_async((a, b) => [b, a], [large, floats]);
        assertEqual([both[1].length, both[0][0], both[1][5000000]], [5000001, 0.5, 7]);
        // As docs/javascript.md says of large arrays
        System.gc();
    }),

    'throws what the function threw': () => withPool(async pool => {
        const error = await caught(pool.call_async(function outer() {
            const inner = () => null.property;
            inner();
        }));
        assert(error instanceof TypeError);
        assertEqual(error.remoteStack.split('\n').map(line => line.replace(/@.*\//, '@')),
            ['inner@outer:2:33', 'outer@outer:3:13']);
        assert(error.stack.startsWith(error.remoteStack) && error.stack.includes('runtime.js'));
        assertEqual(error.result.get_status(), StatusKind.EXCEPTION);
        assertEqual(error.result.get_remote_type(), 'TypeError');
        assertEqual(error.result.get_traceback(), error.remoteStack);

        const far = await caught(pool.call_async({module: MODULE, name: 'fail'}, ['too far']));
        assert(far instanceof RangeError && far.message === 'too far');
        assert(far.remoteStack.includes('gjs-tasks.js'), far.remoteStack);

        const custom = await caught(pool.call_async(async () => {
            class KernelError extends Error {
                name = 'KernelError';
            }
            const cause = new Error('the cause');
            throw Object.assign(new KernelError('wrong', {cause}), {kernel: 5, unsent: () => 1});
        }));
        assertEqual([custom.name, custom.message, custom.kernel], ['KernelError', 'wrong', 5]);
        assertEqual(custom.cause.message, 'the cause');

        const ofGio = await caught(pool.call_async(() => {
            imports.gi.Gio.File.new_for_path('/no/such/file').load_contents(null);
        }));
        assert(ofGio.matches(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND), `${ofGio}`);
        assert(ofGio.result.get_remote_type().startsWith('g-io-error-quark:'));

        const text = await caught(pool.call_async(() => {
            throw 'a text';
        }));
        assertEqual(text, 'a text');
        const frozen = await caught(pool.call_async(() => {
            throw Object.freeze(new RangeError('frozen'));
        }));
        assert(frozen instanceof RangeError && frozen.message === 'frozen');
        const unreadable = await caught(pool.call_async(() => {
            throw Object.defineProperty(new Error(), 'message', {
                get: () => {
                    throw new Error('not readable');
                },
            });
        }));
        assert(unreadable.matches(TvmSupport.Error, TvmSupport.Error.TASK_FAILED), `${unreadable}`);
        assert(unreadable.message.includes('cannot be read'), unreadable.message);
        const syntax = await caught(pool.call_async(Object.assign(() => 1, {
            toString: () => 'not used',
        })).then(() => pool.call_async(() => eval('a b'))));
        assert(syntax instanceof SyntaxError);
    }),

    'names what a function closes over': () => withPool(async pool => {
        const outside = 1;
        const error = await caught(pool.call_async(() => outside + 1));
        assert(error instanceof ReferenceError && error.message.includes('outside'));
    }),

    'awaits what is asynchronous': () => withPool(async pool => {
        const contents = await pool.call_async(async path => {
            const {default: Gio} = await import('gi://Gio');
            Gio._promisify(Gio.File.prototype, 'load_contents_async', 'load_contents_finish');
            const [bytes] = await Gio.File.new_for_path(path).load_contents_async(null);
            return new TextDecoder().decode(bytes).length > 0;
        }, ['/proc/self/status']);
        assertEqual(contents, true);
        const rejected = await caught(pool.call_async(async () => {
            await null;
            throw new RangeError('later');
        }));
        assert(rejected instanceof RangeError && rejected.message === 'later');
    }),

    'runs an initializer in every worker': () => withPool(async pool => {
        const pids = new Set();
        while (pids.size < 2) {
            const {pid, size} = await pool.call_async(() => {
                const GLib = imports.gi.GLib;
                return {pid: GLib.file_read_link('/proc/self'), size: globalThis.size};
            });
            assertEqual(size, 1024);
            pids.add(pid);
        }
    }, spec => {
        spec.set_maximum_uses(1);
        spec.set_initializer(Task.new_gjs(async size => {
            await null;
            globalThis.size = size;
        }, [1024]));
    }),

    'fails with its initializer': () => withPool(async pool => {
        const error = await caught(pool.call_async(() => 1));
        assert(error.matches(TvmSupport.Error, TvmSupport.Error.WORKER_DIED));
        assert(error.message.includes('no such device'), error.message);
        assert(error.cause instanceof RangeError && error.cause.message === 'no such device');
        assert(error.cause.remoteStack.includes('prepare'), error.cause.remoteStack);
    }, spec => {
        spec.set_respawn_limit(2);
        spec.set_initializer(Task.new_gjs(function prepare() {
            throw new RangeError('no such device');
        }));
    }),

    'kills an endless loop': () => withPool(async pool => {
        const task = Task.new_gjs(() => {
            for (;;)
                ;
        });
        task.set_timeout(50);
        const result = await pool.submit_async(task);
        assertEqual(result.get_status(), StatusKind.TIMEOUT);
        const error = await caught((async () => result.unpack())());
        assert(error.matches(TvmSupport.Error, TvmSupport.Error.TIMED_OUT));
        assert(error.result === result);
        assert(error.message.includes('“() => {”'), error.message);
        assertEqual(await pool.call_async(() => 2), 2);
        await pool.shutdown_async();
        assert(!lives(result.get_worker_pid()));
    }),

    'kills what awaits for ever': () => withPool(async pool => {
        const task = Task.new_gjs(() => new Promise(() => {}));
        task.set_timeout(50);
        assertEqual((await pool.submit_async(task)).get_status(), StatusKind.TIMEOUT);
    }),

    'asks a task to end first': () => withPool(async pool => {
        const task = Task.new_gjs(() => {
            while (!worker.cancellable.is_cancelled())
                imports.gi.GLib.usleep(1000);
            return 'as asked';
        });
        task.set_soft_timeout(20);
        assertEqual((await pool.submit_async(task)).unpack(), 'as asked');
        assertEqual(await pool.call_async(() => worker.cancellable), null);
    }),

    'cancels': () => withPool(async pool => {
        const cancellable = new Gio.Cancellable();
        const call = pool.call_async(() => {
            for (;;)
                ;
        }, [], cancellable);
        cancellable.cancel();
        await assertRejects(call, Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED);
        assertEqual(await pool.call_async(() => 3), 3);
    }),

    'survives the death of a worker': () => withPool(async pool => {
        for (const death of [() => imports.system.exit(3),
            () => imports.gi.GLib.spawn_command_line_sync(
                `kill -ABRT ${imports.gi.GLib.file_read_link('/proc/self')}`)]) {
            const error = await caught(pool.call_async(death));
            assert(error.matches(TvmSupport.Error, TvmSupport.Error.WORKER_DIED), `${error}`);
            assert(error.result.get_exit_status() === 3 || error.result.get_term_signal() === 6,
                `${error.result.get_exit_status()} ${error.result.get_term_signal()}`);
            assertEqual(await pool.call_async(() => 4), 4);
        }
    }),

    'recycles workers': () => withPool(async pool => {
        const pids = [];
        for (let i = 0; i < 4; i++)
            pids.push(await pool.call_async(pidOf));
        assertEqual(new Set(pids).size, 4);
    }, spec => spec.set_maximum_uses(1), 1),

    'keeps what workers print apart': async () => {
        const stdout = Gio.MemoryOutputStream.new_resizable();
        const stderr = Gio.MemoryOutputStream.new_resizable();
        await withPool(async pool => {
            for (let i = 0; i < 3; i++) {
                assertEqual(await pool.call_async(number => {
                    print(`printed ${number}`);
                    printerr(`complained ${number}`);
                    console.log(`logged ${number}`);
                    return number;
                }, [i]), i);
            }
        }, spec => {
            spec.set_stdout_mode(WorkerOutput.STREAM);
            spec.set_stdout_stream(stdout);
            spec.set_stderr_mode(WorkerOutput.STREAM);
            spec.set_stderr_stream(stderr);
        }, 1);
        for (const stream of [stdout, stderr])
            stream.close(null);
        const printed = decode(stdout.steal_as_bytes().toArray());
        assertEqual(printed.match(/printed \d/g), ['printed 0', 'printed 1', 'printed 2']);
        assert(decode(stderr.steal_as_bytes().toArray()).includes('complained 2'));
    },

    'maps': () => withPool(async pool => {
        const squares = [];
        for await (const result of pool.map(x => x * x, [1, 2, 3]))
            squares.push(result.unpack());
        assertEqual(squares, [1, 4, 9]);

        const endless = (function* () {
            for (let i = 0; ; i++)
                yield i;
        })();
        const seen = [];
        for await (const result of pool.map({module: MODULE}, (function* () {
            for (const i of endless)
                yield `a${i}`;
        })(), MapFlags.UNORDERED)) {
            if (seen.push(result.unpack()) === 5)
                break;
        }
        assert(seen.every(text => /^A\d+$/.test(text)));

        const outcomes = [];
        for await (const result of pool.map(x => {
            if (x === 1)
                throw new RangeError('one');
            return x;
        }, new Set([0, 1, 2]))) {
            try {
                outcomes.push(result.unpack());
            } catch (error) {
                outcomes.push(error.message);
            }
        }
        assertEqual(outcomes, [0, 'one', 2]);
    }),

    'sends to a worker of its own': async () => {
        const own = TvmSupport.PopenWorker.new(TvmSupport.WorkerSpec.new_gjs());
        own.send(Task.new_gjs(pidOf));
        const pid = (await own.recv_async()).unpack();
        assertEqual(own.get_pid(), pid);
        own.kill();
        await own.join_async();
        assert(!lives(pid));
    },

    'calls many at a time': () => withPool(async pool => {
        const calls = Array.from({length: 200}, (_, i) => pool.call_async(x => x + 1, [i]));
        assertEqual(await Promise.all(calls), Array.from({length: 200}, (_, i) => i + 1));
    }),

    'leaves nothing when the program ends': async () => {
        const program = `
            imports.gi.versions.TvmSupport = '1';
            const {GLib, TvmSupport} = imports.gi;
            const pool = TvmSupport.PoolExecutor.new(TvmSupport.WorkerSpec.new_gjs(), 1);
            print(pool.call(() => Number(imports.gi.GLib.file_read_link('/proc/self'))));
            pool.call_async(() => {
                for (;;)
                    ;
            });
            imports.system.exit(0);`;
        const [gjs] = TvmSupport.WorkerSpec.new_gjs().dup_argv();
        const process = Gio.Subprocess.new([gjs, '-c', program], Gio.SubprocessFlags.STDOUT_PIPE);
        const pid = Number(process.communicate_utf8(null, null)[1]);
        assert(process.get_successful() && pid > 0, `${pid}`);
        // The library kills it behind the program, which is dead.
        while (lives(pid))
            GLib.usleep(1000);
    },

    'says what a worker is for': () => {
        const [gjs, ...words] = TvmSupport.WorkerSpec.new_gjs().dup_argv();
        const process = Gio.Subprocess.new([gjs, ...words],
            Gio.SubprocessFlags.STDERR_PIPE | Gio.SubprocessFlags.STDOUT_SILENCE);
        const [, , complaint] = process.communicate_utf8(null, null);
        assert(!process.get_successful() && complaint.includes('worker.js: '), complaint);
        assert(System.version > 0);
    },
});
