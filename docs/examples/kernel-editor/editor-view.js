// SPDX-License-Identifier: Apache-2.0
// The source view, with diagnostics at their places
import Adw from 'gi://Adw?version=1';
import Gdk from 'gi://Gdk?version=4.0';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Gtk from 'gi://Gtk?version=4.0';
import GtkSource from 'gi://GtkSource?version=5';
import Pango from 'gi://Pango';
import TvmSupport from 'gi://TvmSupport?version=1';

import {KERNEL_NAME} from './compile.js';

const PAUSE_MSEC = 300;

const CATEGORIES = {
    error: {icon: 'dialog-error-symbolic', color: '#e01b24', priority: 2},
    warning: {icon: 'dialog-warning-symbolic', color: '#e5a50a', priority: 1},
};

export const isInKernel = diagnostic =>
    diagnostic.get_file() === KERNEL_NAME && diagnostic.get_line() > 0;

export const isError = diagnostic =>
    diagnostic.get_severity() >= TvmSupport.DiagnosticSeverity.ERROR;

const bySeverity = (a, b) => b.get_severity() - a.get_severity();

const categoryOf = diagnostic => isError(diagnostic) ? 'error' : 'warning';

const isInName = char => /[\p{L}\p{N}_]/u.test(char);

const parseColor = text => {
    const color = new Gdk.RGBA();
    color.parse(text);
    return color;
};

