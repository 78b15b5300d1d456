// SPDX-License-Identifier: Apache-2.0
// The same kernel in many ways: which one is the fastest?
import GObject from 'gi://GObject';
import TvmSupport from 'gi://TvmSupport?version=1';

import {isCancelled} from './compile.js';

export const State = Object.freeze({
    WAITING: 0,
    COMPILING: 1,
    COMPILED: 2,
    RUNNING: 3,
    MEASURED: 4,
    LOST: 5,
    STOPPED: 6,
});

export const Candidate = GObject.registerClass({
    GTypeName: 'KernelCandidate',
    Signals: {'changed': {}},
}, class Candidate extends GObject.Object {
    constructor(tile, options) {
        super();
        this.tile = tile;
        this.options = options;
        this.state = State.WAITING;
        this.gflops = 0;
        this.reason = '';
        this.detail = '';
    }

    get name() {
        return `TILE ${this.tile}`;
    }

    get arguments() {
        // A loop without end must not be optimized away: it is one of those that lose.
        return [`-DTILE=${this.tile}`, '-fno-finite-loops', ...this.options];
    }

    update(state, fields = {}) {
        Object.assign(this, {state, ...fields});
        this.emit('changed');
    }

    lose(reason, detail) {
        this.update(State.LOST, {reason, detail});
    }
});

/** Three of them cannot win: they hang, are refused by the compiler, and overflow the stack. */
export function createCandidates() {
    const fast = ['-O3', '-march=native'];
    return [
        ...[16, 32, 64, 128].map(tile => new Candidate(tile, ['-O2'])),
        ...[0, 48, 4096].map(tile => new Candidate(tile, fast)),
        ...[16, 32, 64, 128].map(tile => new Candidate(tile, fast)),
    ];
}

async function compile(compiler, source, candidate, index, cancellable) {
    candidate.update(State.COMPILING);
    const result = await compiler.compile(source, `candidate-${index}`, candidate.arguments,
        cancellable);
    if (result.get_successful()) {
        candidate.update(State.COMPILED, {program: result.get_output()});
        return;
    }
    const errors = [...result.get_diagnostics()].filter(
        it => it.get_severity() >= TvmSupport.DiagnosticSeverity.ERROR);
    candidate.lose('Does not compile', errors[0]?.get_message() ?? result.get_log_text());
}

async function measure(measurer, candidate, timeoutMsec, cancellable) {
    candidate.update(State.RUNNING);
    const {gflops, reason, detail} =
        await measurer.measure(candidate.program, timeoutMsec, cancellable);
    if (reason === undefined)
        candidate.update(State.MEASURED, {gflops});
    else
        candidate.lose(reason, detail);
}

/**
 * Compiles all candidates in parallel, then measures one after the other, so that no figure
 * depends on what else the machine has to do.
 */
export async function tune({candidates, source, compiler, measurer, timeoutMsec, cancellable}) {
    try {
        await Promise.all(candidates.map(
            (it, index) => compile(compiler, source, it, index, cancellable)));
        for (const candidate of candidates.filter(it => it.state === State.COMPILED))
            await measure(measurer, candidate, timeoutMsec, cancellable);
    } catch (error) {
        const state = isCancelled(error) ? State.STOPPED : State.LOST;
        for (const candidate of candidates.filter(it => it.state < State.MEASURED))
            candidate.update(state, {reason: 'Stopped', detail: error.message});
        throw error;
    }
}
