// SPDX-License-Identifier: Apache-2.0
// The library from JavaScript, with what overrides/TvmSupport.js adds.
import Gio from 'gi://Gio';
import GIRepository from 'gi://GIRepository?version=2.0';
import GLib from 'gi://GLib';
import TvmSupport from 'gi://TvmSupport?version=1';

import {assert, assertEqual, assertRejects, run} from './tap.js';

Gio._promisify(Gio.File.prototype, 'append_to_async', 'append_to_finish');

const temp = TvmSupport.TempDirectory.new();

function write(name, text) {
    const path = temp.build_path(name);
    GLib.file_set_contents(path, text);
    return path;
}

function requestFor(source, output, kind = TvmSupport.CompileKind.SHARED) {
    const request = TvmSupport.CompileRequest.new(kind);
    request.add_input(source);
    request.set_output(temp.build_path(output));
    return request;
}

function processesOf(path) {
    const folder = Gio.File.new_for_path('/proc').enumerate_children('standard::name',
        Gio.FileQueryInfoFlags.NOFOLLOW_SYMLINKS, null);
    const found = [];
    for (const info of folder) {
        if (!/^\d+$/.test(info.get_name()))
            continue;
        try {
            const [, bytes] = GLib.file_get_contents(`/proc/${info.get_name()}/cmdline`);
            const command = new TextDecoder().decode(bytes);
            if (command.includes(path))
                found.push(command.replaceAll('\0', ' '));
        } catch (error) {
            // It ended meanwhile.
        }
    }
    return found;
}

// Whether the last argument may be left out: a setter has one to be given.
function endsNullable(info) {
    const arguments_ = [];
    for (let i = 0; i < GIRepository.callable_info_get_n_args(info); i++)
        arguments_.push(GIRepository.callable_info_get_arg(info, i));
    const hidden = ['callback', 'destroy', 'user_data'];
    const last = arguments_.filter(it => GIRepository.arg_info_get_direction(it) !==
        GIRepository.Direction.OUT && !hidden.includes(it.get_name())).at(-1);
    return last !== undefined && GIRepository.arg_info_may_be_null(last) &&
        !info.get_name().startsWith('set_') && !info.get_name().endsWith('_finish');
}

function returnsBytes(info) {
    const type = GIRepository.callable_info_get_return_type(info);
    return !info.get_name().endsWith('_finish') &&
        GIRepository.type_info_get_tag(type) === GIRepository.TypeTag.INTERFACE &&
        GIRepository.type_info_get_interface(type).get_name() === 'Bytes';
}

// What gives no promise, has no default, or returns GLib.Bytes: the functions of C that are still as they were
function* listPlain() {
    const {FUNCTION, OBJECT} = GIRepository.InfoType;
    const repository = GIRepository.Repository.get_default();

    for (let i = 0; i < repository.get_n_infos('TvmSupport'); i++) {
        const info = repository.get_info('TvmSupport', i);
        const found = info.get_type() === FUNCTION ? [[TvmSupport, info]] : [];
        if (info.get_type() === OBJECT) {
            const owner = TvmSupport[info.get_name()];
            for (let j = 0; j < GIRepository.object_info_get_n_methods(info); j++) {
                const method = GIRepository.object_info_get_method(info, j);
                found.push([owner, method], [owner.prototype, method]);
            }
        }
        for (const [owner, callable] of found) {
            const name = callable.get_name();
            if ((name.endsWith('_async') || endsNullable(callable) ||
                returnsBytes(callable)) &&
                String(owner[name]).includes('native symbol'))
                yield `${info.get_name()} ${name}`;
        }
    }
}

