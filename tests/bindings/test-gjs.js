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

// What gives no promise: the functions of C that are still as they were
function* listPlainAsync() {
    const {FUNCTION, OBJECT} = GIRepository.InfoType;
    const repository = GIRepository.Repository.get_default();

    for (let i = 0; i < repository.get_n_infos('TvmSupport'); i++) {
        const info = repository.get_info('TvmSupport', i);
        const found = info.get_type() === FUNCTION ? [[TvmSupport, info.get_name()]] : [];
        if (info.get_type() === OBJECT) {
            const owner = TvmSupport[info.get_name()];
            for (let j = 0; j < GIRepository.object_info_get_n_methods(info); j++) {
                const name = GIRepository.object_info_get_method(info, j).get_name();
                found.push([owner, name], [owner.prototype, name]);
            }
        }
        for (const [owner, name] of found) {
            if (name.endsWith('_async') && String(owner[name]).includes('native symbol'))
                yield `${info.get_name()} ${name}`;
        }
    }
}

await run({
    'gives a promise for everything that may take long': () => {
        assertEqual([...listPlainAsync()], []);
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
        assertEqual([...misspelt.get_children()], []);
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

    'takes bytes': async () => {
        const request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.OBJECT);
        request.add_input_bytes('memory.c', new TextEncoder().encode('int in_memory;\n'));
        request.set_output(temp.build_path('memory.o'));
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
