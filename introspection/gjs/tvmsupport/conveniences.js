// SPDX-License-Identifier: Apache-2.0
//
// Plain objects as environments, errors with what the compiler had to say, and resources that are
// left as soon as nobody needs them.
/* exported install */

// The properties that are lists of NAME=VALUE
const ENVIRONMENTS = {
    CompileRequest: ['environ', 'ccache_environ'],
    Task: ['environment'],
    WorkerSpec: ['environment'],
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
    adjustDisposal(TvmSupport);
}
