// SPDX-License-Identifier: Apache-2.0
// A bar for each candidate, the longest on top
import Adw from 'gi://Adw?version=1';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Gtk from 'gi://Gtk?version=4.0';

import {resourceUri} from './resource.js';
import {State} from './tuner.js';

const GROW_MSEC = 400;

const CandidateRow = GObject.registerClass({
    GTypeName: 'KernelCandidateRow',
    Template: resourceUri('candidate-row.ui'),
    InternalChildren: ['name', 'options', 'stack', 'state', 'bar', 'gflops', 'best', 'reason',
        'detail'],
}, class CandidateRow extends Gtk.ListBoxRow {
    constructor(candidate) {
        super();
        this.candidate = candidate;
        this._name.label = candidate.name;
        this._options.label = candidate.options.join(' ');
        this._share = 0;
        this._tick = 0;
        this.update(0);
    }

    /** @bestGflops: how long a whole bar is */
    update(bestGflops) {
        const {state, gflops} = this.candidate;
        if (state === State.MEASURED)
            this._showBar(gflops, bestGflops);
        else if (state === State.LOST)
            this._showReason();
        else
            this._showState();
        this.update_property([Gtk.AccessibleProperty.LABEL],
            [`${this.candidate.name} ${this.candidate.options.join(' ')}: ${this.summary}`]);
    }

    get summary() {
        const {state, gflops, reason, detail} = this.candidate;
        if (state === State.MEASURED)
            return `${gflops.toFixed(2)} GFLOP/s`;
        return state === State.LOST ? `${reason}: ${detail}` : this._state.label;
    }

    _showBar(gflops, bestGflops) {
        const isBest = gflops === bestGflops;
        this._gflops.label = gflops.toFixed(gflops < 10 ? 2 : 1);
        this._best.opacity = isBest ? 1 : 0;
        if (isBest)
            this._bar.add_css_class('best');
        else
            this._bar.remove_css_class('best');

        this._growTo(gflops / bestGflops);
        this._stack.visibleChildName = 'bar';
    }

    _growTo(share) {
        if (share === this._share)
            return;
        this._share = share;
        if (this._tick !== 0)
            this.remove_tick_callback(this._tick);

        const [from, start] = [this._bar.fraction, GLib.get_monotonic_time()];
        const duration = this.get_settings().gtkEnableAnimations ? GROW_MSEC * 1000 : 1;
        this._tick = this.add_tick_callback(() => {
            const left = 1 - Math.min((GLib.get_monotonic_time() - start) / duration, 1);
            this._bar.fraction = share + (from - share) * left ** 3;
            if (left > 0)
                return GLib.SOURCE_CONTINUE;
            this._tick = 0;
            return GLib.SOURCE_REMOVE;
        });
    }

    _showReason() {
        this._reason.label = this.candidate.reason;
        this._detail.label = this.candidate.detail;
        this.tooltipText = this.candidate.detail;
        this._stack.visibleChildName = 'reason';
    }

    _showState() {
        this._state.label = {
            [State.WAITING]: 'Waiting',
            [State.COMPILING]: 'Compiling…',
            [State.COMPILED]: 'Compiled',
            [State.RUNNING]: 'Running…',
            [State.STOPPED]: 'Stopped',
        }[this.candidate.state];
        this._stack.visibleChildName = 'state';
    }
});

// Those with a figure first, those that lost last
function compare(a, b) {
    const lost = it => it.state === State.LOST ? 1 : 0;
    return b.gflops - a.gflops || lost(a) - lost(b);
}

export const CandidateChart = GObject.registerClass({
    GTypeName: 'KernelCandidateChart',
}, class CandidateChart extends Adw.Bin {
    constructor(params) {
        super(params);
        this._candidates = [];
        this._list = new Gtk.ListBox({
            cssClasses: ['boxed-list', 'candidates'],
            selectionMode: Gtk.SelectionMode.NONE,
            valign: Gtk.Align.START,
        });
        this._list.update_property([Gtk.AccessibleProperty.LABEL], ['Candidates']);
        this._list.set_sort_func((a, b) => Math.sign(compare(a.candidate, b.candidate)));
        this.child = this._list;
    }

    get candidates() {
        return this._candidates;
    }

    set candidates(candidates) {
        for (let row; (row = this._list.get_row_at_index(0)) !== null;)
            this._list.remove(row);
        this._candidates = candidates;
        for (const candidate of candidates) {
            this._list.append(new CandidateRow(candidate));
            candidate.connect('changed', () => this._update());
        }
    }

    /** The rows from the top, as text */
    get summaries() {
        return this.rows.map(it => `${it.candidate.name}: ${it.summary}`);
    }

    get rows() {
        return this._candidates.map((_, index) => this._list.get_row_at_index(index));
    }

    _update() {
        const bestGflops = Math.max(...this._candidates.map(it => it.gflops));
        for (const row of this.rows)
            row.update(bestGflops);
        this._list.invalidate_sort();
    }
});
