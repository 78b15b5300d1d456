// SPDX-License-Identifier: Apache-2.0
// Builds a shared library, lists its symbols, and has LOADER load it:
// gjs -m build-library.js -- OUTPUT LOADER OPTION… -- SOURCE…
// Without the first --, gjs takes options such as -I for its own.
import Gio from 'gi://Gio';
import TvmSupport from 'gi://TvmSupport?version=1';

const [, output, loader, ...rest] = ARGV;
const split = rest.indexOf('--');
const [options, sources] = [rest.slice(0, split), rest.slice(split + 1)];

// [example]
const result = await TvmSupport.Compiler.new().create_shared_async(output, sources, options);
const symbols = await TvmSupport.cc_get_global_symbol_section_map_async(output);
print(`${sources.length} sources, ${Object.keys(symbols).length} symbols, ` +
    `${(result.get_elapsed() / 1e6).toFixed(2)} s`);
Gio.Subprocess.new([loader, output], Gio.SubprocessFlags.NONE).wait_check(null);
