// SPDX-License-Identifier: Apache-2.0
// What the types have to let through.
import Gio from '@girs/gio-2.0';
import GLib from '@girs/glib-2.0';
import TvmSupport from 'gi://TvmSupport?version=1';
import Unversioned from 'gi://TvmSupport';

const {CompileKind, Compiler, CompileRequest, PoolExecutor, Task, WorkerSpec} = TvmSupport;

export async function compile(source: string): Promise<string[]> {
    const request = CompileRequest.new(CompileKind.SHARED);
    request.add_input(source);
    request.add_input_bytes('memory.c', new Uint8Array(1), TvmSupport.Language.C);
    request.set_environ({CC: 'clang', LEVEL: 2});
    request.environ = {A: 'b'};
    request.timeout = 1000;
    const compiler = Compiler.new();
    const result: TvmSupport.CompileResult = await compiler.compile_async(request);
    compiler.compile_async(request, null, (it, answer) => it?.compile_finish(answer).get_output());
    const log: Uint8Array | null = result.get_log();
    const all = await compiler.compile_all_async([request], new Gio.Cancellable());
    await compiler.create_shared_async('a.so', ['a.c'], ['-O2'], null, {CCACHE_DISABLE: 1});
    try {
        result.check();
    } catch (error) {
        if (error instanceof TvmSupport.Error && error.code === TvmSupport.Error.COMPILE_FAILED)
            return (error.diagnostics ?? []).map(it => it.format());
    }
    return [...[...all].map(it => it.get_output() ?? ''), ...[...result.diagnostics].map(it =>
        `${it.get_line()} ${it.get_message()} ${log?.length}`)];
}

export async function work(): Promise<number> {
    const spec = WorkerSpec.new_gjs();
    spec.set_maximum_uses(3);
    spec.set_initializer(Task.new_gjs((size: number) => size, [5]));
    return TvmSupport.using(PoolExecutor.new(spec), async pool => {
        const sum: number = await pool.call_async((a: number, b: number) => a + b, [1, 2]);
        const text: string = await pool.call_async(async () => 'text');
        const any = await pool.call_async({module: 'file:///tmp/f.js', name: 'f'}, [1, 'a']);
        for await (const result of pool.map((x: number) => x * 2, [1, 2, 3]))
            result.unpack();
        for (const result of pool.map('f', [new GLib.Variant('i', 1)]))
            result.get_value();
        for (const worker of pool.workers)
            worker.get_pid();
        pool.connect('notify::n-finished', (it, pspec) => `${it.n_finished} ${it.nFinished} ${pspec.name}`);
        const result = await pool.submit_async(Task.new_command(['true']));
        const stdout: Uint8Array | null = result.get_stdout();
        return sum + text.length + any + (stdout?.length ?? 0);
    });
}

export class Shouting extends Compiler {
    vfunc_build_argv(_toolchain: TvmSupport.Toolchain, request: TvmSupport.CompileRequest): string[] {
        return ['cc', request.get_output() ?? ''];
    }
}

export async function others(): Promise<unknown> {
    const lock = new TvmSupport.FileLock({path: '/tmp/lock', shared: true});
    await lock.acquire_async();
    const shared: boolean = lock.is_shared() && lock.shared;
    const symbols = await TvmSupport.cc_get_global_symbol_section_map_async('a.so');
    const entries = [...TvmSupport.tar_list('a.tar')].map(it => it.get_name());
    const [major, minor]: [number, number] | number[] = [TvmSupport.SUPPORT_MAJOR_VERSION, 0];
    const clang = TvmSupport.NvccCompiler.new();
    const lookup: Uint8Array | null = TvmSupport.KernelCache.new().lookup('key');
    return [shared, symbols.main, entries, major, minor, clang, lookup, Unversioned.describe()];
}
