// SPDX-License-Identifier: Apache-2.0
// The example docs/examples/kernel-editor in a real window, used as a person would use it
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import Gtk from 'gi://Gtk?version=4.0';

import {assert, assertEqual, run} from '../bindings/tap.js';
import {childProcesses, frames, listFolder, replace, saveDisplay, saveScreenshot,
    steps, until} from './driver.js';

const example = GLib.getenv('KERNEL_EDITOR');
const pictures = GLib.getenv('KERNEL_EDITOR_PICTURES');
const {Application} = await import(`file://${example}/application.js`);
const {Window} = await import(`file://${example}/window.js`);
const {State} = await import(`file://${example}/tuner.js`);

const DECLARATION = 'float block[TILE][TILE];';
const ENDLESS = '\n  for (;;) ;';

// Far above what is measured, but below any of the limits that something here would wait for
const FROZEN_MSEC = 5000;

const application = new Application();
application.register(null);
application.activate();
const window = application.activeWindow;
const {editor, measurement, chart} = window;

const problems = () => window.problem_list.problems;
const press = button => button.emit('clicked');
const status = () => window.status.label;

// What happens when the pointer rests in a word
function hasTooltip(word) {
    const {buffer, view} = editor;
    const [, start] = buffer.get_start_iter().forward_search(word, 0, null);
    start.forward_char();
    const {x, y, width, height} = view.get_iter_location(start);
    const place = view.buffer_to_window_coords(Gtk.TextWindowType.WIDGET,
        x + Math.floor(width / 2), y + Math.floor(height / 2));
    return view.emit('query-tooltip', ...place, false, new Gtk.Tooltip());
}

const compiled = () => until(() => status().includes('compiled in') ||
    status().startsWith('Compiled in'), status);
const page = name => until(() => measurement.page === name,
    () => `${name}, but ${measurement.page} ${measurement.summary}, ${status()}`);
const idle = () => until(() => window.run_button.sensitive, status);

async function picture(name) {
    await frames(window, 30);
    saveScreenshot(window, `${pictures}/${name}.png`);
}

function neverFroze(what) {
    const {frames: count, longestGapMsec} = window.frameMonitor;
    print(`# ${what}: ${count} frames, the longest gap ${longestGapMsec.toFixed(1)} ms`);
    assert(count > 5, `${count} frames`);
    assert(longestGapMsec < FROZEN_MSEC, `${longestGapMsec} ms without a frame`);
}

function problemsAt(line, text) {
    const {buffer} = editor;
    const [, start] = buffer.get_iter_at_line(line);
    const [found, iter] = start.forward_search(text, 0, null);
    assert(found, `“${text}”`);
    return editor.problemsAt(iter).map(it => it.get_message());
}

const withoutTimeLimit = () => {
    window.limit.value = 60;
};