await run({
    'gives promises and defaults wherever they belong': () => {
        assertEqual([...listPlain()], []);
    },

    'compiles a file and awaits it': async () => {
        const source = write('add.c', 'int add (int a, int b) { return a + b; }\n');
        const result = await TvmSupport.Compiler.new().compile_async(
            requestFor(source, 'libadd.so'));
        assert(result.get_successful(), result.get_log_text());
        assert(GLib.file_test(result.get_output(), GLib.FileTest.IS_REGULAR));
        const symbols = await TvmSupport.cc_get_global_symbol_section_map_async(
            result.get_output());
        assertEqual(symbols.add, 'T');
    },

    'reads a diagnostic': async () => {
        const source = write('broken.c', 'int f (void)\n{\n  return missing;\n}\n');
        const result = await TvmSupport.Compiler.new().compile_async(
            requestFor(source, 'broken.o', TvmSupport.CompileKind.OBJECT));
        assert(!result.get_successful());
        const [diagnostic] = [...result.get_diagnostics()];
        assertEqual(diagnostic.get_severity(), TvmSupport.DiagnosticSeverity.ERROR);
        assertEqual(diagnostic.get_file(), source);
        assertEqual(diagnostic.get_line(), 3);
        assert(diagnostic.get_message().includes('missing'));
    },

    'throws what the compiler said': async () => {
        const source = write('refused.c', 'int f (void) { return missing; }\n');
        const compiler = TvmSupport.Compiler.new();
        const output = temp.build_path('refused.so');
        const attempts = [
            () => compiler.create_shared(output, [source]),
            () => compiler.create_shared_async(output, [source], ['-O1'], null, {CCACHE_DISABLE: 1}),
            () => compiler.create_executable_async(output, [source]),
            async () => (await compiler.compile_async(requestFor(source, 'refused.so'))).check(),
        ];
        for (const attempt of attempts) {
            let thrown = null;
            try {
                await attempt();
            } catch (error) {
                thrown = error;
            }
            assert(thrown.matches(TvmSupport.Error, TvmSupport.Error.COMPILE_FAILED), `${thrown}`);
            assert(thrown.diagnostics[0].get_message().includes('missing'));
            assert(!thrown.result.get_successful());
        }
        await new Promise((resolve, reject) => {
            compiler.create_shared_async(output, [source], null, null, {}, null, (_, result) => {
                try {
                    compiler.create_shared_finish(result);
                    reject(new Error('nothing was thrown'));
                } catch (error) {
                    resolve();
                }
            });
        });
        const object = temp.build_path('fine.o');
        const request = requestFor(write('fine.c', 'int fine;\n'), 'fine.o',
            TvmSupport.CompileKind.OBJECT);
        (await compiler.compile_async(request)).check();
        const library = temp.build_path('libfine.a');
        assert((await compiler.create_staticlib_async(library, [object])).get_successful());
        assert(compiler.create_staticlib(library, [object]).get_successful());
    },

    'takes objects for environments': async () => {
        const task = TvmSupport.Task.new_command(['sh', '-c', 'printf "$ALPHA $BETA"']);
        task.set_environment({ALPHA: 1, BETA: 'b=c'});
        assertEqual(task.dup_environment(), ['ALPHA=1', 'BETA=b=c']);
        const pool = TvmSupport.PoolExecutor.new(TvmSupport.WorkerSpec.new_command(), 1);
        const stdout = await TvmSupport.using(pool, async it =>
            (await it.submit_async(task)).get_stdout());
        assert(stdout instanceof Uint8Array);
        assertEqual(new TextDecoder().decode(stdout), '1 b=c');
        task.environment = {GAMMA: 2};
        assertEqual(task.environment, ['GAMMA=2']);
        task.environment = ['DELTA=3'];
        task.set_environment(null);
        assertEqual(task.dup_environment(), null);
        const request = new TvmSupport.CompileRequest({environ: {A: 'b'}, ccacheEnviron: {C: 'd'}});
        assertEqual([request.environ, request.dup_ccache_environ()], [['A=b'], ['C=d']]);
    },

    'leaves what it used': async () => {
        let path;
        const value = await TvmSupport.using(TvmSupport.TempDirectory.new(), directory => {
            path = directory.get_path();
            assert(GLib.file_test(path, GLib.FileTest.IS_DIR));
            return 5;
        });
        assertEqual([value, GLib.file_test(path, GLib.FileTest.EXISTS)], [5, false]);

        const lock = TvmSupport.FileLock.new(temp.build_path('used'));
        let thrown = null;
        try {
            await TvmSupport.using(lock, async it => {
                await it.acquire_async();
                throw new RangeError('while held');
            });
        } catch (error) {
            thrown = error;
        }
        assert(thrown instanceof RangeError && !lock.get_held());

        const pool = TvmSupport.PoolExecutor.new(TvmSupport.WorkerSpec.new_command(), 1);
        const sleep = TvmSupport.Task.new_command(['sleep', '1000']);
        let sleeping;
        try {
            await TvmSupport.using(pool, it => {
                sleeping = it.submit_async(sleep).then(result => result.check(), error => error);
                throw new RangeError('with a queue');
            });
        } catch (error) {
            assert(error instanceof RangeError);
        }
        assert(await sleeping instanceof GLib.Error);
    },

    'cancels a running compile': async () => {
        const fifo = temp.build_path('endless.h');
        Gio.Subprocess.new(['mkfifo', fifo], Gio.SubprocessFlags.NONE).wait_check(null);
        const source = write('endless.c', `#include "${fifo}"\n`);
        const cancellable = new Gio.Cancellable();
        const compiled = TvmSupport.Compiler.new().compile_async(
            requestFor(source, 'endless.o', TvmSupport.CompileKind.OBJECT), cancellable);

        // The open of the pipe ends when the compiler opens it too.
        const pipe = await Gio.File.new_for_path(fifo).append_to_async(
            Gio.FileCreateFlags.NONE, GLib.PRIORITY_DEFAULT, null);
        assert(processesOf(source).length > 0, 'no compiler runs');
        cancellable.cancel();
        await assertRejects(compiled, Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
        assertEqual(processesOf(source), []);
        pipe.close(null);
    },

    'rejects with the errors of the library': async () => {
        const source = write('add.c', 'int add;\n');
        const compiler = TvmSupport.Compiler.new_for_command('no-such-compiler');
        const error = await assertRejects(compiler.compile_async(requestFor(source, 'x.so')),
            TvmSupport.Error, TvmSupport.Error.NOT_FOUND);
        assert(error instanceof TvmSupport.Error);
        assert(error.message.includes('no-such-compiler'));
    },

    'compiles many at a time': async () => {
        const requests = Gio.ListStore.new(TvmSupport.CompileRequest);
        for (let i = 0; i < 4; i++) {
            requests.append(requestFor(write(`source-${i}.c`, `int number_${i};\n`),
                `source-${i}.o`, TvmSupport.CompileKind.OBJECT));
        }
        const results = await TvmSupport.Compiler.new().compile_all_async(requests);
        assertEqual([...results].map(result => result.get_successful()),
            [true, true, true, true]);
    },

    'compiles an array of requests': async () => {
        const requests = ['one', 'two'].map(name => requestFor(
            write(`${name}.c`, `int ${name};\n`), `${name}.o`, TvmSupport.CompileKind.OBJECT));
        const compiler = TvmSupport.Compiler.new();
        for (const results of [await compiler.compile_all_async(requests),
            compiler.compile_all(requests)]) {
            assertEqual([...results].map(result => result.get_output()),
                [temp.build_path('one.o'), temp.build_path('two.o')]);
        }
    },

    'iterates fix-its and children': async () => {
        const source = write('fixit.c', 'struct s { int alpha; };\n' +
            'int f (struct s *x) { return x->alpho; }\n' +
            'int twice;\nfloat twice;\n');
        const result = await TvmSupport.Compiler.new_for_command('gcc').compile_async(
            requestFor(source, 'fixit.o', TvmSupport.CompileKind.OBJECT));
        const [misspelt, redefined] = [...result.get_diagnostics()];
        assertEqual([...misspelt.get_fixits()].map(fixit => fixit.get_replacement()), ['alpha']);
        assertEqual([...misspelt.fixits].map(fixit => fixit.replacement), ['alpha']);
        assertEqual([...misspelt.get_children()], []);
        assertEqual([...redefined.children].map(child => child.line), [3]);
        assertEqual([...redefined.get_fixits()], []);
        assertEqual([...redefined.get_children()].map(child => child.get_line()), [3]);
    },

    'acquires a lock': async () => {
        const lock = TvmSupport.FileLock.new(temp.build_path('awaited'));
        await lock.acquire_async();
        assert(lock.get_held());
        const other = TvmSupport.FileLock.new(temp.build_path('awaited'));
        await assertRejects(other.acquire_async(0), TvmSupport.Error, TvmSupport.Error.TIMED_OUT);
        lock.release();
        assert(other.acquire());
    },

    'leaves out arguments at the end': async () => {
        const source = write('five.c', 'int five (void) { return 5; }\n');
        const result = await TvmSupport.Compiler.new().create_shared_async(
            temp.build_path('libfive.so'), [source], ['-O1']);
        assert(result.get_successful());
        TvmSupport.Compiler.new().create_shared(temp.build_path('libfive2.so'), [source]);
        assert((await TvmSupport.describe_async()).includes('GLib'));
        const toolchain = await TvmSupport.Toolchain.discover_async();
        assert(toolchain.get_target_triple().length > 0);
    },

    'refuses a text in place of an array': async () => {
        const compiler = TvmSupport.Compiler.new();
        const output = temp.build_path('libtext.so');
        const calls = [
            () => compiler.create_shared(output, 'text.c'),
            () => compiler.create_shared_async(output, 'text.c'),
            () => compiler.create_shared_async(output, ['text.c'], '-O2'),
            () => compiler.set_options('-O2'),
            () => TvmSupport.Task.new_command('true'),
            () => TvmSupport.tar_create_async(temp.build_path('text.tar'), 'text.c'),
        ];
        for (const call of calls) {
            let error = null;
            try {
                await call();
            } catch (caught) {
                error = caught;
            }
            assert(error instanceof TypeError, String(error));
            assert(error.message.includes('is an array'), error.message);
        }
    },

    'takes bytes, and text in their place': async () => {
        const request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.SHARED);
        request.add_input_bytes('memory.c', new TextEncoder().encode('int in_memory;\n'));
        request.add_input_bytes('text.c', 'int in_text;\n');
        request.set_output(temp.build_path('memory.so'));
        const result = await TvmSupport.Compiler.new().compile_async(request);
        assert(result.get_successful(), result.get_log_text());
    },

    'still takes a callback': () => new Promise((resolve, reject) => {
        const lock = TvmSupport.FileLock.new(temp.build_path('lock'));
        lock.acquire_async(-1, null, (source, result) => {
            try {
                assert(source.acquire_finish(result));
                assert(lock.get_held());
                resolve();
            } catch (error) {
                reject(error);
            }
        });
    }),
});
