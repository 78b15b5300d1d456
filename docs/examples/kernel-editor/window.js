// SPDX-License-Identifier: Apache-2.0
// Brings the parts together. Whatever takes time is awaited, so the window always answers.
import Adw from 'gi://Adw?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Gtk from 'gi://Gtk?version=4.0';

import './candidate-chart.js';
import {KernelCompiler, LiveCompiler, isCancelled} from './compile.js';
import {isInKernel} from './editor-view.js';
import {FrameMonitor} from './frame-monitor.js';
import {Measurer} from './measure.js';
import './measurement-view.js';
import './problem-list.js';
import {resourcePath, resourceUri} from './resource.js';
import {createCandidates, tune} from './tuner.js';

Gio._promisify(Gio.File.prototype, 'load_contents_async', 'load_contents_finish');

const STATUS_ICONS = {
    error: 'dialog-error-symbolic',
    success: 'object-select-symbolic',
};

const plural = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;

async function loadKernel(cancellable) {
    const file = Gio.File.new_for_uri(resourceUri('kernel.c'));
    const [contents] = await file.load_contents_async(cancellable);
    return new TextDecoder().decode(contents);
}

export const Window = GObject.registerClass({
    GTypeName: 'KernelWindow',
    Template: resourceUri('window.ui'),
    Children: ['chart', 'editor', 'limit', 'measurement', 'problem_list', 'run_button', 'status',
        'stop_button', 'tune_button'],
    InternalChildren: ['chart_stack', 'frames', 'spinner', 'status_icon', 'title', 'toasts'],
}, class Window extends Adw.ApplicationWindow {
    constructor(params) {
        super(params);
        this._compiler = new KernelCompiler();
        this._live = new LiveCompiler(this._compiler);
        this._measurer = new Measurer();
        this.frameMonitor = new FrameMonitor(this);
        this.frameMonitor.connect('changed', () => this._showFrames());
        this._activities = new Set();
        this._job = null;

        this._addActions();
        this._connectEditor();
        this.set_help_overlay(
            Gtk.Builder.new_from_file(resourcePath('shortcuts.ui')).get_object('shortcuts'));
        this._opening = new Gio.Cancellable();
        this._opened = this._open(this._opening);
    }

    get timeLimitMsec() {
        return Math.round(this.limit.value * 1000);
    }

    vfunc_close_request() {
        this._closed ??= this._close().catch(logError).finally(() => this.destroy());
        return true;
    }

    _addActions() {
        const actions = {
            'run': () => this._run(),
            'tune': () => this._tune(),
            'stop': () => this._stop(),
            'reset': () => this._reset(null),
            'next-problem': () => this._revealNextProblem(),
        };
        for (const [name, activate] of Object.entries(actions)) {
            const action = new Gio.SimpleAction({name});
            action.connect('activate', () => activate()?.catch(error => this._fail(error)));
            this.add_action(action);
        }
        this._updateActions();
    }

    _connectEditor() {
        this.editor.connect('edited', () => {
            this._setStatus('Editing', null);
            // A run that waits for its program gets that of the text it began with.
            if (this._job === null)
                this._live.cancel();
            this.problem_list.forbidFixes();
        });
        this.editor.connect('paused', () => this._check().catch(error => this._fail(error)));
        this.problem_list.connect('activated', (_, it) => this.editor.reveal(it));
        this.problem_list.connect('fix', (_, it) => this.editor.applyFixes(it));
    }

    async _open(cancellable) {
        try {
            await this._reset(cancellable);
            this._title.subtitle = await this._compiler.describe(cancellable);
        } catch (error) {
            if (!isCancelled(error))
                this._fail(error);
        }
    }

    // Nothing that was started is left when this is done.
    async _close() {
        this._opening.cancel();
        this._stop();
        await Promise.allSettled([this._opened, ...this._activities]);
        await this._measurer.close();
        await this._compiler.close();
    }

    async _reset(cancellable) {
        this.editor.text = await loadKernel(cancellable);
        this.editor.grab_focus();
    }

    // Compiles the text, and shows what there is to say about it.
    async _check() {
        return await this._during(async () => {
            this._setStatus('Compiling…', null);
            try {
                const result = await this._live.compile(this.editor.text);
                this._showResult(result);
                return result;
            } catch (error) {
                // A newer text has taken over, or Stop.
                if (!isCancelled(error))
                    throw error;
                return null;
            }
        });
    }

    async _run() {
        await this._work(async cancellable => {
            const result = await this._check();
            if (result === null || cancellable.is_cancelled())
                return;
            if (!result.get_successful()) {
                this._revealNextProblem();
                this._toast('The kernel does not compile');
                return;
            }
            this.measurement.showRunning(this.timeLimitMsec);
            try {
                this.measurement.show(await this._measurer.measure(result.get_output(),
                    this.timeLimitMsec, cancellable));
            } catch (error) {
                this.measurement.showIdle();
                throw error;
            }
        });
    }

    async _tune() {
        await this._work(async cancellable => {
            const candidates = createCandidates();
            this.chart.candidates = candidates;
            this._chart_stack.visibleChildName = 'chart';
            await tune({
                candidates,
                source: this.editor.text,
                compiler: this._compiler,
                measurer: this._measurer,
                timeoutMsec: this.timeLimitMsec,
                cancellable,
            });
        });
    }

    _stop() {
        if (this._live.isPending)
            this._setStatus('Not compiled', null);
        this._live.cancel();
        this._job?.cancel();
    }

    // One thing is run or tuned at a time.
    async _work(body) {
        this._job = new Gio.Cancellable();
        this.frameMonitor.reset();
        try {
            await this._during(() => body(this._job));
        } catch (error) {
            if (!isCancelled(error))
                throw error;
            this._toast('Stopped');
        } finally {
            this._job = null;
            this._updateActions();
        }
    }

    // Frames are counted, and Stop is possible, as long as anything is under way.
    async _during(body) {
        const activity = body();
        this._activities.add(activity);
        this.frameMonitor.start();
        this._updateActions();
        try {
            return await activity;
        } finally {
            this._activities.delete(activity);
            if (this._activities.size === 0)
                this.frameMonitor.stop();
            this._updateActions();
        }
    }

    _updateActions() {
        this.lookup_action('run').enabled = this._job === null;
        this.lookup_action('tune').enabled = this._job === null;
        this.lookup_action('stop').enabled = this._activities.size > 0;
        this._spinner.spinning = this._activities.size > 0;
        this.stop_button.cssClasses = this._job === null ? [] : ['destructive-action'];
    }

    _revealNextProblem() {
        const problems = this.problem_list.problems.filter(isInKernel);
        const next = problems.find(it => it.get_line() > this.editor.line) ?? problems[0];
        if (next !== undefined)
            this.editor.reveal(next);
    }

    _showResult(result) {
        const problems = [...result.get_diagnostics()];
        this.editor.showProblems(problems);
        this.problem_list.problems = problems;

        const [errors, warnings] = [result.get_n_errors(), result.get_n_warnings()];
        const parts = [];
        if (errors > 0)
            parts.push(plural(errors, 'error'));
        if (warnings > 0)
            parts.push(plural(warnings, 'warning'));
        if (result.get_timed_out())
            parts.push('the compiler took too long');
        if (result.get_successful())
            parts.push(`compiled in ${Math.round(result.get_elapsed() / 1000)} ms`);
        const text = parts.join(', ');
        this._setStatus(text[0].toUpperCase() + text.slice(1),
            result.get_successful() ? 'success' : 'error');
    }

    _showFrames() {
        const msec = Math.round(this.frameMonitor.longestGapMsec);
        this._frames.label = `Longest pause between frames: ${msec} ms`;
    }

    // @outcome: success, error, or null as long as nobody knows
    _setStatus(text, outcome) {
        this.status.label = text;
        this.status.tooltipText = text;
        this._status_icon.iconName = STATUS_ICONS[outcome] ?? null;
        this._status_icon.cssClasses = outcome === null ? [] : [outcome];
    }

    _toast(title) {
        this._toasts.add_toast(new Adw.Toast({title, timeout: 2}));
    }

    // What the library could not do at all, such as to find a compiler
    _fail(error) {
        if (!(error instanceof GLib.Error))
            logError(error);
        this._setStatus(error.message, 'error');
    }
});
