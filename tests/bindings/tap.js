// SPDX-License-Identifier: Apache-2.0
// A TAP producer: run({'what it does': async () => { … }, …})
import GLib from 'gi://GLib';
import System from 'system';

export function assert(value, what = 'an assertion failed') {
    if (!value)
        throw new Error(what);
}

export function assertEqual(got, expected) {
    const [left, right] = [JSON.stringify(got), JSON.stringify(expected)];
    assert(left === right, `${left} is not ${right}`);
}

export async function assertRejects(promise, domain, code) {
    try {
        await promise;
    } catch (error) {
        assert(error instanceof GLib.Error && error.matches(domain, code), `${error}`);
        return error;
    }
    throw new Error('nothing was thrown');
}

export async function run(tests) {
    const entries = Object.entries(tests);
    let failed = 0;

    print(`1..${entries.length}`);
    for (const [index, [name, test]] of entries.entries()) {
        try {
            await test();
            print(`ok ${index + 1} - ${name}`);
        } catch (error) {
            failed++;
            print(`not ok ${index + 1} - ${name}`);
            for (const line of `${error}\n${error.stack ?? ''}`.trim().split('\n'))
                print(`# ${line}`);
        }
    }
    System.exit(failed === 0 ? 0 : 1);
}
