// SPDX-License-Identifier: Apache-2.0
// As much of the packages @girs as the types of the library refer to, for a test without network.

declare module '@girs/gobject-2.0' {
    namespace GObject {
        type GType<T = unknown> = {__type__(arg: never): T, name: string};
        interface ParamSpec {
            name: string;
        }
        class Object {
            static $gtype: GType<Object>;
            constructor(properties?: Partial<Object.ConstructorProps>);
            connect(signal: string, callback: (...args: any[]) => any): number;
            disconnect(id: number): void;
            notify(property: string): void;
        }
        namespace Object {
            interface ConstructorProps {}
        }
    }
    export default GObject;
}

declare module '@girs/glib-2.0' {
    namespace GLib {
        type Quark = number;
        class Bytes {
            constructor(data?: Uint8Array | null);
            get_size(): number;
            toArray(): Uint8Array;
        }
        class Error {
            domain: number;
            code: number;
            message: string;
            stack: string;
            constructor(options: {message: string, code: number});
            matches(domain: any, code: number): boolean;
        }
        class Variant {
            constructor(type: string, value: any);
            recursiveUnpack(): any;
        }
    }
    export default GLib;
}

declare module '@girs/gio-2.0' {
    import GObject from '@girs/gobject-2.0';

    namespace Gio {
        type AsyncReadyCallback<T = GObject.Object> = (source: T | null, result: AsyncResult) => void;
        interface AsyncResult {
            get_source_object(): GObject.Object | null;
        }
        class Cancellable extends GObject.Object {
            cancel(): void;
            is_cancelled(): boolean;
        }
        class File {
            static new_for_path(path: string): File;
        }
        enum FileType {
            REGULAR = 1,
        }
        interface Initable {
            init(cancellable: Cancellable | null): boolean;
        }
        interface ListModel extends GObject.Object {
            get_n_items(): number;
            get_item(position: number): GObject.Object | null;
        }
        class OutputStream extends GObject.Object {
            close(cancellable: Cancellable | null): boolean;
        }
    }
    export default Gio;
}
