#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an installation says: check-environment.py PRINT_ENVIRONMENT"""

import os
import subprocess
import sys

NAMES = ['PATH', 'LD_LIBRARY_PATH', 'GI_TYPELIB_PATH', 'PKG_CONFIG_PATH', 'PYTHONPATH',
         'XDG_DATA_DIRS']
# A shell that keeps what the program writes, as meson does, and has a pipe of its own
SHELL = 'kept=$("$@"); status=$?; echo "kept: $kept"; exit $status'


def command_for(prefix, *options):
    return [
        sys.executable, sys.argv[1], *options,
        f'--bindir={prefix}/bin',
        f'--datadir={prefix}/share',
        f'--libdir={prefix}/lib',
        f'--python={sys.executable}',
        f'--pythondir={prefix}/lib/python3/dist-packages',
        f'--typelibdir={prefix}/lib/girepository-1.0',
    ]


def output_of(command, **environment):
    basis = {'PATH': '/usr/bin:/bin', 'LC_ALL': 'C.UTF-8'}
    return subprocess.run(command, env=basis | environment, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def exports_of(text):
    return [line[9:] for line in text.splitlines() if line.startswith('  export ')]


def main():
    exports = exports_of(output_of(command_for('/nowhere')))
    assert [line.partition('=')[0] for line in exports] == NAMES, exports

    # What a shell makes of it, with the variables unset and with values that stay
    script = '\n'.join(f'export {line}' for line in exports) + '\nenv'
    variables = dict(line.split('=', 1) for line in output_of(['sh', '-c', script]).splitlines())
    assert variables['LD_LIBRARY_PATH'] == '/nowhere/lib', variables
    assert variables['PATH'] == '/nowhere/bin:/usr/bin:/bin', variables
    assert variables['XDG_DATA_DIRS'] == '/nowhere/share:/usr/local/share:/usr/share', variables
    again = output_of(['sh', '-c', script], PYTHONPATH='/mine', XDG_DATA_DIRS='/theirs')
    assert 'PYTHONPATH=/nowhere/lib/python3/dist-packages:/mine\n' in again, again
    assert 'XDG_DATA_DIRS=/nowhere/share:/theirs\n' in again, again

    # Whoever has set them is told nothing, nor is it said what is the case everywhere.
    assert output_of(command_for('/nowhere'), **variables) == ''
    assert not {'PATH', 'LD_LIBRARY_PATH', 'XDG_DATA_DIRS'} & {
        line.partition('=')[0] for line in exports_of(output_of(command_for('/usr')))}

    # An installation gets through to its caller, and a package is none.
    shell = ['bash', '-c', SHELL, 'bash', *command_for('/nowhere', '--installing')]
    text = output_of(shell)
    assert exports_of(text) == exports and text.endswith('kept: \n'), text
    assert output_of(shell, DESTDIR='/elsewhere') == 'kept: \n'
    return 0


if __name__ == '__main__':
    os.chdir('/')
    sys.exit(main())
