// SPDX-License-Identifier: Apache-2.0
// The worker protocol in JavaScript, as data: with nothing of the library, as docs/worker-protocol.md
// says.
import Gio from 'gi://Gio';

import {assert, assertEqual, run} from './tap.js';

const HEADER_SIZE = 32;
const MAX_CONTROL = 16n * 1024n ** 2n;

const KINDS = new Map([
    [1, 'HELLO'], [2, 'SETUP'], [3, 'INIT'], [4, 'CALL'], [5, 'BEGUN'], [6, 'RESULT'], [7, 'ERROR'],
    [8, 'CANCEL'], [9, 'REVOKED'], [16, 'FORK'], [17, 'FORKED'], [18, 'KILL'], [19, 'EXITED'],
]);

function load() {
    const here = Gio.File.new_for_uri(import.meta.url).get_parent();
    const places = ['../data/protocol/frames.json', 'data/protocol/frames.json']
        .map(path => here.resolve_relative_path(path))
        .filter(file => file.query_exists(null));
    const [, bytes] = places[0].load_contents(null);
    return JSON.parse(new TextDecoder().decode(bytes));
}

function fromHex(hex) {
    return Uint8Array.from(hex.match(/../g) ?? [], byte => parseInt(byte, 16));
}

function toHex(bytes) {
    return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('');
}

function maxLengthOf(kind, maxLength) {
    if (['BEGUN', 'CANCEL', 'REVOKED', 'KILL'].includes(kind))
        return 0n;
    if (['INIT', 'CALL', 'RESULT', 'ERROR'].includes(kind))
        return maxLength;
    return MAX_CONTROL;
}

/* Throws what is wrong. */
function decode(bytes, maxLength) {
    if (bytes.length < HEADER_SIZE)
        throw new Error('truncated');
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const kind = KINDS.get(view.getUint8(5));
    const flags = view.getUint16(6, true);
    const length = view.getBigUint64(16, true);
    const nFds = view.getUint16(24, true);
    const limit = kind && maxLengthOf(kind, BigInt.asUintN(63, maxLength));
    const problems = [
        ['magic', view.getUint32(0, true) !== 0x464D5654],
        ['version', view.getUint8(4) !== 1],
        ['kind', kind === undefined],
        ['flags', (flags & ~7) !== 0],
        ['reserved', bytes.subarray(26, HEADER_SIZE).some(byte => byte !== 0)],
        ['descriptors', nFds > 8],
        ['length', length > limit],
        ['truncated', BigInt(bytes.length - HEADER_SIZE) < length],
    ];
    for (const [problem, found] of problems) {
        if (found)
            throw new Error(problem);
    }
    return {kind, flags, nFds, id: view.getBigUint64(8, true), payload: bytes.subarray(HEADER_SIZE)};
}

function encode({kind, flags, nFds, id, payload}) {
    const bytes = new Uint8Array(HEADER_SIZE + payload.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 0x464D5654, true);
    view.setUint8(4, 1);
    view.setUint8(5, [...KINDS].find(([, name]) => name === kind)[0]);
    view.setUint16(6, flags, true);
    view.setBigUint64(8, id, true);
    view.setBigUint64(16, BigInt(payload.length), true);
    view.setUint16(24, nFds, true);
    bytes.set(payload, HEADER_SIZE);
    return bytes;
}

function split(payload) {
    if (payload.length === 0 || payload.at(-1) !== 0)
        return [];
    return new TextDecoder().decode(payload.subarray(0, -1)).split('\0');
}

function getSetting(payload, name) {
    const setting = split(payload).find(text => text.startsWith(`${name}=`));
    return setting?.slice(name.length + 1) ?? null;
}

function splitError(payload) {
    const texts = [];
    for (let i = 0; i < 3; i++) {
        const end = payload.indexOf(0);
        assert(end >= 0, 'no string');
        texts.push(new TextDecoder().decode(payload.subarray(0, end)));
        payload = payload.subarray(end + 1);
    }
    return [...texts, toHex(payload)];
}

function problemOf(func) {
    try {
        func();
    } catch (error) {
        return error.message;
    }
    return null;
}

const data = load();

await run({
    'reads and writes frames': () => {
        for (const entry of data.frames) {
            const frame = decode(fromHex(entry.hex), 2n ** 63n - 1n);
            assertEqual([frame.kind, frame.flags, `${frame.id}`, frame.nFds, `${frame.payload.length}`],
                [entry['kind-name'], entry.flags, entry.id, entry['n-fds'], entry.length]);
            assertEqual(toHex(encode(frame)), entry.hex);
            if (entry.strings)
                assertEqual(split(frame.payload), entry.strings);
        }
    },

    'refuses what is no frame': () => {
        for (const entry of data.invalid) {
            assertEqual(
                problemOf(() => decode(fromHex(entry.hex), BigInt(entry['max-length'] ?? 1000))),
                entry.reason);
        }
    },

    'finds settings': () => {
        for (const entry of data.settings)
            assertEqual(getSetting(fromHex(entry.hex), entry.name), entry.value);
    },

    'reads errors': () => {
        for (const entry of data.errors) {
            if (entry.type === null) {
                assertEqual(problemOf(() => splitError(fromHex(entry.hex))), 'no string');
            } else {
                assertEqual(splitError(fromHex(entry.hex)),
                    [entry.type, entry.message, entry.traceback, entry.extra]);
            }
        }
    },
});
