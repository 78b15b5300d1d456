// SPDX-License-Identifier: Apache-2.0
//
// Plain objects as environments, no texts in place of lists, errors with what the compiler had to
// say, and resources that are left as soon as nobody needs them.
/* exported install */

// The properties that are lists of NAME=VALUE
const ENVIRONMENTS = {
    CompileRequest: ['environ', 'ccache_environ'],
    Task: ['environment'],
    WorkerSpec: ['environment'],
};

// Where lists of texts go among the arguments. GJS would make a list of the letters of a text.
const LISTS = {
    CompileRequest: {new_tvmjs: [0, 1, 2, 3]},
    Compiler: {new_cross: [1, 3]},
    Task: {new_command: [0]},
    WorkerSpec: {new_runtime: [0]},
};

const LISTS_OF_METHODS = {
    CompileRequest: {
        set_libraries: [0],
        set_link_options: [0],
        set_name_expressions: [0],
        set_options: [0],
    },
    Compiler: {
        create_executable: [1, 2],
        create_shared: [1, 2],
        create_staticlib: [1],
        set_add_files: [0],
        set_options: [0],
    },
    WorkerSpec: {set_launcher: [0]},
};

const LISTS_OF_FUNCTIONS = {
    clang_create_llvm: [0, 2],
    emcc_create_tvmjs_wasm: [1, 2, 4, 5],
    nvcc_compile_cuda: [3],
    nvcc_link_device: [0, 4],
    tar_create: [1],
    tar_normalize_file_list: [1],
    xcode_compile_metal: [4],
    xcode_create_dylib: [1, 5],
    xcode_xcrun: [0],
};

// Newer versions of JavaScript have these symbols, for `using` and `await using`.
const DISPOSE = Symbol.dispose ?? Symbol('dispose');
const ASYNC_DISPOSE = Symbol.asyncDispose ?? Symbol('asyncDispose');

function listEnvironment(environment) {
    if (environment === null || typeof environment !== 'object' || Array.isArray(environment))
        return environment;
    return Object.entries(environment).map(([name, value]) => `${name}=${value}`);
}

function takesEnvironment(owner, name) {
    const setter = owner[`set_${name}`];
    owner[`set_${name}`] = function (environment) {
        setter.call(this, listEnvironment(environment));
    };
    const property = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(owner, name, {
        ...property,
        set(environment) {
            property.set.call(this, listEnvironment(environment));
        },
    });
}

function constructsWithEnvironment(owner, names) {
    const {_init: init} = owner;
    const keys = names.flatMap(name => [
        name,
        name.replaceAll('_', '-'),
        name.replace(/_(.)/g, (_, letter) => letter.toUpperCase()),
    ]);
    owner._init = function (properties = {}, ...rest) {
        const given = {...properties};
        for (const key of keys) {
            if (key in given)
                given[key] = listEnvironment(given[key]);
        }
        return init.call(this, given, ...rest);
    };
}

function takesLists(owner, table) {
    for (const [name, positions] of Object.entries(table)) {
        for (const form of [name, `${name}_async`].filter(it => it in owner)) {
            const original = owner[form];
            owner[form] = function (...args) {
                for (const position of positions) {
                    if (typeof args[position] === 'string') {
                        throw new TypeError(
                            `Argument ${position + 1} of ${form}() is an array, and not a text`);
                    }
                }
                return original.apply(this, args);
            };
        }
    }
}

// The functions that compile at once are errors if the compiler fails. Those of C do not have the
// result then.
function adjustOneShots({CompileKind, CompileRequest, Compiler}) {
    const KINDS = {
        create_executable: CompileKind.EXECUTABLE,
        create_shared: CompileKind.SHARED,
        create_staticlib: CompileKind.STATIC,
    };

    function makeRequest(kind, output, inputs, options) {
        const request = CompileRequest.new(kind);
        request.set_output(output);
        for (const input of inputs)
            request.add_input(input);
        if (kind === CompileKind.STATIC) {
            request.set_archiver(options[0] ?? null);
        } else {
            request.set_options(options[0] ?? null);
            request.set_working_directory(options[1] ?? null);
            request.set_ccache_environ(options[2] ?? null);
        }
        return request;
    }

    for (const [name, kind] of Object.entries(KINDS)) {
        const original = Compiler.prototype[`${name}_async`];
        const nOptions = kind === CompileKind.STATIC ? 1 : 3;

        Compiler.prototype[name] = function (output, inputs, ...args) {
            const request = makeRequest(kind, output, inputs, args.slice(0, nOptions));
            const result = this.compile(request, args[nOptions]);
            result.check();
            return result;
        };
        Compiler.prototype[`${name}_async`] = function (output, inputs, ...args) {
            if (args.length > nOptions + 1) {
                if (nOptions === 3)
                    args[2] = listEnvironment(args[2]);
                return original.call(this, output, inputs, ...args);
            }
            return (async () => {
                const request = makeRequest(kind, output, inputs, args.slice(0, nOptions));
                const result = await this.compile_async(request, args[nOptions]);
                result.check();
                return result;
            })();
        };
    }
}

function adjustDisposal(TvmSupport) {
    const {FileLock, MapIterator, PoolExecutor, PopenWorker, ShutdownMode, TempDirectory} = TvmSupport;

    FileLock.prototype[DISPOSE] = function () {
        this.release();
    };
    MapIterator.prototype[DISPOSE] = function () {
        this.close();
    };
    TempDirectory.prototype[DISPOSE] = function () {
        this.remove();
    };
    TempDirectory.prototype[ASYNC_DISPOSE] = async function () {
        await this.remove_async();
    };
    PoolExecutor.prototype[ASYNC_DISPOSE] = async function () {
        await this.shutdown_async();
    };
    PopenWorker.prototype[ASYNC_DISPOSE] = async function () {
        this.kill();
        await this.join_async();
    };

    // Gives a resource to a function, which may be asynchronous, and leaves it when that is done.
    TvmSupport.using = async function (resource, body) {
        const leave = resource[ASYNC_DISPOSE] ?? resource[DISPOSE];
        let value;
        try {
            value = await body(resource);
        } catch (error) {
            // Nobody waits for what is queued.
            if (resource instanceof PoolExecutor)
                await resource.shutdown_async(ShutdownMode.CANCEL);
            else
                await leave.call(resource);
            throw error;
        }
        await leave.call(resource);
        return value;
    };
}

function install(TvmSupport) {
    for (const [name, properties] of Object.entries(ENVIRONMENTS)) {
        const owner = TvmSupport[name].prototype;
        for (const property of properties)
            takesEnvironment(owner, property);
        constructsWithEnvironment(owner, properties);
    }
    adjustOneShots(TvmSupport);
    for (const [name, table] of Object.entries(LISTS))
        takesLists(TvmSupport[name], table);
    for (const [name, table] of Object.entries(LISTS_OF_METHODS))
        takesLists(TvmSupport[name].prototype, table);
    takesLists(TvmSupport, LISTS_OF_FUNCTIONS);
    adjustDisposal(TvmSupport);
}
