// SPDX-License-Identifier: Apache-2.0
//
// Functions of JavaScript as tasks: what an application does with the workers of worker.js.
/* exported install */

const {Gio, GLib} = imports.gi;
const {decode, encodeParts, isPayload} = imports.tvmsupport.payload;

const NATIVE = /\{\s*\[native code\]\s*\}$/;

// The interpreter that this is, or the one in PATH where GJS is part of another program
function findInterpreter() {
    try {
        const program = GLib.file_read_link('/proc/self/exe');
        if (/^gjs(-console)?$/.test(GLib.path_get_basename(program)) &&
            GLib.file_test(program, GLib.FileTest.IS_EXECUTABLE))
            return program;
    } catch (error) {
        // No /proc.
    }
    return 'gjs';
}

function findWorker() {
    const folder = GLib.path_get_dirname(imports.tvmsupport.payload.__file__);
    return GLib.build_filenamev([folder, 'worker.js']);
}

function uriOf(module) {
    if (module instanceof Gio.File)
        return module.get_uri();
    if (/^[a-z][a-z0-9+.-]*:/i.test(module))
        return module;
    return Gio.File.new_for_path(module).get_uri();
}

function isFunction(func) {
    return typeof func === 'function' || typeof func === 'object' && func !== null;
}

function describeFunction(func) {
    if (typeof func !== 'function') {
        const {module, name = 'default'} = func;
        if (module === undefined)
            throw new TypeError('A task needs a function, or the module that it is in');
        return {module: uriOf(module), name};
    }
    const source = Function.prototype.toString.call(func);
    if (NATIVE.test(source)) {
        throw new TypeError(`The function “${func.name}” has no source: give it one of JavaScript, ` +
            'or the module that it is in');
    }
    return {source, name: func.name};
}

// What the function threw, with both stacks; or the error of the library, whose cause is what an
// initializer threw.
function errorOf(result, failure, {TASK_FAILED, WORKER_DIED}) {
    const bytes = result.get_bytes();
    if (bytes === null || !isPayload(bytes))
        return failure;
    const {thrown} = decode(bytes);
    if (typeof thrown === 'object' && thrown !== null)
        thrown.remoteStack = thrown.stack;
    if (failure.matches(failure.constructor, WORKER_DIED))
        failure.cause = thrown;
    if (!failure.matches(failure.constructor, TASK_FAILED))
        return failure;
    if (typeof thrown === 'object' && thrown !== null) {
        thrown.stack = `${thrown.stack}\n${failure.stack}`;
        thrown.result = result;
    }
    return thrown;
}

// What error messages call it
function nameOf({module, name, source}) {
    if (source === undefined)
        return `${GLib.path_get_basename(module)}: ${name}`;
    return name || source.split('\n')[0];
}

function makeTask({Task}, func, args) {
    const [head, ...more] = encodeParts({...func, args});
    const task = Task.new_bytes(head);
    for (const part of more)
        task.add_bytes(part);
    task.set_description(nameOf(func));
    return task;
}

function install(TvmSupport) {
    const {PoolExecutor, Task, WorkerSpec} = TvmSupport;

    WorkerSpec.new_gjs = function () {
        const argv = [findInterpreter(), '-m', findWorker()];
        const spec = WorkerSpec.new_runtime(argv, TvmSupport.PayloadType.BYTES, false);
        // GJS has more than one thread and cannot fork, so the next worker is started ahead.
        spec.set_n_spares(1);
        return spec;
    };

    Task.new_gjs = function (func, args = []) {
        if (!Array.isArray(args))
            throw new TypeError('The arguments of a function go in an array');
        return makeTask(TvmSupport, describeFunction(func), args);
    };

    TvmSupport.TaskResult.prototype.unpack = function () {
        try {
            this.check();
        } catch (failure) {
            throw errorOf(this, failure, TvmSupport.Error);
        }
        const bytes = this.get_bytes();
        if (bytes !== null)
            return isPayload(bytes) ? decode(bytes) : bytes;
        return this.get_value()?.recursiveUnpack() ?? null;
    };

    TvmSupport.MapResult.prototype.unpack = function () {
        return this.get_task_result().unpack();
    };

    const {call, call_async: callAsync, map} = PoolExecutor.prototype;
    PoolExecutor.prototype.call = function (func, args, cancellable = null) {
        if (!isFunction(func))
            return call.call(this, func, args ?? null, cancellable);
        return this.submit(Task.new_gjs(func, args ?? []), cancellable).unpack();
    };
    PoolExecutor.prototype.call_async = function (func, args, cancellable = null, ...rest) {
        if (!isFunction(func))
            return callAsync.call(this, func, args ?? null, cancellable, ...rest);
        if (rest.length > 0)
            throw new TypeError('The call of a function returns a promise, and takes no callback');
        const task = Task.new_gjs(func, args ?? []);
        return this.submit_async(task, cancellable).then(result => result.unpack());
    };
    PoolExecutor.prototype.map = function (func, values, flags = TvmSupport.MapFlags.NONE) {
        if (!isFunction(func))
            return map.call(this, func, values, flags);
        const described = describeFunction(func);
        return this.map_tasks((function* () {
            for (const value of values)
                yield makeTask(TvmSupport, described, [value]);
        })(), flags);
    };
}
