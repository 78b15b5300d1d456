// SPDX-License-Identifier: Apache-2.0
// What the examples use of GJS besides the library: it is not what is checked.

declare module 'gi://Gio' {
    const Gio: any;
    export default Gio;
}

declare module 'gi://GLib' {
    const GLib: any;
    export default GLib;
}

declare module 'gi://GObject' {
    const GObject: any;
    export default GObject;
}

declare module 'gi://Pango' {
    const Pango: any;
    export default Pango;
}

declare module 'gi://Adw?version=1' {
    const Adw: any;
    export default Adw;
}

declare module 'gi://Gdk?version=4.0' {
    const Gdk: any;
    export default Gdk;
}

declare module 'gi://Gtk?version=4.0' {
    const Gtk: any;
    export default Gtk;
}

declare module 'gi://GtkSource?version=5' {
    const GtkSource: any;
    export default GtkSource;
}

declare module 'system' {
    const System: {exit(code: number): never; programInvocationName: string};
    export default System;
}

declare const ARGV: string[];
declare const imports: any;
declare function print(...values: any[]): void;
declare function printerr(...values: any[]): void;
declare function logError(error: unknown, prefix?: string): void;
declare const TextDecoder: any;
declare const TextEncoder: any;

interface ImportMeta {
    url: string;
}
