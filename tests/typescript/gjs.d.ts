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

declare module 'system' {
    const System: {exit(code: number): never};
    export default System;
}

declare const ARGV: string[];
declare const imports: any;
declare function print(...values: any[]): void;
declare function printerr(...values: any[]): void;
