// SPDX-License-Identifier: Apache-2.0
// How long does a window go without a frame?
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';

/** Counts the frames of a widget from start() to stop(), and keeps the longest gap between two. */
export const FrameMonitor = GObject.registerClass({
    GTypeName: 'KernelFrameMonitor',
    Signals: {'changed': {}},
}, class FrameMonitor extends GObject.Object {
    constructor(widget) {
        super();
        this._widget = widget;
        this._tick = 0;
        this.frames = 0;
        this.longestGapMsec = 0;
        this._last = 0;
    }

    reset() {
        this.frames = 0;
        this.longestGapMsec = 0;
        this._last = GLib.get_monotonic_time();
    }

    start() {
        if (this._tick !== 0)
            return;
        this._last = GLib.get_monotonic_time();
        this._tick = this._widget.add_tick_callback(() => this._onFrame());
    }

    stop() {
        if (this._tick === 0)
            return;
        this._widget.remove_tick_callback(this._tick);
        this._tick = 0;
    }

    _onFrame() {
        const now = GLib.get_monotonic_time();
        const gapMsec = (now - this._last) / 1000;
        this._last = now;
        this.frames++;
        if (gapMsec > this.longestGapMsec) {
            this.longestGapMsec = gapMsec;
            this.emit('changed');
        }
        return GLib.SOURCE_CONTINUE;
    }
});
