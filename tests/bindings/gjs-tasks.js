// SPDX-License-Identifier: Apache-2.0
// Functions for the workers of test-gjs-worker.js
import GLib from 'gi://GLib';

let counter = 0;

export function count() {
    return ++counter;
}

export async function addLater(a, b) {
    await new Promise(resolve => {
        GLib.timeout_add(GLib.PRIORITY_DEFAULT, 1, () => {
            resolve();
            return GLib.SOURCE_REMOVE;
        });
    });
    return a + b;
}

export function fail(message) {
    throw new RangeError(message);
}

export default function upper(text) {
    return text.toUpperCase();
}

export const number = 1;
