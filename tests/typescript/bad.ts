// SPDX-License-Identifier: Apache-2.0
// What the types have to refuse: each line that is marked, and no other.
import TvmSupport from 'gi://TvmSupport?version=1';

const {CompileKind, Compiler, CompileRequest, PoolExecutor, Task, WorkerSpec} = TvmSupport;

export async function main() {
    const request = CompileRequest.new(CompileKind.SHARED);
    CompileRequest.new('shared'); // error
    CompileRequest.new(CompileKind.NO_SUCH_KIND); // error
    request.add_input(5); // error
    request.set_environ({CC: ['clang']}); // error
    request.timeout = '1000'; // error
    request.no_such_property = 1; // error
    const result = await Compiler.new().compile_async(request);
    result.get_no_such_thing(); // error
    result.get_output().length; // error
    const pending: TvmSupport.CompileResult = Compiler.new().compile_async(request); // error
    await Compiler.new().create_shared_async('a.so', 'a.c'); // error
    await Compiler.new().compile_async(); // error
    const pool = PoolExecutor.new(WorkerSpec.new_gjs(), 'two'); // error
    const text: string = await pool.call_async((a: number) => a, [1]); // error
    await pool.call_async((a: number) => a, ['one']); // error
    await pool.call_async((a: number) => a); // error
    pool.map((x: number) => x, ['a']); // error
    for (const it of pool.map(x => x, [1]))
        it.get_no_such_value(); // error
    Task.new_gjs((a: number) => a, ['a']); // error
    Task.new_gjs({name: 'f'}); // error
    new TvmSupport.FileLock({pat: '/tmp/lock'}); // error
    pool.n_finished = 3; // error
    const stdout: string = (await pool.submit_async(Task.new_command(['true']))).get_stdout(); // error
    TvmSupport.no_such_function(); // error
    const wrong: number = TvmSupport.describe(); // error
    return [pending, text, stdout, wrong];
}
