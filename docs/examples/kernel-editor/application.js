// SPDX-License-Identifier: Apache-2.0
import Adw from 'gi://Adw?version=1';
import Gdk from 'gi://Gdk?version=4.0';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import Gtk from 'gi://Gtk?version=4.0';
import GtkSource from 'gi://GtkSource?version=5';

import {resourcePath} from './resource.js';
import {Window} from './window.js';

const ACCELERATORS = {
    'app.quit': ['<Control>q'],
    'win.next-problem': ['F8'],
    'win.run': ['<Control>Return', '<Control>KP_Enter'],
    'win.show-help-overlay': ['<Control>question'],
    'win.stop': ['Escape'],
    'win.tune': ['<Control>t'],
    'window.close': ['<Control>w'],
};

const STYLES = {
    default: Adw.ColorScheme.DEFAULT,
    light: Adw.ColorScheme.FORCE_LIGHT,
    dark: Adw.ColorScheme.FORCE_DARK,
};

export const Application = GObject.registerClass({
    GTypeName: 'KernelApplication',
}, class Application extends Adw.Application {
    constructor() {
        super({
            applicationId: 'org.example.KernelEditor',
            flags: Gio.ApplicationFlags.NON_UNIQUE,
        });
    }

    vfunc_startup() {
        super.vfunc_startup();
        GtkSource.init();
        this._addActions();
        for (const [action, accelerators] of Object.entries(ACCELERATORS))
            this.set_accels_for_action(action, accelerators);

        const provider = new Gtk.CssProvider();
        provider.load_from_path(resourcePath('style.css'));
        Gtk.StyleContext.add_provider_for_display(Gdk.Display.get_default(), provider,
            Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION);
    }

    vfunc_activate() {
        (this.activeWindow ?? new Window({application: this})).present();
    }

    _addActions() {
        const quit = new Gio.SimpleAction({name: 'quit'});
        quit.connect('activate', () => this._quit());
        this.add_action(quit);

        const about = new Gio.SimpleAction({name: 'about'});
        about.connect('activate', () => this._showAbout());
        this.add_action(about);

        const style = Gio.SimpleAction.new_stateful('style', new GLib.VariantType('s'),
            GLib.Variant.new_string('default'));
        style.connect('change-state', (action, value) => {
            Adw.StyleManager.get_default().colorScheme = STYLES[value.unpack()];
            action.set_state(value);
        });
        this.add_action(style);
    }

    // Windows end what they started before they are gone.
    _quit() {
        for (const window of this.get_windows())
            window.close();
    }

    _showAbout() {
        new Adw.AboutWindow({
            applicationName: 'Kernel Editor',
            comments: 'An example for the library tvmsupport',
            developerName: 'The tvmsupport developers',
            licenseType: Gtk.License.APACHE_2_0,
            transientFor: this.activeWindow,
            version: '1.0',
        }).present();
    }
});
