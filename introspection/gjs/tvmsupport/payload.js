// SPDX-License-Identifier: Apache-2.0
//
// What travels between an application and its workers in GJS: JSON, and behind it the bytes of
// typed arrays. Eight bytes of header, the magic and the length of the JSON; each array begins at
// a multiple of 8 behind the JSON, so that it needs no copy to be read.
/* exported decode, describeError, encode, encodeParts, isPayload, reviveError */

const {Gio, GLib, GObject} = imports.gi;

const HEADER_SIZE = 8;
const MAGIC = [0x54, 0x56, 0x4d, 0x4a]; // TVMJ

// From this size on bytes are put together outside the heap of JavaScript. What is large there makes
// GJS 1.74 collect garbage bit by bit, and drop the callbacks that come between two bits.
const MAX_INSIDE = 64 * 1024;

// What JSON does not have is an object with this key, a list of a tag and what belongs to it.
const TAG = '$';

// What a text has in it somewhere, if it has such an object
const TAGGED = `{"${TAG}":[`;

const VIEWS = [
    Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array,
    Float32Array, Float64Array, BigInt64Array, BigUint64Array, DataView,
];
const VIEW_OF = Object.fromEntries(VIEWS.map(view => [view.name, view]));

const ERRORS = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];
const ERROR_OF = Object.fromEntries(ERRORS.map(error => [error.name, error]));

// What JSON would make an empty object of
const OPAQUE = new Set([
    'AsyncGenerator', 'Generator', 'RegExp', 'SharedArrayBuffer', 'WeakMap', 'WeakRef', 'WeakSet',
]);

function align(size) {
    return Math.ceil(size / 8) * 8;
}

function tagged(...list) {
    return {[TAG]: list};
}

// A plain object of what makes up an error, with its stack as text.
function describeError(error) {
    if (error instanceof GLib.Error) {
        const domain = GLib.quark_to_string(error.domain);
        return {domain, code: error.code, message: error.message, stack: error.stack};
    }
    const {name, message, stack, ...rest} = error;
    for (const [key, value] of Object.entries(rest)) {
        if (typeof value === 'function')
            delete rest[key];
    }
    const description = {name: error.name, message: error.message, stack: error.stack, rest};
    if (error.cause !== undefined)
        description.cause = error.cause;
    return description;
}

function reviveError({domain, code, name, message, stack, rest, cause}) {
    if (domain !== undefined) {
        const error = new GLib.Error(GLib.quark_from_string(domain), code, message);
        error.stack = stack;
        return error;
    }
    const error = new (ERROR_OF[name] ?? Error)(message);
    Object.defineProperty(error, 'stack', {value: stack, writable: true, configurable: true});
    if (error.name !== name)
        Object.defineProperty(error, 'name', {value: name, writable: true, configurable: true});
    if (cause !== undefined)
        Object.defineProperty(error, 'cause', {value: cause, writable: true, configurable: true});
    return Object.assign(error, rest);
}

function refuse(what) {
    throw new TypeError(`${what} cannot be sent to a worker or back`);
}

function refuseType(name) {
    refuse(`${/^[AEIOU]/.test(name) ? 'An' : 'A'} ${name}`);
}

// Collects the bytes that go behind the JSON.
class Parts {
    constructor() {
        this.views = [];
        this.size = 0;
    }

    add(view) {
        const offset = this.size;
        this.views.push([offset, view]);
        this.size = align(offset + view.byteLength);
        return [offset, view.byteLength];
    }
}

function encodeObject(item, parts) {
    if (ArrayBuffer.isView(item)) {
        const name = VIEWS.find(view => item instanceof view).name;
        const bytes = new Uint8Array(item.buffer, item.byteOffset, item.byteLength);
        return tagged(name, ...parts.add(bytes));
    }
    if (item instanceof ArrayBuffer)
        return tagged('ArrayBuffer', ...parts.add(new Uint8Array(item)));
    if (item instanceof GLib.Bytes)
        return tagged('Uint8Array', ...parts.add(item.toArray()));
    if (item instanceof Date)
        return tagged('Date', item.getTime());
    if (item instanceof Map)
        return tagged('Map', [...item]);
    if (item instanceof Set)
        return tagged('Set', [...item]);
    if (item instanceof Error || item instanceof GLib.Error)
        return tagged('Error', describeError(item));
    if (item instanceof Promise)
        refuse('A promise');
    const kind = Object.prototype.toString.call(item).slice('[object '.length, -1);
    if (OPAQUE.has(kind))
        refuseType(kind);
    if (item instanceof GObject.Object || item instanceof GLib.Variant ||
        Object.hasOwn(item.constructor ?? {}, '$gtype') && item.constructor !== Object)
        refuseType(item.constructor.name);
    return TAG in item ? tagged('Object', Object.entries(item)) : null;
}