await run(steps({
    'compiles what it begins with': async () => {
        await compiled();
        assertEqual(problems().length, 0);
        assert(!window.stop_button.sensitive);
    },

    'underlines an error while one types, and fixes it': async () => {
        replace(editor.buffer, 'sizeof block[i]);', 'sizeof blok[i]);');
        await until(() => problems().length > 0, status);
        const [error] = problems();
        assert(error.get_message().includes('blok'), error.get_message());
        assertEqual(problemsAt(error.get_line() - 1, 'blok'), [error.get_message()]);
        assertEqual(problemsAt(error.get_line() - 1, 'memcpy'), []);
        assert(hasTooltip('blok'), 'hovering tells it');
        assert(!hasTooltip('memset'), 'nothing is said elsewhere');
        await picture('problems');

        editor.applyFixes(error);
        await compiled();
        assertEqual(problems().length, 0);
        assert(editor.text.includes('sizeof block[i]);'));
    },

    'runs, and shows the figures': async () => {
        press(window.run_button);
        await page('measured');
        assert(/^[0-9.]+ ms, [0-9.]+ GFLOP\/s$/.test(measurement.summary), measurement.summary);
        await idle();
        neverFroze('a run');
    },

    'tells that a result is wrong': async () => {
        replace(editor.buffer, '+= a[', '-= a[');
        press(window.run_button);
        await page('failed');
        assert(measurement.summary.startsWith('Wrong: c[0][0] is'), measurement.summary);
        await idle();
        replace(editor.buffer, '-= a[', '+= a[');
    },

    'tells that a kernel ends the program': async () => {
        replace(editor.buffer, DECLARATION, `${DECLARATION}\n  exit (0);`);
        replace(editor.buffer, '#include <string.h>', '#include <stdlib.h>\n#include <string.h>');
        press(window.run_button);
        await until(() => measurement.summary.startsWith('Failed'), () => measurement.summary);
        await idle();
        replace(editor.buffer, '\n  exit (0);', '');
        replace(editor.buffer, '#include <stdlib.h>\n', '');
    },

    'stops a kernel that does not end': async () => {
        withoutTimeLimit();
        replace(editor.buffer, DECLARATION, DECLARATION + ENDLESS);
        press(window.run_button);
        await page('running');
        assert(window.stop_button.sensitive && !window.run_button.sensitive);
        await frames(window, 30);
        neverFroze('a kernel that spins');
        await picture('running');
        press(window.stop_button);
        await page('idle');
        await idle();
    },

    'ends it at the time limit': async () => {
        window.limit.value = 0.5;
        press(window.run_button);
        await page('failed');
        assert(measurement.summary.startsWith('Time limit: '), measurement.summary);
        replace(editor.buffer, ENDLESS, '');
        await idle();
        neverFroze('a kernel that spins until its time limit');
    },

    'gives a compile that hangs up for a newer text': async () => {
        // The compiler waits for somebody who writes into it.
        const directory = GLib.Dir.make_tmp('kernel-editor-XXXXXX');
        const fifo = GLib.build_filenamev([directory, 'hangs.h']);
        Gio.Subprocess.new(['mkfifo', fifo], Gio.SubprocessFlags.NONE).wait_check(null);
        const include = `#include "${fifo}"\n`;

        await compiled();
        window.frameMonitor.reset();
        replace(editor.buffer, '#include <string.h>\n', `#include <string.h>\n${include}`);
        await until(() => status() === 'Compiling…', status);
        await frames(window, 60);
        assertEqual(status(), 'Compiling…');
        neverFroze('a compile that hangs');
        replace(editor.buffer, include, '');
        await compiled();
        assertEqual(problems().length, 0);

        GLib.unlink(fifo);
        GLib.rmdir(directory);
    },

    'tunes, while some hang, crash and do not compile': async () => {
        window.limit.value = 1;
        press(window.tune_button);
        await until(() => chart.candidates.some(it => it.state === State.MEASURED), status);
        neverFroze('compiling candidates');
        await picture('tuning');
        window.frameMonitor.reset();
        await idle();
        neverFroze('measuring candidates');
        for (const summary of chart.summaries)
            print(`# ${summary}`);

        const {candidates} = chart;
        const reasons = candidates.filter(it => it.state === State.LOST).map(it => it.reason);
        assertEqual(candidates.filter(it => it.state === State.MEASURED).length, 8);
        assertEqual(reasons, ['Time limit', 'Does not compile', 'Crashed']);
        const speeds = candidates.map(it => it.gflops).sort((a, b) => b - a);
        assert(chart.summaries[0].includes(speeds[0].toFixed(2)), chart.summaries[0]);
    },

    'is a window that is seen': async () => {
        press(window.run_button);
        await page('measured');
        await idle();
        replace(editor.buffer, 'int column = 0', 'int colum = 0');
        await until(() => problems().length > 1, status);
        await picture('light');
        const colors = saveDisplay(GLib.getenv('KERNEL_EDITOR_FRAMEBUFFER'),
            `${pictures}/display.png`);
        assert(colors > 100, `the display has ${colors} colours`);

        application.activate_action('style', GLib.Variant.new_string('dark'));
        await picture('dark');
        replace(editor.buffer, 'int colum = 0', 'int column = 0');
    },

    'names everything that can be used': () => {
        const {LABEL} = Gtk.AccessibleProperty;
        for (const row of chart.rows)
            assert(Gtk.test_accessible_has_property(row, LABEL), row.summary);
        assert(Gtk.test_accessible_has_property(editor.view, LABEL), 'the text');
        for (const name of ['run_button', 'stop_button', 'tune_button'])
            assert(window[name].tooltipText, name);
        for (const action of ['win.run', 'win.tune', 'win.stop', 'win.next-problem', 'app.quit'])
            assertEqual(application.get_accels_for_action(action).length > 0, true);
    },

    'stops tuning': async () => {
        press(window.tune_button);
        await until(() => chart.candidates.some(it => it.state === State.COMPILING), status);
        press(window.stop_button);
        await idle();
        assert(chart.candidates.every(it => it.state >= State.MEASURED));
        assert(chart.candidates.some(it => it.state === State.STOPPED));
    },

    'leaves no process behind, even if it is closed while a kernel runs': async () => {
        withoutTimeLimit();
        replace(editor.buffer, DECLARATION, DECLARATION + ENDLESS);
        press(window.run_button);
        await page('running');
        assert(childProcesses().length > 0, 'the kernel runs');
        window.close();
        await until(() => application.get_windows().length === 0, () => 'the window is closed');
        assertEqual(childProcesses(), []);
        assertEqual(listFolder(GLib.get_tmp_dir()), []);
    },

    'says that there is no compiler': async () => {
        GLib.setenv('CXX', '/nonexistent/compiler', true);
        GLib.setenv('CC', '/nonexistent/compiler', true);
        const lost = new Window({application});
        lost.present();
        await until(() => lost.status.label.includes('/nonexistent/compiler'),
            () => lost.status.label);
        assert(lost.editor.text.includes('kernel'));
        assert(lost.run_button.sensitive);
        lost.close();
        await until(() => application.get_windows().length === 0, () => 'the window is closed');
        GLib.unsetenv('CXX');
        GLib.unsetenv('CC');
    },

    'is a program': async () => {
        const program = Gio.Subprocess.new(['gjs', '-m', `${example}/main.js`],
            Gio.SubprocessFlags.NONE);
        const temporary = GLib.get_tmp_dir();
        // It compiles what it begins with.
        await until(() => listFolder(temporary).some(
            it => GLib.file_test(`${temporary}/${it}/kernel`, GLib.FileTest.EXISTS)),
        () => listFolder(temporary).join());
        program.send_signal(15);
        program.wait(null);
        assertEqual(program.get_term_sig(), 15);
    },
}));
