// SPDX-License-Identifier: Apache-2.0
// What became of the last run
import Adw from 'gi://Adw?version=1';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Gtk from 'gi://Gtk?version=4.0';

import {resourceUri} from './resource.js';

const seconds = usec => `${(usec / 1e6).toFixed(1)} s`;

export const MeasurementView = GObject.registerClass({
    GTypeName: 'KernelMeasurementView',
    Template: resourceUri('measurement-view.ui'),
    InternalChildren: ['stack', 'progress', 'elapsed', 'milliseconds', 'gflops', 'reason',
        'detail'],
}, class MeasurementView extends Adw.Bin {
    /** idle, running, measured or failed */
    get page() {
        return this._stack.visibleChildName;
    }

    get summary() {
        return {
            measured: `${this._milliseconds.label} ms, ${this._gflops.label} GFLOP/s`,
            failed: `${this._reason.label}: ${this._detail.label}`,
        }[this.page] ?? '';
    }

    showIdle() {
        this._show('idle');
    }

    /** Counts up to the time limit until something else is shown. */
    showRunning(limitMsec) {
        const start = GLib.get_monotonic_time();
        const update = () => {
            const elapsed = GLib.get_monotonic_time() - start;
            this._progress.fraction = Math.min(elapsed / 1000 / limitMsec, 1);
            this._elapsed.label = `${seconds(elapsed)} of ${seconds(limitMsec * 1000)}`;
            return GLib.SOURCE_CONTINUE;
        };
        this._show('running');
        update();
        this._tick = this.add_tick_callback(update);
    }

    show({milliseconds, gflops, reason, detail}) {
        if (reason === undefined) {
            this._milliseconds.label = milliseconds.toFixed(milliseconds < 10 ? 2 : 1);
            this._gflops.label = gflops.toFixed(gflops < 10 ? 2 : 1);
            this._show('measured');
        } else {
            this._reason.label = reason;
            this._detail.label = detail;
            this._show('failed');
        }
    }

    _show(page) {
        if (this._tick !== undefined)
            this.remove_tick_callback(this._tick);
        this._tick = undefined;
        this._stack.visibleChildName = page;
    }
});