function encodeItem(item, parts) {
    switch (typeof item) {
    case 'number':
        return Number.isFinite(item) && !Object.is(item, -0)
            ? item : tagged('number', Object.is(item, -0) ? '-0' : String(item));
    case 'undefined':
        return tagged('undefined');
    case 'bigint':
        return tagged('bigint', String(item));
    case 'function':
        return refuse('A function in a value');
    case 'symbol':
        return refuse('A symbol');
    case 'object':
        return item === null || Array.isArray(item) ? item : encodeObject(item, parts) ?? item;
    default:
        return item;
    }
}

// How deep what is looked at may be, which also ends where it contains itself
const MAX_DEPTH = 100;

// Whether JSON has all of a value. Most do, and then nobody need look at each part of it again.
function isPlain(value, depth = 0) {
    switch (typeof value) {
    case 'string':
    case 'boolean':
        return true;
    case 'number':
        return Number.isFinite(value) && !Object.is(value, -0);
    case 'object':
        break;
    default:
        return false;
    }
    if (value === null)
        return true;
    if (depth === MAX_DEPTH)
        return false;
    if (Array.isArray(value))
        return isPlainList(value, depth + 1);
    if (Object.getPrototypeOf(value) !== Object.prototype || TAG in value || 'toJSON' in value)
        return false;
    return isPlainList(Object.values(value), depth + 1);
}

function isPlainList(values, depth) {
    for (let i = 0; i < values.length; i++) {
        if (!isPlain(values[i], depth))
            return false;
    }
    return true;
}

// Returns the payload as a list of Uint8Array, of which the large ones are those in the value.
function encodeParts(value) {
    const parts = new Parts();
    const json = isPlain(value) ? JSON.stringify(value) : JSON.stringify(value, function (key, item) {
        // A method toJSON has been called for item, but not for what is there.
        const original = this[key];
        return encodeItem(original instanceof Date ? original : item, parts);
    });
    const text = new TextEncoder().encode(json);
    const start = align(HEADER_SIZE + text.length);
    const inside = start + parts.size <= MAX_INSIDE;
    const head = new Uint8Array(inside ? start + parts.size : start);
    head.set(MAGIC);
    new DataView(head.buffer).setUint32(MAGIC.length, text.length, true);
    head.set(text, HEADER_SIZE);
    const payload = [head];
    for (const [offset, view] of parts.views) {
        if (inside)
            head.set(view, start + offset);
        else if (view.length > 0)
            payload.push(view, new Uint8Array(align(view.length) - view.length));
    }
    return payload.filter(part => part.length > 0);
}

// Returns what goes where GLib.Bytes go.
function encode(value) {
    const payload = encodeParts(value);
    if (payload.length === 1)
        return payload[0];
    const stream = Gio.MemoryOutputStream.new_resizable();
    for (const part of payload)
        stream.write_bytes(part, null);
    stream.close(null);
    return stream.steal_as_bytes();
}

function decodeTagged([tag, ...rest], buffer, start) {
    if (tag in VIEW_OF) {
        const View = VIEW_OF[tag];
        const [offset, size] = rest;
        return new View(buffer, start + offset, size / (View.BYTES_PER_ELEMENT ?? 1));
    }
    switch (tag) {
    case 'undefined':
        return undefined;
    case 'number':
        return Number(rest[0]);
    case 'bigint':
        return BigInt(rest[0]);
    case 'ArrayBuffer':
        return buffer.slice(start + rest[0], start + rest[0] + rest[1]);
    case 'Date':
        return new Date(rest[0] ?? NaN);
    case 'Map':
        return new Map(rest[0]);
    case 'Set':
        return new Set(rest[0]);
    case 'Error':
        return reviveError(rest[0]);
    case 'Object':
        return Object.fromEntries(rest[0]);
    default:
        throw new TypeError(`A payload has an unknown type “${tag}”`);
    }
}

// Puts what is tagged into its place. JSON.parse's reviver cannot: for undefined it removes.
function decodeItem(item, buffer, start) {
    if (item === null || typeof item !== 'object')
        return item;
    if (Array.isArray(item)) {
        for (let i = 0; i < item.length; i++) {
            if (typeof item[i] === 'object')
                item[i] = decodeItem(item[i], buffer, start);
        }
        return item;
    }
    for (const key of Object.keys(item)) {
        if (typeof item[key] === 'object')
            item[key] = decodeItem(item[key], buffer, start);
    }
    return Object.hasOwn(item, TAG) ? decodeTagged(item[TAG], buffer, start) : item;
}

function isPayload(bytes) {
    return bytes.length >= HEADER_SIZE && MAGIC.every((byte, i) => bytes[i] === byte);
}

// bytes: a Uint8Array, of which the typed arrays in the value are parts
function decode(bytes) {
    if (!isPayload(bytes))
        throw new TypeError('These bytes are no payload of a worker in GJS');
    if (bytes.byteOffset % 8 !== 0)
        bytes = bytes.slice();
    const {buffer, byteOffset} = bytes;
    const size = new DataView(buffer, byteOffset).getUint32(MAGIC.length, true);
    const text = new TextDecoder().decode(bytes.subarray(HEADER_SIZE, HEADER_SIZE + size));
    const value = JSON.parse(text);
    return text.includes(TAGGED)
        ? decodeItem(value, buffer, byteOffset + align(HEADER_SIZE + size)) : value;
}
