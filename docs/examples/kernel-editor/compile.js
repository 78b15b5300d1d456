// SPDX-License-Identifier: Apache-2.0
// From the text of a kernel to a program that measures it
import Gio from 'gi://Gio';
import TvmSupport from 'gi://TvmSupport?version=1';

import {resourcePath} from './resource.js';

// What diagnostics call the text, which is in no file
export const KERNEL_NAME = 'kernel.c';

const OPTIONS = ['-O2', '-Wall', '-Wextra'];
const TIMEOUT_MSEC = 20 * 1000;

export const isCancelled = error =>
    error instanceof Gio.IOErrorEnum && error.code === Gio.IOErrorEnum.CANCELLED;

/** Makes programs of kernels, each under a name of its own. Any number may be made at a time. */
export class KernelCompiler {
    constructor() {
        this._compiler = TvmSupport.Compiler.new();
        this._directory = TvmSupport.TempDirectory.new();
    }

    /** Who compiles, for people: “gcc 12.2.0” */
    async describe(cancellable = null) {
        const toolchain = await this._compiler.load_toolchain_async(cancellable);
        return `${toolchain.get_name()} ${toolchain.get_version()}`;
    }

    async compile(source, name, options = OPTIONS, cancellable = null) {
        const request = TvmSupport.CompileRequest.new(TvmSupport.CompileKind.EXECUTABLE);
        request.add_input_bytes(KERNEL_NAME, new TextEncoder().encode(source));
        request.add_input(resourcePath('harness.c'));
        request.set_options(options);
        request.set_link_options(['-lm']);
        request.set_timeout(TIMEOUT_MSEC);
        // The compiler writes elsewhere first: a program that still runs is not disturbed.
        request.set_output(this._directory.build_path(name));
        return await this._compiler.compile_async(request, cancellable);
    }

    async close() {
        await this._directory.remove_async();
    }
}

/** Compiles what is in an editor: only the newest text counts. */
export class LiveCompiler {
    constructor(compiler) {
        this._compiler = compiler;
        this._source = null;
        this._cancellable = null;
    }

    get isPending() {
        return this._cancellable !== null;
    }

    /** The same text gives the same promise; another one cancels the compile that runs. */
    compile(source) {
        if (source !== this._source) {
            this.cancel();
            this._source = source;
            this._cancellable = new Gio.Cancellable();
            this._result = this._start(source, this._cancellable);
        }
        return this._result;
    }

    /** What is done already stays. */
    cancel() {
        if (!this.isPending)
            return;
        this._cancellable.cancel();
        this._cancellable = null;
        this._source = null;
    }

    async _start(source, cancellable) {
        try {
            const result = await this._compiler.compile(source, 'kernel', OPTIONS, cancellable);
            if (this._cancellable === cancellable)
                this._cancellable = null;
            return result;
        } catch (error) {
            // The next time may be luckier with the same text.
            if (this._cancellable === cancellable)
                this.cancel();
            throw error;
        }
    }
}
