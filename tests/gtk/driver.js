// SPDX-License-Identifier: Apache-2.0
// What a test needs to use a window as a person does
import GLib from 'gi://GLib';
import Gdk from 'gi://Gdk?version=4.0';
import Gio from 'gi://Gio';
import Graphene from 'gi://Graphene';
import Gtk from 'gi://Gtk?version=4.0';

// Only for a test that fails: what is waited for comes much sooner.
const PATIENCE_MSEC = 30 * 1000;

/** Resolves when a condition holds. */
export function until(condition, what) {
    return new Promise((resolve, reject) => {
        const end = GLib.get_monotonic_time() + PATIENCE_MSEC * 1000;
        GLib.timeout_add(GLib.PRIORITY_DEFAULT, 10, () => {
            if (condition())
                resolve();
            else if (GLib.get_monotonic_time() > end)
                reject(new Error(`this did not happen: ${what()}`));
            else
                return GLib.SOURCE_CONTINUE;
            return GLib.SOURCE_REMOVE;
        });
    });
}

/** Makes steps of tests: behind one that failed, the others have nothing to begin with. */
export function steps(tests) {
    let failed = false;
    return Object.fromEntries(Object.entries(tests).map(([name, test]) => [name, async () => {
        if (failed)
            throw new Error('not tried, as a step before it failed');
        failed = true;
        await test();
        failed = false;
    }]));
}

/** Resolves when so many frames were drawn. */
export function frames(widget, count = 3) {
    return new Promise(resolve => widget.add_tick_callback(() => {
        if (--count > 0)
            return GLib.SOURCE_CONTINUE;
        resolve();
        return GLib.SOURCE_REMOVE;
    }));
}

/** Puts text in the place of other text, as if it was typed. */
export function replace(buffer, old, text) {
    const [found, start, end] = buffer.get_start_iter().forward_search(old, 0, null);
    if (!found)
        throw new Error(`there is no “${old}”`);
    buffer.begin_user_action();
    buffer.delete_interactive(start, end, true);
    buffer.insert_interactive(start, text, -1, true);
    buffer.end_user_action();
}

/** A file with what a window shows */
export function saveScreenshot(window, path) {
    const {width, height} = window.get_allocation();
    const snapshot = new Gtk.Snapshot();
    new Gtk.WidgetPaintable({widget: window}).snapshot(snapshot, width, height);
    const bounds = new Graphene.Rect().init(0, 0, width, height);
    const texture = window.get_native().get_renderer().render_texture(snapshot.to_node(), bounds);
    texture.save_to_png(path);
}

/**
 * The same of the whole display, from the frame buffer that Xvfb keeps in a file: an XWD header
 * of big-endian words, a table of colours, and rows of B, G, R and a byte without use.
 */
export function saveDisplay(framebuffer, path) {
    const [, contents] = Gio.File.new_for_path(framebuffer).load_contents(null);
    const header = new DataView(contents.buffer, contents.byteOffset);
    const word = index => header.getUint32(index * 4);
    const [width, height, stride] = [word(4), word(5), word(12)];
    const pixels = contents.slice(word(0) + word(19) * 12);
    for (let i = 3; i < pixels.length; i += 4)
        pixels[i] = 255;
    Gdk.MemoryTexture.new(width, height, Gdk.MemoryFormat.B8G8R8A8, pixels, stride)
        .save_to_png(path);
    return new Set(new Uint32Array(pixels.buffer)).size;
}

/** What lies in a folder */
export function listFolder(path) {
    const names = [];
    const files = Gio.File.new_for_path(path).enumerate_children(
        'standard::name', Gio.FileQueryInfoFlags.NONE, null);
    for (let info; (info = files.next_file(null)) !== null;)
        names.push(info.get_name());
    return names;
}

/** The processes that are below this one, as command lines */
export function childProcesses() {
    const children = [];
    for (const thread of listFolder('/proc/self/task')) {
        const [, contents] = GLib.file_get_contents(`/proc/self/task/${thread}/children`);
        children.push(...new TextDecoder().decode(contents).trim().split(' ').filter(it => it));
    }
    return children.map(pid => {
        try {
            const [, contents] = GLib.file_get_contents(`/proc/${pid}/cmdline`);
            return `${pid}: ${new TextDecoder().decode(contents).replaceAll('\0', ' ')}`;
        } catch {
            return pid;
        }
    });
}
