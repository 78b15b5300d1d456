// SPDX-License-Identifier: Apache-2.0
//
// What C cannot do for JavaScript: promises, and arguments at the end that may be left out.

const {Gio, GLib} = imports.gi;
const {install: installConveniences} = imports.tvmsupport.conveniences;
const {install: installRuntime} = imports.tvmsupport.runtime;

// The number of arguments of each function, up to and with the cancellable. Every function here
// that has a cancellable has three forms: foo, foo_async, foo_finish.
const METHODS = {
    CompileCommands: {save: 2},
    Compiler: {
        compile: 2,
        compile_all: 2,
        create_executable: 6,
        create_shared: 6,
        create_staticlib: 4,
        load_toolchain: 1,
    },
    KernelCache: {clear: 1, dup_stats: 1, lookup: 2, store: 3, trim: 2},
    MapIterator: {next: 1},
    PoolExecutor: {call: 3, recycle: 1, submit: 2},
    PopenWorker: {recv: 1},
    TempDirectory: {remove: 1},
};

const STATICS = {
    Compiler: {new_xcode: 4},
    TempDirectory: {clean: 3},
    Toolchain: {new: 2, discover: 2},
};

const FUNCTIONS = {
    cc_get_global_symbol_section_map: 3,
    cc_get_target_triple: 2,
    clang_create_llvm: 5,
    describe: 1,
    emcc_create_tvmjs_wasm: 7,
    nvcc_compile_cuda: 7,
    nvcc_get_cuda_version: 2,
    nvcc_get_target_compute_version: 2,
    nvcc_have_cudagraph: 1,
    nvcc_link_device: 5,
    tar_create: 4,
    tar_extract: 4,
    tar_list: 3,
    tar_normalize_file_list: 4,
    rocm_get_arch: 2,
    rocm_link: 4,
    xcode_compile_coreml: 4,
    xcode_compile_metal: 6,
    xcode_create_dylib: 7,
    xcode_xcrun: 2,
};

// What returns bytes, and is a property too
const BYTES = {
    CompileResult: ['bytes', 'log'],
    Task: ['payload', 'stdin'],
    TaskResult: ['bytes', 'stderr', 'stdout'],
    WorkerCall: ['payload'],
};

// Constructors, methods and functions without a cancellable
const CONSTRUCTORS = {
    CompileRequest: {new_tvmjs: 4},
    Compiler: {new: 1, new_cross: 4, new_emcc: 1, new_for_command: 1},
    HipccCompiler: {new: 1},
    HiprtcCompiler: {new: 1},
    KernelCache: {new: 1},
    NvccCompiler: {new: 1},
    NvrtcCompiler: {new: 1},
    Task: {new: 2},
    TempDirectory: {new: 1, new_in: 1},
};

const PLAIN_METHODS = {
    CompletionQueue: {submit_bytes: 3},
    TarOptions: {set_progress: 1},
    WorkerCall: {return_error: 4},
    WorkerChannel: {fail: 3},
};

const PLAIN_FUNCTIONS = {
    nvcc_find_libdevice_path: 1,
    nvcc_have_tensorcore: 2,
    rocm_find_bitcode_paths: 2,
    rocm_have_matrixcore: 1,
};

// What C calls GLib.Bytes is a Uint8Array here, which shares their memory.
function plain(value) {
    if (value instanceof GLib.Bytes)
        return value.toArray();
    return value instanceof Promise ? value.then(plain) : value;
}

function pad(owner, name, count) {
    const original = owner[name];
    owner[name] = function (...given) {
        const args = given.map(arg => arg ?? null);
        while (args.length < count)
            args.push(null);
        return plain(original.apply(this, args));
    };
}

function adjust(owner, table) {
    for (const [name, count] of Object.entries(table)) {
        Gio._promisify(owner, `${name}_async`, `${name}_finish`);
        pad(owner, `${name}_async`, count);
        pad(owner, name, count);
    }
}

function returnsBytes(owner, name) {
    const property = Object.getOwnPropertyDescriptor(owner, name);
    if (`get_${name}` in owner)
        pad(owner, `get_${name}`, 0);
    if (property?.get) {
        Object.defineProperty(owner, name, {
            ...property,
            get() {
                return plain(property.get.call(this));
            },
        });
    }
}

function* items() {
    for (let i = 0; i < this.get_n_items(); i++)
        yield this.get_item(i);
}

// GJS only iterates a Gio.ListStore, and these lists are of a class of their own.
function returnsIterable(owner, name) {
    const original = owner[`get_${name}`];
    function get() {
        const list = original.call(this);
        if (!(Symbol.iterator in list))
            list[Symbol.iterator] = items;
        return list;
    }
    owner[`get_${name}`] = get;
    Object.defineProperty(owner, name, {...Object.getOwnPropertyDescriptor(owner, name), get});
}

// Gives the error of a result the result itself, and what a compiler had to say.
function throwsWithResult(owner) {
    const {check} = owner;
    owner.check = function () {
        try {
            return check.call(this);
        } catch (error) {
            error.result = this.get_task_result?.() ?? this;
            if ('get_diagnostics' in this)
                error.diagnostics = [...this.get_diagnostics()];
            throw error;
        }
    };
}

