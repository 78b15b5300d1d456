// SPDX-License-Identifier: Apache-2.0
// Diagnostics below each other
import Adw from 'gi://Adw?version=1';
import GObject from 'gi://GObject';
import Gtk from 'gi://Gtk?version=4.0';
import Pango from 'gi://Pango';
import TvmSupport from 'gi://TvmSupport?version=1';

import {isError, isInKernel} from './editor-view.js';

const ProblemRow = GObject.registerClass({
    GTypeName: 'KernelProblemRow',
    Signals: {'fix': {}},
}, class ProblemRow extends Gtk.ListBoxRow {
    constructor(diagnostic) {
        super();
        this.diagnostic = diagnostic;

        const box = new Gtk.Box({spacing: 12, marginStart: 12, marginEnd: 12});
        box.append(new Gtk.Image({
            iconName: isError(diagnostic) ? 'dialog-error-symbolic' : 'dialog-warning-symbolic',
            cssClasses: [isError(diagnostic) ? 'error' : 'warning'],
            accessibleRole: Gtk.AccessibleRole.PRESENTATION,
        }));
        box.append(new Gtk.Label({
            label: diagnostic.get_message(),
            ellipsize: Pango.EllipsizeMode.END,
            heightRequest: 36,
            hexpand: true,
            tooltipText: diagnostic.get_message(),
            xalign: 0,
        }));
        if (isInKernel(diagnostic)) {
            box.append(new Gtk.Label({
                label: `Line ${diagnostic.get_line()}`,
                cssClasses: ['dim-label', 'numeric'],
            }));
        }
        if (diagnostic.get_fixits().get_n_items() > 0)
            box.append(this._createFixButton());
        this.child = box;
        this.activatable = isInKernel(diagnostic);
        this.update_property([Gtk.AccessibleProperty.LABEL], [diagnostic.format()]);
    }

    set canFix(canFix) {
        if (this._fixButton)
            this._fixButton.sensitive = canFix;
    }

    _createFixButton() {
        this._fixButton = new Gtk.Button({
            label: 'Fix',
            tooltipText: 'Do what the compiler proposes',
            valign: Gtk.Align.CENTER,
            cssClasses: ['flat'],
        });
        this._fixButton.connect('clicked', () => this.emit('fix'));
        return this._fixButton;
    }
});

/** Is not there as long as there are no problems. */
export const ProblemList = GObject.registerClass({
    GTypeName: 'KernelProblemList',
    Signals: {
        'activated': {param_types: [TvmSupport.Diagnostic.$gtype]},
        'fix': {param_types: [TvmSupport.Diagnostic.$gtype]},
    },
}, class ProblemList extends Adw.Bin {
    constructor(params) {
        super(params);
        this._problems = [];
        this._list = new Gtk.ListBox({selectionMode: Gtk.SelectionMode.NONE, showSeparators: true});
        this._list.update_property([Gtk.AccessibleProperty.LABEL], ['Problems']);
        this._list.connect('row-activated', (_, row) => this.emit('activated', row.diagnostic));
        this._revealer = new Gtk.Revealer({
            child: new Gtk.ScrolledWindow({
                child: this._list,
                cssClasses: ['problems'],
                hscrollbarPolicy: Gtk.PolicyType.NEVER,
                maxContentHeight: 160,
                propagateNaturalHeight: true,
            }),
            transitionType: Gtk.RevealerTransitionType.SLIDE_UP,
        });
        this.child = this._revealer;
    }

    /** The problems that are shown: an array of TvmSupport.Diagnostic */
    get problems() {
        return this._problems;
    }

    set problems(problems) {
        this._problems = problems;
        // What was there stays to be seen while it slides away.
        if (problems.length > 0)
            this._fill(problems);
        this._revealer.revealChild = problems.length > 0;
    }

    /** A text that was changed is not what the proposals of the compiler are for. */
    forbidFixes() {
        this.problems.forEach((_, index) => {
            this._list.get_row_at_index(index).canFix = false;
        });
    }

    _fill(problems) {
        for (let row; (row = this._list.get_row_at_index(0)) !== null;)
            this._list.remove(row);
        for (const problem of problems) {
            const row = new ProblemRow(problem);
            row.connect('fix', () => this.emit('fix', problem));
            this._list.append(row);
        }
    }
});
