// SPDX-License-Identifier: Apache-2.0
//
// A worker of TvmSupport.WorkerSpec.new_gjs(), which a pool starts with gjs -m. It runs functions of
// JavaScript, whose source it is sent, or that a module exports.
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';
import TvmSupport from 'gi://TvmSupport?version=1';

const {decode, describeError, encode, encodeParts} = imports.tvmsupport.payload;

// How many functions are kept, so that the source of one is read once
const MAX_FUNCTIONS = 64;

const functions = new Map();
let running = null;

// What a function finds in its worker, besides what GJS has.
Object.defineProperty(globalThis, 'worker', {
    value: Object.freeze({
        // Cancelled at the soft time limit of the task; null if it has none
        get cancellable() {
            return running?.get_cancellable() ?? null;
        },
    }),
});

function compile(source, name) {
    // Whose name this is in the stack of an error
    const url = `\n//# sourceURL=${name || 'anonymous'}`;
    try {
        return (0, eval)(`(${source}\n)${url}`);
    } catch (error) {
        if (!(error instanceof SyntaxError))
            throw error;
        // The source of a method is none of an expression.
        const holder = (0, eval)(`({${source}\n})${url}`);
        return Object.values(holder)[0];
    }
}

function remember(key, func) {
    if (functions.size >= MAX_FUNCTIONS)
        functions.delete(functions.keys().next().value);
    functions.set(key, func);
    return func;
}

async function load(key, {module, name}) {
    const func = (await import(module))[name];
    if (typeof func !== 'function')
        throw new ReferenceError(`“${module}” exports no function “${name}”`);
    return remember(key, func);
}

// Returns the function, or a promise of it.
function find({module, name, source}) {
    const key = source === undefined ? `${module}\0${name}` : `${name}\0${source}`;
    return functions.get(key) ?? (source === undefined
        ? load(key, {module, name}) : remember(key, compile(source, name)));
}

function start(call) {
    const {args, ...wanted} = decode(call.get_payload());
    const func = find(wanted);
    return func instanceof Promise ? func.then(it => it(...args)) : func(...args);
}

// What is below a function in the stack is of the worker, and of no use for anybody.
function clean(stack) {
    const lines = (stack ?? '').split('\n');
    const end = lines.findIndex(line => line.includes(import.meta.url));
    return (end < 0 ? lines : lines.slice(0, end)).join('\n').trimEnd();
}

function encodeThrown(thrown) {
    try {
        return encode({thrown});
    } catch (error) {
        // Something in it cannot be sent; its name and message can.
        const {name, message, stack} = describeError(thrown);
        return encode({thrown: Object.assign(new Error(message), {name, stack})});
    }
}

function answerThrown(call, thrown) {
    if (thrown instanceof Error || thrown instanceof GLib.Error) {
        const stack = clean(thrown.stack);
        // What is frozen keeps the one that it has.
        Reflect.defineProperty(thrown, 'stack', {value: stack, writable: true, configurable: true});
        const type = thrown instanceof Error
            ? String(thrown.name) : `${GLib.quark_to_string(thrown.domain)}:${thrown.code}`;
        call.return_error(type, String(thrown.message), stack, encodeThrown(thrown));
        return;
    }
    let extra = null;
    try {
        extra = encode({thrown});
    } catch (error) {
        // Then it is only text.
    }
    call.return_error(typeof thrown, String(thrown), null, extra);
}

function answerError(call, thrown) {
    try {
        answerThrown(call, thrown);
    } catch (error) {
        // It throws itself where it is looked at.
        call.return_error('Error', 'Something was thrown that cannot be read', null, null);
    }
}

async function serve(channel) {
    while ((running = channel.next()) !== null) {
        let answer;
        // A function that ends the process would otherwise free the call, which says that there is
        // no answer, but not why.
        running.ref();
        try {
            const value = start(running);
            answer = encodeParts(typeof value?.then === 'function' ? await value : value);
        } catch (error) {
            answerError(running, error);
            running.unref();
            continue;
        }
        for (const part of answer.slice(0, -1))
            running.add_bytes(part);
        running.return_bytes(answer.at(-1));
        running.unref();
    }
}

try {
    const role = System.programArgs.at(-1) ?? '';
    await serve(TvmSupport.WorkerChannel.open(role, `gjs ${System.version}`));
    System.exit(0);
} catch (error) {
    // A spare that was not needed after all
    if (error.matches?.(Gio.io_error_quark(), Gio.IOErrorEnum.BROKEN_PIPE))
        System.exit(0);
    printerr(`${System.programPath}: ${error.message}`);
    System.exit(1);
}