export const EditorView = GObject.registerClass({
    GTypeName: 'KernelEditorView',
    Signals: {
        // Something was typed; what was said about the text before may not be true any more
        'edited': {},
        // Nothing was typed for a moment
        'paused': {},
    },
}, class EditorView extends Adw.Bin {
    constructor(params) {
        super(params);
        this._problems = new Map(); // by their tag
        this._marks = new Map();
        this._pause = 0;
        this._buffer = new GtkSource.Buffer({
            language: GtkSource.LanguageManager.get_default().get_language('c'),
        });
        this._buffer.connect('changed', () => this._onChanged());
        this._view = this._createView();
        this.child = new Gtk.ScrolledWindow({child: this._view, hexpand: true, vexpand: true});

        const style = Adw.StyleManager.get_default();
        const handler = style.connect('notify::dark', () => this._followStyle(style));
        this._followStyle(style);
        this.connect('destroy', () => {
            style.disconnect(handler);
            this._cancelPause();
        });
    }

    get text() {
        return this._buffer.text;
    }

    set text(text) {
        this._buffer.begin_irreversible_action();
        this._buffer.text = text;
        this._buffer.end_irreversible_action();
        this._buffer.place_cursor(this._buffer.get_start_iter());
    }

    get buffer() {
        return this._buffer;
    }

    get view() {
        return this._view;
    }

    /** The line in which the cursor is, counted from 1 */
    get line() {
        return this._buffer.get_iter_at_mark(this._buffer.get_insert()).get_line() + 1;
    }

    vfunc_grab_focus() {
        return this._view.grab_focus();
    }

    /** Underlines what has a place in the text. */
    showProblems(diagnostics) {
        this.clearProblems();
        const worstFirst = diagnostics.filter(isInKernel).sort(bySeverity);
        for (const diagnostic of worstFirst) {
            this._underline(diagnostic);
            this._mark(diagnostic);
        }
    }

    clearProblems() {
        const [start, end] = this._buffer.get_bounds();
        this._buffer.remove_source_marks(start, end, null);
        for (const tag of this._problems.keys())
            this._buffer.tag_table.remove(tag);
        this._problems.clear();
        this._marks.clear();
    }

    /** What is said about a place, the worst first */
    problemsAt(iter) {
        return iter.get_tags()
            .filter(tag => this._problems.has(tag))
            .map(tag => this._problems.get(tag))
            .sort(bySeverity);
    }

    reveal(diagnostic) {
        const iter = this._iterAt(diagnostic.get_line(), diagnostic.get_column());
        this._buffer.place_cursor(iter);
        this._view.scroll_to_iter(iter, 0.1, false, 0, 0);
        this._view.grab_focus();
    }

    /** Does what the compiler proposes, as one step to undo. */
    applyFixes(diagnostic) {
        // From the end, so that the places of the others stay true
        const fixes = [...diagnostic.get_fixits()].sort(
            (a, b) => b.get_line() - a.get_line() || b.get_column() - a.get_column());
        this._buffer.begin_user_action();
        for (const fix of fixes) {
            const start = this._iterAt(fix.get_line(), fix.get_column());
            this._buffer.delete(start, this._iterAt(fix.get_end_line(), fix.get_end_column()));
            this._buffer.insert(start, fix.get_replacement(), -1);
        }
        this._buffer.end_user_action();
        this._view.grab_focus();
    }

    _createView() {
        const view = new GtkSource.View({
            buffer: this._buffer,
            autoIndent: true,
            bottomMargin: 12,
            hasTooltip: true,
            highlightCurrentLine: true,
            indentWidth: 2,
            insertSpacesInsteadOfTabs: true,
            leftMargin: 6,
            monospace: true,
            showLineMarks: true,
            showLineNumbers: true,
            topMargin: 6,
        });
        view.update_property([Gtk.AccessibleProperty.LABEL], ['Source of the kernel']);
        view.connect('query-tooltip', (_, ...args) => this._onQueryTooltip(...args));
        for (const [category, {icon, priority}] of Object.entries(CATEGORIES)) {
            const attributes = new GtkSource.MarkAttributes({iconName: icon});
            attributes.connect('query-tooltip-text',
                (_, mark) => this._marks.get(mark)?.get_message() ?? '');
            view.set_mark_attributes(category, attributes, priority);
        }
        return view;
    }

    _followStyle({dark}) {
        this._buffer.styleScheme = GtkSource.StyleSchemeManager.get_default()
            .get_scheme(dark ? 'Adwaita-dark' : 'Adwaita');
    }

    _onChanged() {
        this._cancelPause();
        this._pause = GLib.timeout_add(GLib.PRIORITY_DEFAULT, PAUSE_MSEC, () => {
            this._pause = 0;
            this.emit('paused');
            return GLib.SOURCE_REMOVE;
        });
        this.emit('edited');
    }

    _cancelPause() {
        if (this._pause !== 0)
            GLib.source_remove(this._pause);
        this._pause = 0;
    }

    _onQueryTooltip(x, y, keyboard, tooltip) {
        let iter;
        if (keyboard) {
            iter = this._buffer.get_iter_at_mark(this._buffer.get_insert());
        } else {
            const place = this._view.window_to_buffer_coords(Gtk.TextWindowType.WIDGET, x, y);
            const [over, found] = this._view.get_iter_at_location(...place);
            if (!over)
                return false;
            iter = found;
        }
        const problems = this.problemsAt(iter);
        tooltip.set_text(problems.map(it => it.get_message()).join('\n'));
        return problems.length > 0;
    }

    _underline(diagnostic) {
        const {color} = CATEGORIES[categoryOf(diagnostic)];
        const [start, end] = this._rangeOf(diagnostic);
        const tag = new Gtk.TextTag({
            underline: Pango.Underline.ERROR,
            underlineRgba: parseColor(color),
        });
        this._buffer.tag_table.add(tag);
        this._buffer.apply_tag(tag, start, end);
        this._problems.set(tag, diagnostic);
    }

    // The gutter only shows what is where a line begins, and has place for one icon.
    _mark(diagnostic) {
        const line = diagnostic.get_line() - 1;
        if (this._buffer.get_source_marks_at_line(line, null).length > 0)
            return;
        const [, start] = this._buffer.get_iter_at_line(line);
        this._marks.set(this._buffer.create_source_mark(null, categoryOf(diagnostic), start),
            diagnostic);
    }

    // What is underlined: at least one character, as what has no width is not seen
    _rangeOf(diagnostic) {
        const start = this._iterAt(diagnostic.get_line(), diagnostic.get_column());
        const end = this._iterAt(diagnostic.get_end_line(), diagnostic.get_end_column());
        if (end.compare(start) <= 0) {
            // Only a place is known; what is meant is the name that begins there.
            end.assign(start);
            while (isInName(end.get_char()))
                end.forward_char();
        }
        // The end that a compiler gives belongs to the range.
        else if (!end.ends_line())
            end.forward_char();

        if (end.equal(start) && !end.ends_line())
            end.forward_char();
        else if (end.equal(start) && !start.starts_line())
            start.backward_char();
        return [start, end];
    }

    // Compilers count lines and bytes from 1, 0 is unknown, and the text may have changed since.
    _iterAt(line, column) {
        if (line === 0)
            return this._buffer.get_start_iter();
        const [found, iter] = this._buffer.get_iter_at_line(line - 1);
        if (!found)
            return this._buffer.get_end_iter();
        const end = iter.copy();
        if (!end.ends_line())
            end.forward_to_line_end();
        const bytes = new TextEncoder().encode(this._buffer.get_text(iter, end, true));
        const before = new TextDecoder().decode(bytes.slice(0, Math.max(column - 1, 0)));
        iter.forward_chars([...before].length);
        return iter;
    }
});
