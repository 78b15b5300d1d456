// SPDX-License-Identifier: Apache-2.0
//
// What C cannot do for JavaScript: promises, and arguments at the end that may be left out.

const {Gio} = imports.gi;

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
    TempDirectory: {remove: 1},
};

const STATICS = {
    Toolchain: {new: 2, discover: 2},
};

const FUNCTIONS = {
    cc_get_global_symbol_section_map: 3,
    cc_get_target_triple: 2,
    describe: 1,
    tar_create: 3,
    tar_extract: 3,
    tar_normalize_file_list: 3,
};

// Constructors and methods without a cancellable
const CONSTRUCTORS = {
    Compiler: {new: 1, new_cross: 4, new_for_command: 1},
    TempDirectory: {new: 1},
};

function pad(owner, name, count) {
    const original = owner[name];
    owner[name] = function (...args) {
        while (args.length < count)
            args.push(null);
        return original.apply(this, args);
    };
}

function adjust(owner, table) {
    for (const [name, count] of Object.entries(table)) {
        Gio._promisify(owner, `${name}_async`, `${name}_finish`);
        pad(owner, `${name}_async`, count);
        pad(owner, name, count);
    }
}

function* items() {
    for (let i = 0; i < this.get_n_items(); i++)
        yield this.get_item(i);
}

// GJS only iterates a Gio.ListStore, and these lists are of a class of their own.
function returnsIterable(owner, name) {
    const original = owner[name];
    owner[name] = function () {
        const list = original.call(this);
        if (!(Symbol.iterator in list))
            list[Symbol.iterator] = items;
        return list;
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

    for (const name of ['compile_all', 'compile_all_async'])
        takesArray(this.Compiler.prototype, name, this.CompileRequest);
    for (const name of ['get_children', 'get_fixits'])
        returnsIterable(this.Diagnostic.prototype, name);

    // -1 waits for as long as it takes.
    const lock = this.FileLock.prototype;
    const {acquire} = lock;
    lock.acquire = function (timeout = -1, cancellable = null) {
        return acquire.call(this, timeout, cancellable);
    };
    Gio._promisify(lock, 'acquire_async', 'acquire_finish');
    const promised = lock.acquire_async;
    lock.acquire_async = function (timeout = -1, cancellable = null, ...rest) {
        return promised.call(this, timeout, cancellable, ...rest);
    };

    const {Language} = this;
    const {add_input, add_input_bytes} = this.CompileRequest.prototype;
    this.CompileRequest.prototype.add_input = function (path, language = Language.AUTO) {
        return add_input.call(this, path, language);
    };
    this.CompileRequest.prototype.add_input_bytes = function (name, bytes,
        language = Language.AUTO) {
        return add_input_bytes.call(this, name, bytes, language);
    };
}
