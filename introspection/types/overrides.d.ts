// SPDX-License-Identifier: Apache-2.0

/** What is set in an environment */
type Environment = {[name: string]: string | number};

type List<T> = Gio.ListModel & Iterable<T>;

/** A function that a module exports: a URL, a path or a file, and its name, or else the default */
type ModuleFunction = {module: string | Gio.File, name?: string};

type CallRest<A extends any[]> = [] extends A
    ? [args?: A | null, cancellable?: Gio.Cancellable | null]
    : [args: A, cancellable?: Gio.Cancellable | null];

/** Gives a resource to a function, and leaves it when what the function does is done. */
function using<R extends FileLock | MapIterator | PoolExecutor | PopenWorker | TempDirectory, T>(
    resource: R, body: (resource: R) => T | Promise<T>): Promise<T>;

function tar_list(tar_file: string, options?: TarOptions | null, cancellable?: Gio.Cancellable | null): List<TarEntry>;
function tar_list_async(tar_file: string, options?: TarOptions | null, cancellable?: Gio.Cancellable | null): Promise<List<TarEntry>>;
function tar_list_async(tar_file: string, options: TarOptions | null, cancellable: Gio.Cancellable | null, callback: Gio.AsyncReadyCallback): void;

class CompileRequest {
    add_input(path: string, language?: Language): void;
    add_input_bytes(name: string, source: GLib.Bytes | Uint8Array | string, language?: Language): void;
}

class CompileResult {
    readonly diagnostics: List<Diagnostic>;
    readonly steps: List<CompileResult>;
    get_diagnostics(): List<Diagnostic>;
    get_steps(): List<CompileResult>;
}

class Compiler {
    compile_all(requests: CompileRequest[] | Gio.ListModel, cancellable?: Gio.Cancellable | null): List<CompileResult>;
    compile_all_async(requests: CompileRequest[] | Gio.ListModel, cancellable?: Gio.Cancellable | null): Promise<List<CompileResult>>;
    compile_all_async(requests: CompileRequest[] | Gio.ListModel, cancellable: Gio.Cancellable | null, callback: Gio.AsyncReadyCallback<this>): void;
}

class Diagnostic {
    readonly children: List<Diagnostic>;
    readonly fixits: List<Fixit>;
    get_children(): List<Diagnostic>;
    get_fixits(): List<Fixit>;
}

class Error {
    /** What failed, where that has a result */
    result?: CompileResult | TaskResult;
    /** What the compiler had to say */
    diagnostics?: Diagnostic[];
}

class FileLock {
    acquire(timeout_msec?: number, cancellable?: Gio.Cancellable | null): boolean;
    acquire_async(timeout_msec?: number, cancellable?: Gio.Cancellable | null): Promise<boolean>;
    acquire_async(timeout_msec: number, cancellable: Gio.Cancellable | null, callback: Gio.AsyncReadyCallback<this>): void;
}

class MapIterator {
    [Symbol.iterator](): Generator<MapResult, void, void>;
    [Symbol.asyncIterator](): AsyncGenerator<MapResult, void, void>;
}

class MapResult {
    /** What the task returned, as JavaScript has it; throws what went wrong. */
    unpack(): any;
}

class PoolExecutor {
    readonly workers: List<WorkerInfo>;
    get_workers(): List<WorkerInfo>;
    static new(spec: WorkerSpec, max_workers?: number): PoolExecutor;
    call(func: string, args?: GLib.Variant | null, cancellable?: Gio.Cancellable | null): GLib.Variant;
    call(func: ModuleFunction, args?: any[] | null, cancellable?: Gio.Cancellable | null): any;
    call<A extends any[], R>(func: (...args: A) => R, ...rest: CallRest<A>): Awaited<R>;
    call_async(func: string, args?: GLib.Variant | null, cancellable?: Gio.Cancellable | null): Promise<GLib.Variant>;
    call_async(func: string, args: GLib.Variant | null, cancellable: Gio.Cancellable | null, callback: Gio.AsyncReadyCallback<this>): void;
    call_async(func: ModuleFunction, args?: any[] | null, cancellable?: Gio.Cancellable | null): Promise<any>;
    call_async<A extends any[], R>(func: (...args: A) => R, ...rest: CallRest<A>): Promise<Awaited<R>>;
    map(func: string, values: Iterable<GLib.Variant>, flags?: MapFlags): MapIterator;
    map(func: ModuleFunction, values: Iterable<any>, flags?: MapFlags): MapIterator;
    map<V>(func: (value: V) => any, values: Iterable<V>, flags?: MapFlags): MapIterator;
    map_tasks(tasks: Iterable<Task> | (() => Task | null), flags?: MapFlags): MapIterator;
    shutdown(mode?: ShutdownMode, cancellable?: Gio.Cancellable | null): boolean;
    shutdown_async(mode?: ShutdownMode, cancellable?: Gio.Cancellable | null): Promise<boolean>;
    shutdown_async(mode: ShutdownMode, cancellable: Gio.Cancellable | null, callback: Gio.AsyncReadyCallback<this>): void;
}

class PopenWorker {
    join(timeout_msec?: number, cancellable?: Gio.Cancellable | null): boolean;
    join_async(timeout_msec?: number, cancellable?: Gio.Cancellable | null): Promise<boolean>;
    join_async(timeout_msec: number, cancellable: Gio.Cancellable | null, callback: Gio.AsyncReadyCallback<this>): void;
}

class Task {
    /** A task of a worker of WorkerSpec.new_gjs(): a function, whose source is sent, with its arguments */
    static new_gjs<A extends any[]>(func: (...args: A) => any, ...args: [] extends A ? [args?: A] : [args: A]): Task;
    static new_gjs(func: ModuleFunction, args?: any[]): Task;
}

class TaskResult {
    /** What the task returned, as JavaScript has it; throws what went wrong. */
    unpack(): any;
}

class WorkerSpec {
    /** Makes a spec of workers that run functions of JavaScript in GJS. */
    static new_gjs(): WorkerSpec;
}