function takesArray(owner, name, type) {
    const original = owner[name];
    owner[name] = function (requests, ...args) {
        if (Array.isArray(requests)) {
            const list = Gio.ListStore.new(type);
            for (const request of requests)
                list.append(request);
            return original.call(this, list, ...args);
        }
        return original.call(this, requests, ...args);
    };
}

// What an iterable of tasks throws ends it, and is thrown again behind the last result.
const inputErrors = new WeakMap();

function throwInputError(iterator) {
    const failed = inputErrors.get(iterator);
    if (failed !== undefined && 'error' in failed) {
        inputErrors.delete(iterator);
        throw failed.error;
    }
}

function* results() {
    try {
        let result;
        while ((result = this.next()) !== null)
            yield result;
        throwInputError(this);
    } finally {
        this.close();
    }
}

async function* asyncResults() {
    try {
        let result;
        while ((result = await this.next_async()) !== null)
            yield result;
        throwInputError(this);
    } finally {
        this.close();
    }
}

function adjustMaps(pool, Task, MapFlags) {
    const {map, map_tasks} = pool;

    // tasks: an iterable, or a function that returns null behind the last task
    pool.map_tasks = function (tasks, flags = MapFlags.NONE) {
        const source = typeof tasks === 'function' ? null : tasks[Symbol.iterator]();
        const failed = {};
        const iterator = map_tasks.call(this, () => {
            try {
                if (source === null)
                    return tasks();
                const {value, done} = source.next();
                return done ? null : value;
            } catch (error) {
                failed.error = error;
                return null;
            }
        }, flags);
        inputErrors.set(iterator, failed);
        return iterator;
    };

    pool.map = function (name, values, flags = MapFlags.NONE) {
        if (Array.isArray(values))
            return map.call(this, name, values, flags);
        const source = values[Symbol.iterator]();
        return this.map_tasks(() => {
            const {value, done} = source.next();
            return done ? null : Task.new(name, value);
        }, flags);
    };
}

// Gives the first argument of foo and foo_async a default.
function withDefault(owner, name, fallback) {
    const original = owner[name];
    owner[name] = function (first = fallback, cancellable = null) {
        return original.call(this, first, cancellable);
    };
    Gio._promisify(owner, `${name}_async`, `${name}_finish`);
    const promised = owner[`${name}_async`];
    owner[`${name}_async`] = function (first = fallback, cancellable = null, ...rest) {
        return promised.call(this, first, cancellable, ...rest);
    };
}

function _init() {
    for (const [name, table] of Object.entries(METHODS))
        adjust(this[name].prototype, table);
    for (const [name, table] of Object.entries(STATICS))
        adjust(this[name], table);
    adjust(this, FUNCTIONS);

    for (const [name, table] of Object.entries(CONSTRUCTORS)) {
        for (const [constructor, count] of Object.entries(table))
            pad(this[name], constructor, count);
    }
    for (const [name, table] of Object.entries(PLAIN_METHODS)) {
        for (const [method, count] of Object.entries(table))
            pad(this[name].prototype, method, count);
    }
    for (const [name, count] of Object.entries(PLAIN_FUNCTIONS))
        pad(this, name, count);

    for (const [name, properties] of Object.entries(BYTES)) {
        for (const property of properties)
            returnsBytes(this[name].prototype, property);
    }

    throwsWithResult(this.CompileResult.prototype);
    throwsWithResult(this.MapResult.prototype);
    throwsWithResult(this.TaskResult.prototype);

    for (const name of ['compile_all', 'compile_all_async'])
        takesArray(this.Compiler.prototype, name, this.CompileRequest);
    for (const name of ['children', 'fixits'])
        returnsIterable(this.Diagnostic.prototype, name);

    // -1 waits for as long as it takes.
    withDefault(this.FileLock.prototype, 'acquire', -1);
    withDefault(this.PopenWorker.prototype, 'join', -1);
    withDefault(this.PoolExecutor.prototype, 'shutdown', this.ShutdownMode.DRAIN);

    const {new: newPool} = this.PoolExecutor;
    this.PoolExecutor.new = function (spec, maxWorkers = 0) {
        return newPool.call(this, spec, maxWorkers);
    };
    adjustMaps(this.PoolExecutor.prototype, this.Task, this.MapFlags);
    installRuntime(this);
    installConveniences(this);
    this.MapIterator.prototype[Symbol.iterator] = results;
    this.MapIterator.prototype[Symbol.asyncIterator] = asyncResults;

    const {Language} = this;
    const {add_input, add_input_bytes} = this.CompileRequest.prototype;
    this.CompileRequest.prototype.add_input = function (path, language = Language.AUTO) {
        return add_input.call(this, path, language);
    };
    this.CompileRequest.prototype.add_input_bytes = function (name, source,
        language = Language.AUTO) {
        const bytes = typeof source === 'string' ? new TextEncoder().encode(source) : source;
        return add_input_bytes.call(this, name, bytes, language);
    };
}
